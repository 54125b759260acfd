package transform

import (
	"strings"
	"testing"
)

func TestSplitName(t *testing.T) {
	tests := []struct {
		clause, text        string
		first, second, last string
	}{
		{"patronymic, last name first", "Петров Иван Сергеевич", "Иван", "Сергеевич", "Петров"},
		{"patronymic, last name last", "Иван Сергеевич Петров", "Иван", "Сергеевич", "Петров"},
		{"patronymic of a woman, last name first", "Ким Анна Ильинична", "Анна", "Ильинична", "Ким"},
		{"patronymic of a woman, last name last", "Анна Сергеевна Ким", "Анна", "Сергеевна", "Ким"},
		{"patronymic without last name", "Иван Сергеевич", "Иван", "Сергеевич", ""},
		{"short patronymic", "Илья Ильич Обломов", "Илья", "Ильич", "Обломов"},
		{"patronymic in -ьевич", "Толстой Лев Васильевич", "Лев", "Васильевич", "Толстой"},
		{"last name that looks like a patronymic, last", "Иван Сергеевич Абрамович", "Иван", "Сергеевич", "Абрамович"},
		{"last name that looks like a patronymic, first", "Абрамович Роман Аркадьевич", "Роман", "Аркадьевич", "Абрамович"},
		{"last name in -кевич is not a patronymic", "Адам Мицкевич", "Адам", "", "Мицкевич"},
		{"last name in -ович that is known", "Рабинович Иван", "Иван", "", "Рабинович"},
		{"double last name and patronymic", "Петров-Водкин Кузьма Сергеевич", "Кузьма", "Сергеевич", "Петров-Водкин"},
		{"two first names and patronymic", "Анна Мария Сергеевна Петрова", "Анна Мария", "Сергеевна", "Петрова"},
		{"last name, two first names and patronymic", "Ли Анна Мария Сергеевна", "Анна Мария", "Сергеевна", "Ли"},
		{"transliterated", "Petrov Ivan Sergeevich", "Ivan", "Sergeevich", "Petrov"},

		{"оглы, last name first", "Алиев Гасан Мамед оглы", "Гасан", "Мамед оглы", "Алиев"},
		{"оглы, last name last", "Гасан Мамед оглы Алиев", "Гасан", "Мамед оглы", "Алиев"},
		{"оглы without last name", "Гасан Мамед оглы", "Гасан", "Мамед оглы", ""},
		{"кызы, last name first", "Алиева Лейла Мамед кызы", "Лейла", "Мамед кызы", "Алиева"},
		{"кызы, last name last", "Лейла Мамед Кызы Алиева", "Лейла", "Мамед Кызы", "Алиева"},
		{"оглы behind a dash", "Алиев Гасан Мамед-оглы", "Гасан", "Мамед-оглы", "Алиев"},
		{"кызы written together", "Алиева Айгуль Маратқызы", "Айгуль", "Маратқызы", "Алиева"},

		{"ending, last name last", "Джон Кузнецов", "Джон", "", "Кузнецов"},
		{"ending, last name first", "Кузнецов Джон", "Джон", "", "Кузнецов"},
		{"ending -ская, first", "Вишневская Джейн", "Джейн", "", "Вишневская"},
		{"ending -енко, first", "Бондаренко Тайлер", "Тайлер", "", "Бондаренко"},
		{"ending -швили, first", "Саакашвили Мегги", "Мегги", "", "Саакашвили"},
		{"ending, three words, last name first", "Сидоров Иван Пётр", "Иван", "Пётр", "Сидоров"},

		{"both could be last names, usual order", "Марина Калинина", "Марина", "", "Калинина"},
		{"both could be last names, turned", "Калинина Марина", "Марина", "", "Калинина"},
		{"both could be last names, men", "Левин Константин", "Константин", "", "Левин"},
		{"first name that ends like a last name", "Яков Король", "Яков", "", "Король"},
		{"known first name, last name of no usual ending, turned", "Шульц Марина", "Марина", "", "Шульц"},
		{"short first name that ends like a last name", "Лев Толстой", "Лев", "", "Толстой"},
		{"both last names by ending, none known", "Соколов Кузнецов", "Соколов", "", "Кузнецов"},
		{"two first names that are known", "Лев Мартин", "Лев", "", "Мартин"},
		{"ё is е", "Артём Ковалёв", "Артём", "", "Ковалёв"},
		{"ё is е, turned", "Ковалёв Артём", "Артём", "", "Ковалёв"},
		{"transliterated, turned", "Ivanov Ivan", "Ivan", "", "Ivanov"},
		{"double first name", "Римская-Корсакова Анна-Мария", "Анна-Мария", "", "Римская-Корсакова"},

		{"particle van", "Ludwig van Beethoven", "Ludwig", "", "van Beethoven"},
		{"particles van der", "Jan van der Berg", "Jan", "", "van der Berg"},
		{"particle de", "Charles de Gaulle", "Charles", "", "de Gaulle"},
		{"particle von, middle name", "Johann Wolfgang von Goethe", "Johann", "Wolfgang", "von Goethe"},
		{"particle di", "Angelo di Maria", "Angelo", "", "di Maria"},
		{"particle del", "Benicio del Toro", "Benicio", "", "del Toro"},
		{"particles de la", "Oscar de la Hoya", "Oscar", "", "de la Hoya"},
		{"particle la", "Gregory La Cava", "Gregory", "", "La Cava"},
		{"particle in upper case", "JAN VAN DER BERG", "JAN", "", "VAN DER BERG"},
		{"particle in Cyrillic", "Людвиг ван Бетховен", "Людвиг", "", "ван Бетховен"},
		{"particle in front of a last name, and a patronymic", "фон Витте Сергей Юльевич", "Сергей", "Юльевич", "фон Витте"},
		{"patronymic in front of a particle", "Сергей Юльевич фон Витте", "Сергей", "Юльевич", "фон Витте"},
		{"particle at the start is a first name", "Van Morrison", "Van", "", "Morrison"},
		{"particle in lower case at the start", "van Beethoven", "", "", "van Beethoven"},
		{"particle at the end", "Anna Van", "Anna", "", "Van"},

		{"initials behind", "Иванов И. И.", "И.", "И.", "Иванов"},
		{"initials behind, together", "Иванов И.И.", "И.", "И.", "Иванов"},
		{"initials in front", "И. И. Иванов", "И.", "И.", "Иванов"},
		{"initials in front, together with the name", "И.И.Иванов", "И.", "И.", "Иванов"},
		{"one initial behind a last name", "Иванов И.", "И.", "", "Иванов"},
		{"one initial behind a first name", "Мария К.", "Мария", "К.", ""},
		{"initial of a name not told", "John S.", "John", "S.", ""},
		{"initial without dot", "Malcolm X", "Malcolm", "X", ""},
		{"middle initial", "John F. Kennedy", "John", "F.", "Kennedy"},
		{"several initials", "J. R. R. Tolkien", "J.", "R. R.", "Tolkien"},
		{"initial last of three", "Сидоров Иван П.", "Иван", "П.", "Сидоров"},
		{"initial last of three, usual order", "Anna Smith J.", "Anna", "J.", "Smith"},
		{"initials only", "И. И.", "И.", "И.", ""},
		{"two initials behind in Latin", "Smith J. K.", "J.", "K.", "Smith"},

		{"lower case stays", "иван петров", "иван", "", "петров"},
		{"upper case stays", "ПЕТРОВ ИВАН СЕРГЕЕВИЧ", "ИВАН", "СЕРГЕЕВИЧ", "ПЕТРОВ"},
		{"single word", "Иван", "Иван", "", ""},
		{"single word that ends like a last name", "Петров", "Петров", "", ""},
		{"hyphenated", "Jean-Luc Picard", "Jean-Luc", "", "Picard"},
		{"extra spaces", "  Иван \u00a0\t Петров\u2003", "Иван", "", "Петров"},
		{"Latin, two words", "Jane Smith", "Jane", "", "Smith"},
		{"Latin, three words", "Jane Mary Smith", "Jane", "Mary", "Smith"},
		{"Latin, four words", "Anna Maria Luisa Rossi", "Anna", "Maria Luisa", "Rossi"},
		{"Latin, short name ending like a last name", "Eva Green", "Eva", "", "Green"},
		{"comma", "Smith, John Paul", "John", "Paul", "Smith"},
		{"comma without blank", "Smith,John", "John", "", "Smith"},
		{"comma behind a blank", "Smith , John", "John", "", "Smith"},
		{"comma, particle", "van der Berg, Jan", "Jan", "", "van der Berg"},
		{"suffix behind a comma", "John Smith, Jr.", "John", "", "Smith, Jr."},
		{"suffix", "Ken Griffey III", "Ken", "", "Griffey III"},
		{"no letters with case are no initials", "王 伟", "王", "", "伟"},
		{"nothing", "  ", "", "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.clause, func(t *testing.T) {
			got := splitName(tt.text)
			if want := (fullName{tt.first, tt.second, tt.last}); got != want {
				t.Errorf("splitName(%q) = %+v, want %+v", tt.text, got, want)
			}
		})
	}
}

// Every word of a name must be in exactly one of its parts.
func TestSplitNameLosesNoWord(t *testing.T) {
	words := []string{"Иван", "Петров", "Сергеевич", "оглы", "И.", "van", "Smith", "де", "Марина", "К"}
	for _, a := range words {
		for _, b := range words {
			for _, c := range words {
				for _, d := range append(words, "") {
					in := strings.Fields(strings.Join([]string{a, b, c, d}, " "))
					n := splitName(strings.Join(in, " "))
					if out := strings.Fields(n.first + " " + n.second + " " + n.last); !sameWords(in, out) {
						t.Fatalf("splitName(%q) = %+v", in, n)
					}
				}
			}
		}
	}
}

func sameWords(a, b []string) bool {
	count := map[string]int{}
	for _, w := range a {
		count[w]++
	}
	for _, w := range b {
		count[w]--
	}
	for _, n := range count {
		if n != 0 {
			return false
		}
	}
	return true
}

func TestSplitNameOfAbsurdLength(t *testing.T) {
	text := strings.Repeat("И.", 200_000)
	if got := splitName(text); got.first != text {
		t.Error("a text too long for a name must stay whole")
	}
}
