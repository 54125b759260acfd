package transform

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// foldName returns a text in lower case, with е for ё, as in the lists of words below.
func foldName(word string) string {
	var few [64]byte
	b := few[:0]
	for _, r := range word {
		b = utf8.AppendRune(b, foldRune(r))
	}
	return string(b)
}

// foldRune is foldName for one character. It uses Unicode's tables only for rare letters, as they are slow.
func foldRune(r rune) rune {
	switch {
	case r >= 'A' && r <= 'Z', r >= 'А' && r <= 'Я':
		return r + 32
	case r == 'ё', r == 'Ё':
		return 'е'
	case r < utf8.RuneSelf, r >= 'а' && r <= 'я':
		return r
	}
	return unicode.ToLower(r)
}

// isParticle reports whether a word may begin a last name, as von and de do.
func isParticle(w string) bool {
	switch w {
	case "van", "von", "de", "der", "den", "di", "del", "della", "dello", "dei", "degli", "de'", "la", "le", "du", "da", "das", "do", "dos",
		"ter", "ten", "zu", "zum", "zur", "af", "av", "el", "al", "bin", "ibn",
		"ван", "фон", "де", "дер", "ден", "ди", "дель", "делла", "ла", "ле", "дю", "да", "дос", "тер", "цу", "эль", "аль", "бин", "ибн":
		return true
	}
	return false
}

// isFiliation reports whether a word is the second word of a patronymic such as Мамед оглы.
func isFiliation(w string) bool {
	switch strings.Map(withoutApostrophe, w) {
	case "oğlu", "qızı", "оғлы", "ўғли", "қизи", "гизи", "уули", "оглы", "оглу", "огли", "угли", "улы", "ұлы", "уулу", "кызы", "қызы", "кизи", "гызы",
		"ogly", "oglu", "ogli", "ugli", "uly", "kyzy", "kizi", "qizi", "gyzy":
		return true
	}
	return false
}

// withoutApostrophe drops the apostrophes of Uzbek: o'g'li, oʻgʻli.
func withoutApostrophe(r rune) rune {
	switch r {
	case '\'', '’', '‘', 'ʻ', 'ʼ', '`':
		return -1
	}
	return r
}

// isPatronymic reports whether a word has the ending of a patronymic: Russian, Ukrainian, Belarusian
// and those of the Turkic languages.
func isPatronymic(w string) bool {
	if len(w) < len("ильич") {
		return false
	}
	for _, ending := range [...]string{"овна", "евна", "ична", "ovna", "evna", "ichna", "івна", "ївна", "аўна", "еўна", "ivna", "yivna",
		"оглы", "оглу", "огли", "угли", "кызы", "қызы", "кизи", "қизи", "ұлы", "улы", "уулу", "ogly", "oglu", "ogli", "ugli", "kyzy", "qyzy", "qizi", "kizi", "uulu", "oğlu", "qızı"} {
		if strings.HasSuffix(w, ending) {
			return true
		}
	}
	return isMalePatronymic(w)
}

// isMalePatronymic distinguishes male patronymics from last names with the same ending: -евич is a patronymic only after
// a vowel, ь, л or р (Мицкевич and Лукашевич are last names).
func isMalePatronymic(w string) bool {
	switch w {
	case "ильич", "лукич", "кузьмич", "фомич", "никитич", "саввич", "фокич", "ильинич", "ilyich", "ilich", "kuzmich", "nikitich", "lukich":
		return true
	case "рабинович", "шостакович", "каганович", "вуйкович", "мейерович", "хаймович", "гуревич", "rabinovich", "shostakovich", "gurevich":
		return false
	}
	if stem, ok := cutAnySuffix(w, "евич", "evich"); ok {
		for _, end := range [...]string{"а", "е", "и", "о", "у", "я", "ь", "л", "р", "a", "e", "i", "o", "u", "y", "l", "r"} {
			if strings.HasSuffix(stem, end) {
				return true
			}
		}
		return false
	}
	// The endings ыч, еич and аич are colloquial: Иваныч, Сергеич.
	_, ok := cutAnySuffix(w, "ович", "ovich", "овіч", "авіч", "ovych", "yovych", "ovitch", "ыч", "еич", "аич")
	return ok
}

// mayBePatronymic reports whether a word has an ending that patronymics and last names share.
func mayBePatronymic(w string) bool {
	_, ok := cutAnySuffix(w, "евич", "ович", "евіч", "evich", "ewicz", "owicz", "uly", "ич")
	return ok
}

