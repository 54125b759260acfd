package person

import (
	"slices"
	"strings"
	"testing"
)

const ours = "+79161234567"

// someone reads "Last First Middle" as their names, "-" for a part that is missing.
func someone(name string) Person {
	part := func(s string) string {
		if s == "-" {
			return ""
		}
		return strings.ReplaceAll(s, "_", " ")
	}
	p := Person{Phones: []string{ours}}
	for i, w := range strings.Fields(name) {
		switch i {
		case 0:
			p.Last = part(w)
		case 1:
			p.First = part(w)
		case 2:
			p.Middle = part(w)
		}
	}
	return p
}

// Who shares a phone number: may they be one person? Names are Last First Middle.
func TestAgreementByPhone(t *testing.T) {
	for _, group := range []struct {
		what  string
		agree bool
		pairs []string
	}{
		{"the same name", true, []string{
			"Петров Иван | Петров Иван",
			"Петров Иван | ПЕТРОВ ИВАН",
			"Семёнов Пётр | Семенов Петр",
			"Петров Иван Сергеевич | Петров Иван",
			"Петров-Водкин Кузьма | Петров-Водкин Кузьма",
			"Müller Jürgen | Muller Jurgen",
			"Łukasz Wałęsa | Lukasz Walesa",
			"O'Neill John | O’Neill John",
			"García José | Garcia Jose",
			"Nguyễn Minh | Nguyen Minh",
		}},
		{"transliterated", true, []string{
			"Петров Иван | Petrov Ivan",
			"Юрьева Юлия | Yurieva Yuliya",
			"Юрьева Юлия | Jurjeva Julia",
			"Щербаков Алексей | Shcherbakov Alexey",
			"Щербаков Алексей | Scherbakov Aleksei",
			"Хабибуллин Ринат | Khabibullin Rinat",
			"Цой Евгений | Tsoy Yevgeny",
			"Соловьёв Сергей | Solovyov Sergey",
			"Соловьев Сергей | Soloviev Sergei",
			"Андреев Дмитрий | Andreyev Dmitry",
			"Ельцина Наталья | Yeltsina Natalia",
			"Жуков Пётр | Zhukov Pyotr",
			"Чехов Антон | Chekhov Anton",
			"Зайцев Фёдор | Zaytsev Fyodor",
			"Ковальчук Андрій | Kovalchuk Andrii",
			"Шевченко Олена | Shevchenko Olena",
			"Қайратұлы Нұрлан | Kairatuly Nurlan",
		}},
		{"short forms", true, []string{
			"Петров Иван | Петров Ваня",
			"Петров Ivan | - Ваня",
			"- Иван | - Vanya",
			"- Саша | Смирнова Александра",
			"- Саша | Смирнов Александр",
			"- Sasha | Смирнов Александр",
			"- Лёша | - Alexey",
			"- Женя | - Евгения",
			"- Катя | - Catherine",
			"- Миша | - Michael",
			"- Михаил | - Michail",
			"- Дима | - Дмитрий",
			"- Маша | - Мария",
			"- Настя | - Anastasia",
			"- Юля | - Julia",
			"Smith Bob | Smith Robert",
			"- Bill | - William",
			"- Kate | Jones Katherine",
			"- Слава | - Вячеслав",
			"- Слава | - Ярослав",
			"- Серёга | - Сергей",
			"- Елена | - Олена",
			"- Peter | - Пётр",
		}},
		{"married names: the first name stays", true, []string{
			"Иванова Анна | Смирнова Анна",
			"Иванова Анна Сергеевна | Смирнова Анна Сергеевна",
			"Иванова Анна Сергеевна | Смирнова Анна",
			"Иванова Анна | Иванова-Смирнова Анна",
			"Kowalska Ewa | Nowak Ewa",
			"Smith Mary | Jones Mary",
			"Иванова Катя | Смирнова Екатерина",
		}},
		{"one side has none", true, []string{
			"- - | Петров Иван",
			"Петров Иван | - -",
			"- - | - -",
			"- Клиент | Петров Иван",
			"- Без_имени | Петров Иван",
			"- Unknown | Petrov Ivan",
			"- 123 | Петров Иван",
			"- Имя | Петров Иван",
			"Фамилия Имя | Петров Иван",
			"- test | Petrov Ivan",
		}},
		{"a part of a name", true, []string{
			"- Иван | Петров Иван",
			"Петров - | Петров Иван",
			"Петров - | - Иван",
			"- Петров | Петров Иван",
			"Петров И. | Петров Иван",
			"Петров И | Петров Ваня",
			"Иван Петров | Петров Иван",
			"Petrov A. | Петров Саша",
			"- И. | Петров Иван",
			"Петров Иоанн-Иван | Петров Иван",
		}},
		{"a last name with a first name that the table does not know", true, []string{
			"Петров Ивн | Петров Иван",
			"Петров Лёлик | Петров Алексей",
			"Ким Чан | Ким Пак",
		}},
		{"families behind one phone", false, []string{
			"Петров Иван | Петрова Мария",
			"Петров Иван | Петров Пётр",
			"Петрова Анна | Петрова Ольга",
			"Петров Иван | Petrova Maria",
			"Петров Иван | Petrov Pyotr",
			"Смирнова Саша | Смирнова Маша",
			"Smith John | Smith Mary",
			"Smith William | Smith Elizabeth",
			"Петров И. | Петров Сергей Иванович",
			"Ковальчук Андрій | Ковальчук Олена",
			"Шевченко Олег | Шевченко Катя",
			"- Мама | - Иван",
			"- Ваня | - Маша",
			"- Ivan | - Мария",
			"Ли Марк | Ли Анна",
		}},
		{"switchboards", false, []string{
			"Иванова Анна Сергеевна | Смирнова Анна Петровна",
			"Петров Иван | Сидоров Олег",
			"Петров Иван | Sidorov Oleg",
			"- Ольга | Сидоров Олег",
			"Петров - | Сидоров -",
			"Петров Иван | Сидоров -",
			"- Мария | Петрова Анна",
			"Smith John | Brown Robert",
			"García José | Müller Hans",
			"Хасанов Рустам | Ибрагимов Тимур",
			"Ким - | Пак -",
			"- Александр | - Алексей",
			"- Саша | - Паша",
			"- Юлия | - Юрий",
			"- Christina | - Christopher",
			"Петров Валерий | Сидорова Валерия",
		}},
	} {
		for _, pair := range group.pairs {
			left, right, _ := strings.Cut(pair, " | ")
			a, b := someone(left), someone(right)
			if a.Agrees(b, By{Phone: true}) != group.agree || b.Agrees(a, By{Phone: true}) != group.agree {
				t.Errorf("%s: %s: %v and %v, want both %v", group.what, pair, a.Agrees(b, By{Phone: true}), b.Agrees(a, By{Phone: true}), group.agree)
			}
		}
	}
}

