package person

import (
	"slices"
	"strings"
	"sync"
	"unicode/utf8"
)

// Contradict reports whether the names of two descriptions must belong to different persons. In general they need
// not if the first names or the last names are equal, or if one side has no name. Names in different alphabets are
// compared by their transliterations, short forms by the names that they stand for. But families and offices share
// phones, so two cases are different persons although one name is equal:
//
//   - the last names are equal, and the first names are different names that the table has: Ivan and Pyotr Petrov;
//   - the first names are equal, but both the last names and the patronymics differ: Anna Sergeevna Ivanova and
//     Anna Petrovna Smirnova.
//
// The female and the male form of a last name differ: Петрова and Петров.
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

// comparison is the result of comparing two parts of names.
type comparison int

const (
	silent comparison = iota // nothing follows, for example because one side has no such part
	equal
	differ
)

// names are the words of a name, folded.
type names struct{ first, middle, last []string }

func (n names) none() bool { return len(n.first) == 0 && len(n.last) == 0 }

// namesOf folds a person's names. A placeholder such as "без имени" counts as no name.
func namesOf(p Person) names {
	n := names{words(p.First), words(p.Middle), words(p.Last)}
	if isPlaceholder(append(slices.Clone(n.first), n.last...)) {
		return names{}
	}
	return n
}

// words returns the folded words of a name. The parts of a double name are words of their own.
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

// isPlaceholder reports whether words are only such that forms and portals write instead of a name.
func isPlaceholder(words []string) bool {
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

// compareFirst compares first names. Short forms of one name are equal.
func compareFirst(a, b []string) comparison { return compareNames(a, b, sameFirst) }

// compareLast compares last names. One equal part of a double name is enough, as people add a name when they marry.
func compareLast(a, b []string) comparison {
	return compareNames(a, b, func(x, y string) bool { return x == y })
}

// compareNames compares names of several words. They are equal if both have one word in common. From an initial and a name
// that begins with it nothing follows.
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

// initialOf reports whether one of two words may be the initial of the other, or of a full name of the other.
func initialOf(x, y string) bool {
	if isInitial(y) {
		x, y = y, x
	}
	return strings.HasPrefix(y, x) || slices.ContainsFunc(fullNames(y), func(full string) bool { return strings.HasPrefix(full, x) })
}

// crosses reports whether a first name of one side is a last name of the other. This happens with forms that have one
// field for the name, and with people who write their last name first.
func crosses(x, y names) bool {
	return compareLast(x.first, y.last) == equal || compareLast(x.last, y.first) == equal ||
		compareFirst(x.first, y.last) == equal || compareFirst(x.last, y.first) == equal
}

// sameFirst reports whether two first names, folded, are equal or may stand for the same full name.
func sameFirst(x, y string) bool {
	if x == y {
		return true
	}
	of := fullNames(y)
	return slices.ContainsFunc(fullNames(x), func(full string) bool { return slices.Contains(of, full) })
}

// knownFirst reports whether one of the words is an initial, or a first name that the table has.
func knownFirst(words []string) bool {
	return slices.ContainsFunc(words, func(w string) bool { return isInitial(w) || len(fullNames(w)) > 0 })
}