func cutAnySuffix(w string, endings ...string) (stem string, ok bool) {
	for _, ending := range endings {
		if stem, ok := strings.CutSuffix(w, ending); ok {
			return stem, true
		}
	}
	return w, false
}

// hasSurnameEnding reports whether a word has a common ending of last names in Russian and its
// neighbours' languages.
func hasSurnameEnding(w string) bool {
	if len(w) < len("ким-") { // shorter ones are too often first names: Лев, Ева, Ян
		return false
	}
	for _, ending := range [...]string{
		"ов", "ова", "ев", "ева", "ин", "ина", "ын", "ына", "ский", "ская", "цкий", "цкая", "ской", "цкой",
		"ых", "их", "ко", "ук", "юк", "ян", "янц", "дзе", "швили", "ович", "евич", "ец", "ой", "ый", "ая",
	} {
		if strings.HasSuffix(w, ending) {
			return true
		}
	}
	if len(w) < len("popov") {
		return false
	}
	for _, ending := range [...]string{"ov", "ova", "ev", "eva", "sky", "skiy", "skii", "skaya", "enko", "chuk", "yuk", "ovich", "evich", "dze", "shvili"} {
		if strings.HasSuffix(w, ending) {
			return true
		}
	}
	return false
}

// isFirstName reports whether a word is a common first name of Russian speakers, or a short form of one. In a double name
// one part is enough.
func isFirstName(w string) bool {
	for part := range strings.SplitSeq(w, "-") {
		if isMaleName(part) || isFemaleName(part) || isTransliteratedName(part) {
			return true
		}
	}
	return false
}

func isMaleName(w string) bool {
	switch w {
	case "александр", "алексей", "анатолий", "андрей", "антон", "аркадий", "арсений", "артем", "артур", "афанасий",
		"богдан", "борис", "вадим", "валентин", "валерий", "василий", "виктор", "виталий", "влад", "владимир", "владислав",
		"всеволод", "вячеслав", "гавриил", "геннадий", "георгий", "герман", "глеб", "гордей", "григорий", "давид", "даниил",
		"данил", "данила", "демид", "демьян", "денис", "дмитрий", "евгений", "евдоким", "егор", "ефим", "захар", "иван",
		"игнат", "игорь", "илья", "иннокентий", "иосиф", "кирилл", "клим", "константин", "кузьма", "лаврентий", "лев",
		"леонид", "лука", "лукьян", "макар", "максим", "марат", "марк", "мартин", "мартын", "матвей", "мирон", "мирослав",
		"митрофан", "михаил", "назар", "никита", "николай", "олег", "остап", "павел", "петр", "платон", "прохор", "родион",
		"роман", "ростислав", "руслан", "савва", "савелий", "самуил", "святослав", "севастьян", "семен", "сергей", "спартак",
		"станислав", "степан", "тарас", "тимофей", "тимур", "тихон", "устин", "федор", "феликс", "филипп", "фома", "эдуард",
		"эмиль", "юлиан", "юрий", "яков", "ян", "ярослав",
		"саша", "леша", "паша", "миша", "дима", "коля", "вова", "витя", "костя", "стас", "слава", "женя", "толя", "гена",
		"абдулла", "азамат", "айдар", "алан", "али", "алихан", "алмаз", "амин", "амир", "арман", "армен", "арсен", "асхат",
		"ахмед", "ашот", "бахтияр", "булат", "гамид", "гасан", "гиви", "давит", "дамир", "данияр", "ерлан", "зураб", "ибрагим",
		"ильдар", "ильнур", "ильяс", "карен", "магомед", "мамед", "мурат", "нурлан", "равиль", "рамиль", "расул", "рафаэль",
		"ренат", "ринат", "рустам", "салават", "санжар", "серик", "тигран", "умар", "фарид", "фархад", "хасан", "шамиль",
		"эльдар", "эмин", "ясин", "адам", "тадеуш", "януш", "казимир", "казимеж", "войцех", "збигнев", "юзеф", "мечислав", "бронислав", "вацлав", "чеслав", "матеуш", "томаш", "кшиштоф", "анджей", "марек", "яцек",
		"бауыржан", "ержан", "ерболат", "кайрат", "қайрат", "канат", "қанат", "нурсултан", "нұрсұлтан", "аскар", "асқар", "берик", "берік", "серік", "галым", "ғалым", "мейрам", "талгат", "олжас", "дастан", "тимурлан", "темирлан", "нурлыбек",
		"алишер", "шерзод", "бахром", "жасур", "дилшод", "улугбек", "нодир", "отабек", "азиз", "фаррух", "бобур", "сардор", "ойбек", "зафар", "шухрат", "далер", "бекзат", "айбек", "мирлан", "нурбек",
		"іван", "володимир", "василь", "віктор", "віталій", "євген", "олексій", "ігор", "юрій", "григорій", "олександр", "андрий", "микола", "михайло", "дмитро", "петро", "павло", "сергий", "юрко", "марко":
		return true
	}
	return false
}