func TestAgreementByEmail(t *testing.T) {
	a := Person{First: "Иван", Last: "Петров", Emails: []string{"ivan@example.ru"}}
	for _, test := range []struct {
		b    Person
		by   By
		want bool
	}{
		{Person{First: "Мария", Last: "Сидорова", Emails: []string{" Ivan@Example.RU"}}, By{Email: true}, true},
		{Person{Emails: []string{"ivan@example.ru"}}, By{Email: true, Phone: true}, true},
		{Person{Emails: []string{"ivan@example.ru"}}, By{Phone: true}, false},
		{Person{First: "Иван", Last: "Петров", Emails: []string{"ivan@example.com"}}, By{Email: true}, false},
		{Person{First: "Иван", Last: "Петров"}, By{Email: true, Phone: true}, false},
		{Person{First: "Иван", Last: "Петров", Emails: []string{""}}, By{Email: true}, false},
	} {
		if got := a.Agrees(test.b, test.by); got != test.want {
			t.Errorf("%+v by %+v: %v", test.b, test.by, got)
		}
	}
}

func TestSamePhone(t *testing.T) {
	for _, test := range []struct {
		a, b string
		want bool
	}{
		{ours, "79161234567", true},
		{ours, "89161234567", true},
		{ours, "9161234567", true},
		{ours, "8 (916) 123-45-67", true},
		{ours, "+7 916 123 45 67", true},
		{ours, "+7 (916) 123-45-67, доб. 12", true},
		{ours, "+79161234568", false},
		{ours, "1234567", false},
		{ours, "", false},
		{ours, "no number", false},
		{"+4930123456", "030 123456", true},
		{"+4930123456", "4930123456", true},
		{"+4930123456", "+4930123457", false},
		{"+380501234567", "0501234567", true},
		{"+77011234567", "87011234567", true},
		{"+12025550123", "(202) 555-0123", true},
		{"+12025550123", "12025550123", true},
		{"+442079460000", "020 7946 0000", true},
	} {
		if got := SamePhone(test.a, test.b); got != test.want {
			t.Errorf("SamePhone(%q, %q) = %v", test.a, test.b, got)
		}
		if got := SamePhone(test.b, test.a); strings.HasPrefix(test.b, "+") && got != test.want {
			t.Errorf("SamePhone(%q, %q) = %v", test.b, test.a, got)
		}
	}
}

func TestSpellings(t *testing.T) {
	for number, want := range map[string]string{
		ours:            "+79161234567 79161234567 89161234567",
		"+77011234567":  "+77011234567 77011234567 87011234567",
		"+4930123456":   "+4930123456 4930123456 030123456",
		"+380501234567": "+380501234567 380501234567 0501234567",
		"not a number":  "not a number",
	} {
		if got := strings.Join(Spellings(number), " "); got != want {
			t.Errorf("Spellings(%s) = %s, want %s", number, got, want)
		}
		for _, s := range Spellings(number) {
			if number != "not a number" && !SamePhone(number, s) {
				t.Errorf("%s is not read as %s", s, number)
			}
		}
	}
}

func TestPoints(t *testing.T) {
	p := Person{Phones: []string{ours, "+7 916 123-45-67"}, Emails: []string{"B@example.ru", "b@example.ru"}}
	if got := p.Points(By{Phone: true, Email: true}); !slices.Equal(got, []string{"email:b@example.ru", "phone:" + ours}) {
		t.Errorf("points %v", got)
	}
	if got := p.Points(By{Email: true}); !slices.Equal(got, []string{"email:b@example.ru"}) {
		t.Errorf("points %v", got)
	}
}
