package person

import (
	"slices"
	"strings"
	"sync"
	"unicode/utf8"
)

// Contradict reports whether the names of two descriptions are those of different persons. They do not
// when first or last names are equal, or one side has none: names in another alphabet are compared as they are
// transliterated, short forms as the names that they stand for. Two things speak against equal names all the
// same, as a family or an office shares a phone:
//
//   - last names are equal, and both first names are names that the table knows, of different persons: Ivan and
//     Pyotr Petrov;
//   - first names are equal, but both last names and both patronymics differ: Anna Sergeevna Ivanova and
//     Anna Petrovna Smirnova.
//
// A woman's last name is not that of her husband: Петрова and Петров differ.
func Contradict(a, b Person) bool {
	x, y := namesOf(a), namesOf(b)
	if x.none() || y.none() {
		return false
	}
	first, last := compareFirst(x.first, y.first), compareLast(x.last, y.last)
	switch {
	case first == equal && last == differ:
		return compareLast(x.middle, y.middle) == differ
	case first == equal:
		return false
	case last == equal:
		return first == differ && knownFirst(x.first) && knownFirst(y.first)
	case crosses(x, y):
		return false
	}
	return first == differ || last == differ
}

// comparison is what two parts of names say to each other.
type comparison int

const (
	silent comparison = iota // one side has none
	equal
	differ
)

// names are the words of a name, folded.
type names struct{ first, middle, last []string }

func (n names) none() bool { return len(n.first) == 0 && len(n.last) == 0 }

// namesOf folds a person's names. What stands in for a name is none.
func namesOf(p Person) names {
	n := names{words(p.First), words(p.Middle), words(p.Last)}
	if standsIn(append(slices.Clone(n.first), n.last...)) {
		return names{}
	}
	return n
}

// words returns the folded words of a name, the parts of a double name by themselves.
func words(text string) []string {
	fields := strings.FieldsFunc(text, func(r rune) bool { return !isLetter(r) })
	var all []string
	for _, f := range fields {
		if w := fold(f); w != "" {
			all = append(all, w)
		}
	}
	return all
}

// standsIn reports whether words are what forms and portals write where there is no name.
func standsIn(words []string) bool {
	return !slices.ContainsFunc(words, func(w string) bool { return !placeholders()[w] })
}

var placeholders = sync.OnceValue(func() map[string]bool {
	known := map[string]bool{}
	for w := range strings.FieldsSeq("без имени имя фамилия клиент гость контакт новый покупатель пользователь аноним неизвестно неизвестный тест " +
		"no name noname unknown anonymous guest client customer user contact lead new test none null undefined") {
		known[fold(w)] = true
	}
	return known
})

// compareFirst compares first names: equal are also short forms of one name.
func compareFirst(a, b []string) comparison { return compareNames(a, b, sameFirst) }

// compareLast compares last names; of a double name one part is enough, as of somebody who has married.
func compareLast(a, b []string) comparison {
	return compareNames(a, b, func(x, y string) bool { return x == y })
}

// compareNames compares names of several words: one that both have is enough. An initial is silent beside a name that
// begins with it.
func compareNames(a, b []string, same func(x, y string) bool) comparison {
	if len(a) == 0 || len(b) == 0 {
		return silent
	}
	result := differ
	for _, x := range a {
		for _, y := range b {
			switch {
			case isInitial(x) || isInitial(y):
				if initialOf(x, y) && result == differ {
					result = silent
				}
			case same(x, y):
				return equal
			}
		}
	}
	return result
}

func isInitial(w string) bool { return utf8.RuneCountInString(w) == 1 }

// initialOf reports whether one of two words may be the initial of the other, or of a name it is short for.
func initialOf(x, y string) bool {
	if isInitial(y) {
		x, y = y, x
	}
	return strings.HasPrefix(y, x) || slices.ContainsFunc(fullNames(y), func(full string) bool { return strings.HasPrefix(full, x) })
}

// crosses reports whether a first name of one side is a last name of the other: forms with one field, and
// people who write their last name first.
func crosses(x, y names) bool {
	return compareLast(x.first, y.last) == equal || compareLast(x.last, y.first) == equal ||
		compareFirst(x.first, y.last) == equal || compareFirst(x.last, y.first) == equal
}

// sameFirst reports whether two first names, folded, are one, or short for one.
func sameFirst(x, y string) bool {
	if x == y {
		return true
	}
	of := fullNames(y)
	return slices.ContainsFunc(fullNames(x), func(full string) bool { return slices.Contains(of, full) })
}

// knownFirst reports whether one of the words is a first name that the table knows, or an initial.
func knownFirst(words []string) bool {
	return slices.ContainsFunc(words, func(w string) bool { return isInitial(w) || len(fullNames(w)) > 0 })
}
