package transform

import "strings"

// isTitle reports whether the first of several words is a title or an honorific.
func isTitle(words []string) bool {
	w := foldName(words[0])
	bare := strings.TrimSuffix(w, ".")
	switch bare {
	case "mr", "mrs", "ms", "miss", "mx", "mister", "dr", "doctor", "prof", "professor", "sir", "madam", "ma'am", "messrs",
		"herr", "frau", "fraulein", "fräulein", "hr", "fr", "dipl-ing", "dr-ing",
		"monsieur", "madame", "mademoiselle", "mme", "mlle", "me.",
		"señor", "señora", "señorita", "senor", "senora", "sra", "srta", "sr", "senhor", "senhora", "doña",
		"signor", "signora", "sig", "dott", "dottssa", "dott.ssa", "sig.ra",
		"bay", "bayan", "sayin", "sayın", "sn",
		"г-н", "г-жа", "г-ну", "г-же", "гн", "гжа", "господин", "госпожа", "гражданин", "гражданка", "гр-н", "гр-ка", "мистер", "миссис", "мисс",
		"д-р", "доктор", "проф", "профессор", "товарищ", "тов", "уважаемый", "уважаемая", "пан", "пані", "пани", "добродій", "добродійка", "мырза", "ханым":
		return true
	case "pan", "pani", "don": // also names: Pan Wei, Don Johnson
		return len(words) > 2
	case "rev", "hon", "capt", "col", "lt", "sgt", "ing", "mag", "eng", "arch", "adv", "lic", "к", "гр", "med", "phil", "jur", "h.c", "rer", "nat":
		return w != bare
	}
	return false
}

// isCredential reports whether a word behind a name is a degree or a profession.
func isCredential(word string) bool {
	w := strings.TrimRight(strings.ToLower(word), ".")
	switch strings.ReplaceAll(w, ".", "") {
	case "phd", "md", "mba", "cpa", "esq", "dds", "dvm", "rn", "cfa", "pmp", "msc", "bsc", "llm", "llb", "jd", "edd", "psyd", "mph", "pharmd", "dphil", "фрс", "obe", "cbe", "mbe",
		"ceo", "cto", "cfo", "coo", "cmo", "cio", "cpo", "hr-director", "vp", "founder", "co-founder", "cofounder", "owner", "director", "manager", "developer", "engineer",
		"директор", "гендиректор", "гендир", "менеджер", "руководитель", "бухгалтер", "юрист", "инженер", "основатель", "собственник", "владелец", "специалист", "маркетолог", "дизайнер",
		"ктн", "кмн", "кэн", "кюн", "дмн", "дтн", "дэн", "кпн", "кфмн", "дфмн", "кхн", "кбн", "кфн", "дфн",
		"директорка", "керівник", "geschaftsfuhrer", "geschäftsführer", "gerente", "gérant", "müdür":
		return true
	}
	return false
}

// isCompany reports whether words name a company, as one of them is a legal form. The legal form of an entrepreneur is
// not one of these, as a person's name follows it.
func isCompany(words []string) bool {
	for i, w := range words {
		switch strings.Trim(foldName(w), ".,\"«»") {
		case "ооо", "оао", "зао", "пао", "нко", "ано", "оод", "тоо", "тов", "осоо", "одо", "чуп", "фгуп", "муп", "гуп", "мбоу", "гбоу", "снт", "тсж", "тсн", "кфх", "прат", "пат", "жшс",
			"llc", "ltd", "inc", "gmbh", "corp", "corporation", "limited", "plc", "llp", "sarl", "s.r.l", "srl", "s.a", "b.v", "pty", "sp.zo.o", "z.o.o", "ltda", "s.l", "oü", "oy",
			"компания", "фирма", "компанія", "company", "холдинг", "корпорация", "салон", "магазин", "студия", "агентство":
			return true
		case "ао":
			if w == "АО" && i == 0 {
				return true
			}
		}
	}
	return false
}

// entrepreneurWords returns how many words in front of a name are a single person's legal form or profession.
func entrepreneurWords(words []string) int {
	if len(words) < 2 {
		return 0
	}
	switch words[0] {
	case "ИП", "И.П.", "ФОП", "ЧП", "ФЛП", "СПД", "ип", "фоп", "Ип", "ЖК", "ЖШ":
		return 1
	}
	switch foldName(words[0]) {
	case "самозанятый", "самозанятая", "предприниматель", "адвокат", "нотариус":
		return 1
	case "индивидуальный", "частный", "фізична", "физическое":
		if len(words) > 2 {
			return 2
		}
	}
	return 0
}

// isAgeWord reports whether a word belongs to an age, as years does.
func isAgeWord(w string) bool {
	switch strings.Trim(w, ".") {
	case "лет", "год", "года", "г", "л", "г.р", "гр", "years", "year", "old", "yo", "y.o", "yrs", "age", "aged", "jahre", "jahr", "años", "anos", "ans", "років", "роки", "рік", "жас", "жаста", "возраст":
		return true
	}
	return false
}