func isFemaleName(w string) bool {
	switch w {
	case "августина", "агата", "аглая", "агния", "аделина", "аида", "алевтина", "александра", "александрина", "алена",
		"алина", "алиса", "алла", "альбина", "амина", "анастасия", "ангелина", "анжела", "анжелика", "анна", "антонина",
		"анфиса", "арина", "ася", "аурика", "валентина", "валерия", "варвара", "василина", "василиса", "вера", "вероника",
		"виктория", "виолетта", "галина", "георгина", "дана", "дарина", "дарья", "диана", "дина", "доминика", "ева",
		"евгения", "евдокия", "екатерина", "елена", "елизавета", "жанна", "залина", "зарина", "зинаида", "злата", "зоя",
		"инга", "инесса", "инна", "ирина", "камилла", "карина", "каролина", "кира", "клавдия", "кристина", "ксения", "лариса",
		"лейла", "лиана", "лидия", "лилия", "лина", "лия", "лолита", "любовь", "людмила", "мадина", "майя", "малина",
		"маргарита", "марианна", "марина", "мария", "марта", "мила", "милана", "милена", "надежда", "наталия", "наталья", "нелли",
		"ника", "нина", "нонна", "оксана", "олеся", "ольга", "павлина", "полина", "рада", "раиса", "регина", "рената", "римма",
		"роза", "розалина", "сабина", "светлана", "серафима", "снежана", "софия", "софья", "таисия", "тамара", "татьяна",
		"ульяна", "устинья", "фаина", "эвелина", "элина", "эльвира", "эльмира", "эмилия", "юлианна", "юлия", "яна", "янина", "ярослава",
		"аня", "катя", "лена", "маша", "настя", "наташа", "оля", "рая", "света", "соня", "таня", "юля", "даша", "ира", "надя", "люба",
		"айгуль", "алия", "гузель", "гульнара", "динара", "зульфия", "ильмира", "олена", "катерина", "наталія", "ірина", "марія", "юлія", "тетяна", "соломія", "гульмира", "сауле", "сәуле", "жанар", "асель", "әсел", "ядвига", "ванда", "малгожата", "эва", "лейсан", "наргиза", "фатима", "айжан", "аруна":
		return true
	}
	return false
}

func isTransliteratedName(w string) bool {
	switch w {
	case "aleksandr", "alexander", "alexandr", "aleksey", "alexey", "alexei", "anatoly", "andrey", "andrei", "anton", "artem", "boris",
		"denis", "dmitry", "dmitriy", "dmitrii", "egor", "evgeny", "evgeniy", "gleb", "grigory", "igor", "ilya", "ivan", "kirill",
		"konstantin", "lev", "leonid", "maksim", "maxim", "mikhail", "nikita", "nikolay", "nikolai", "oleg", "pavel", "petr", "roman",
		"ruslan", "semyon", "sergey", "sergei", "stanislav", "stepan", "timur", "vadim", "valentin", "valery", "vasily", "viktor",
		"vitaly", "vladimir", "vladislav", "vyacheslav", "yakov", "yaroslav", "yury", "yuri", "yuriy",
		"alina", "anastasia", "anastasiya", "ekaterina", "elena", "galina", "irina", "karina", "kseniya", "ksenia", "larisa", "ludmila",
		"lyudmila", "marina", "mariya", "nadezhda", "natalia", "natalya", "oksana", "olga", "polina", "svetlana", "tatiana", "tatyana",
		"valentina", "yulia", "yuliya", "zhanna":
		return true
	}
	return false
}

// isSuffix reports whether a word follows a last name and belongs to it, as Jr. does.
func isSuffix(w string) bool {
	switch strings.TrimSuffix(w, ".") {
	case "jr", "sr", "ii", "iii", "iv", "jnr", "snr", "мл", "ст", "младший", "старший", "filho", "neto", "júnior", "junior", "senior":
		return true
	}
	return false
}