// isPlace reports whether words after a comma say where somebody lives.
func isPlace(words []string) bool {
	first := strings.TrimSuffix(foldName(words[0]), ".")
	switch first {
	case "г", "город", "city", "town", "м", "місто", "пос", "с", "обл", "область", "р-н", "село", "ул", "from", "из", "из-под":
		return true
	}
	if _, ok := countryByName(strings.Join(words, " ")); ok && len(first) > 6 {
		return true
	}
	switch foldName(strings.Join(words, " ")) {
	case "москва", "мск", "спб", "питер", "санкт-петербург", "новосибирск", "екатеринбург", "казань", "нижний новгород", "челябинск", "самара", "омск", "ростов", "ростов-на-дону", "уфа",
		"красноярск", "воронеж", "пермь", "волгоград", "краснодар", "саратов", "тюмень", "тольятти", "ижевск", "барнаул", "иркутск", "хабаровск", "владивосток", "ярославль", "сочи", "томск", "тула",
		"калининград", "пенза", "рязань", "киров", "тверь", "минск", "гомель", "брест", "гродно", "витебск", "киев", "київ", "одесса", "одеса", "харьков", "харків", "львов", "львів", "днепр", "дніпро",
		"алматы", "алма-ата", "астана", "шымкент", "ташкент", "бишкек", "баку", "тбилиси", "ереван", "рига", "вильнюс", "таллин", "кишинев",
		"moscow", "saint petersburg", "st. petersburg", "minsk", "kyiv", "kiev", "almaty", "astana", "tashkent", "london", "berlin", "munich", "münchen", "hamburg", "köln", "frankfurt", "wien", "vienna",
		"zurich", "zürich", "paris", "lyon", "marseille", "madrid", "barcelona", "valencia", "sevilla", "lisboa", "lisbon", "porto", "roma", "rome", "milano", "milan", "amsterdam", "brussels", "warszawa", "warsaw",
		"prague", "praha", "istanbul", "ankara", "izmir", "dubai", "new york", "nyc", "los angeles", "chicago", "boston", "seattle", "toronto", "sydney", "melbourne", "tokyo", "singapore", "mumbai", "delhi",
		"são paulo", "rio de janeiro", "buenos aires", "mexico city", "ciudad de méxico", "bogotá":
		return true
	}
	return false
}

// isGivenName reports whether a word is a common first name in one of many languages. isFirstName, which decides about
// the order of Russian names, knows fewer.
func isGivenName(w string) bool {
	if isFirstName(w) {
		return true
	}
	switch w {
	case "james", "john", "robert", "michael", "william", "david", "richard", "joseph", "thomas", "charles", "christopher", "daniel", "matthew", "mark", "paul", "steven", "andrew", "kenneth", "george", "peter",
		"edward", "brian", "kevin", "jason", "jeffrey", "ryan", "jacob", "gary", "nicholas", "eric", "jonathan", "stephen", "larry", "justin", "scott", "brandon", "benjamin", "samuel", "frank", "jack", "dennis",
		"patrick", "henry", "adam", "nathan", "zachary", "kyle", "oliver", "harry", "liam", "noah", "tom", "tim", "bob", "bill", "mike", "steve", "chris", "nick", "joe", "ben", "sam", "max", "alex", "jim",
		"mary", "patricia", "jennifer", "linda", "elizabeth", "barbara", "susan", "jessica", "sarah", "karen", "lisa", "nancy", "betty", "sandra", "margaret", "ashley", "kimberly", "emily", "donna", "michelle",
		"carol", "amanda", "melissa", "deborah", "stephanie", "rebecca", "laura", "helen", "sharon", "cynthia", "kathleen", "amy", "angela", "anna", "ann", "anne", "emma", "olivia", "sophia", "sophie", "jane",
		"kate", "julia", "julie", "lucy", "alice", "claire", "eva", "diana", "victoria", "grace", "rachel", "nicole", "maria", "christine", "martha", "eleanor", "sara",
		"hans", "jürgen", "klaus", "wolfgang", "stefan", "andreas", "matthias", "uwe", "lukas", "felix", "jonas", "karl", "heinz", "ursula", "monika", "petra", "sabine", "heike", "katrin", "lena", "mia", "hannah",
		"jean", "pierre", "michel", "philippe", "alain", "jacques", "louis", "françois", "nicolas", "marie", "nathalie", "isabelle", "sylvie", "camille", "chloé", "élise", "hélène",
		"josé", "jose", "juan", "carlos", "luis", "antonio", "manuel", "francisco", "javier", "miguel", "alejandro", "pedro", "gabriel", "fernando", "diego", "jorge", "rafael", "pablo", "carmen", "ana", "lucía", "lucia",
		"isabel", "rosa", "elena", "sofía", "joão", "joao", "paulo", "tiago", "bruno", "rui", "inês", "beatriz", "mariana", "fernanda", "juliana", "giovanni", "marco", "luca", "giulia", "francesca", "paolo", "chiara",
		"mehmet", "mustafa", "ahmet", "ali", "hüseyin", "hasan", "ibrahim", "emre", "murat", "fatma", "ayşe", "emine", "zeynep", "elif", "mohammed", "muhammad", "ahmed", "omar", "yusuf", "fatima", "aisha",
		"piotr", "krzysztof", "andrzej", "tomasz", "jan", "paweł", "marcin", "michał", "katarzyna", "małgorzata", "agnieszka", "ewa", "zofia", "wei", "li", "ming", "an", "minh", "anh", "raj", "amit", "priya":
		return true
	}
	return false
}

// isIberianSurname reports whether a word is a common last name in Spanish or Portuguese, where people have two.
func isIberianSurname(w string) bool {
	switch w {
	case "garcía", "garcia", "ruiz", "díaz", "diaz", "moreno", "romero", "torres", "navarro", "serrano", "molina", "ortega", "delgado", "castro", "ortiz", "rubio", "marín", "sanz", "castillo", "herrera", "vargas",
		"flores", "reyes", "cruz", "morales", "rivera", "ramos", "medina", "aguilar", "silva", "santos", "pereira", "ferreira", "oliveira", "souza", "sousa", "costa", "almeida", "rocha", "ribeiro", "carvalho", "lima", "gomes", "martins", "rodrigues", "fernandes":
		return true
	}
	return len(w) > len("pez") && (strings.HasSuffix(w, "ez") || strings.HasSuffix(w, "éz"))
}
