package person

import (
	"strings"
	"sync"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// isLetter reports whether a character may be a part of a word of a name: letters, accents and apostrophes are.
func isLetter(r rune) bool {
	return unicode.IsLetter(r) || unicode.Is(unicode.Mn, r) || r == '\'' || r == '’' || r == 'ʼ' || r == 'ʻ' || r == '`'
}

// fold returns a word of a name in small Latin letters, so that the usual transliterations of one name become
// equal: Юлия, Julia, Yuliya and Iuliia; Алексей, Alexey and Aleksej. The result is only for comparison.
// Words in other alphabets than Latin and Cyrillic are only put in lower case.
func fold(word string) string {
	var b strings.Builder
	for _, r := range norm.NFC.String(strings.ToLower(word)) {
		if latin, ok := cyrillic(r); ok {
			b.WriteString(latin)
			continue
		}
		if latin := plainLatin(r); latin != "" {
			b.WriteString(latin)
			continue
		}
		for _, r := range norm.NFD.String(string(r)) {
			if !unicode.Is(unicode.Mn, r) && unicode.IsLetter(r) && r != 'ʼ' && r != 'ʻ' {
				b.WriteRune(r)
			}
		}
	}
	return collapsed(alike().Replace(softened().Replace(b.String())))
}

// softened replaces y and j, which are written for the same sound next to vowels, by i.
var softened = sync.OnceValue(func() *strings.Replacer {
	return strings.NewReplacer("shch", "sh", "sch", "sh", "tch", "ch", "y", "i", "j", "i")
})

// alike replaces different spellings of one sound by the same letter. The iotated ie and io become e, as both are often
// written so.
var alike = sync.OnceValue(func() *strings.Replacer {
	return strings.NewReplacer("iie", "e", "ie", "e", "io", "e", "kh", "h", "ks", "x", "ph", "f", "ck", "k", "tz", "ts", "th", "t", "w", "v", "q", "k")
})

// collapsed replaces repeated letters by one letter.
func collapsed(s string) string {
	var last rune
	return strings.Map(func(r rune) rune {
		if r == last {
			return -1
		}
		last = r
		return r
	}, s)
}

// cyrillic transliterates a small letter.
func cyrillic(r rune) (latin string, ok bool) {
	if !unicode.Is(unicode.Cyrillic, r) {
		return "", false
	}
	if latin, ok = cyrillicLetters()[r]; ok {
		return latin, true
	}
	return string(r), true
}

// cyrillicLetters has the letters of Russian, Ukrainian, Belarusian, Kazakh, Uzbek, Tajik and Serbian.
var cyrillicLetters = sync.OnceValue(func() map[rune]string {
	const table = "а a б b в v г g д d е e ё e ж zh з z и i й i к k л l м m н n о o п p р r с s т t у u ф f х h ц ts ч ch ш sh щ sh ъ - ы i ь - э e ю iu я ia " +
		"і i ї i є e ґ g ў u ә a ғ g қ k ң n ө o ұ u ү u һ h ӣ i ӯ u ҷ j ҳ h ђ d ј i љ l њ n ћ c џ d"
	pairs, letters := strings.Fields(table), map[rune]string{}
	for i := 0; i < len(pairs); i += 2 {
		letters[[]rune(pairs[i])[0]] = strings.TrimSuffix(pairs[i+1], "-")
	}
	return letters
})

// plainLatin returns plain letters for a Latin letter that is not a plain one with an accent; "" for other characters.
func plainLatin(r rune) string {
	switch r {
	case 'ł':
		return "l"
	case 'ø':
		return "o"
	case 'đ', 'ð':
		return "d"
	case 'ß':
		return "ss"
	case 'æ':
		return "ae"
	case 'œ':
		return "oe"
	case 'þ':
		return "th"
	case 'ı':
		return "i"
	case 'ə':
		return "a"
	}
	return ""
}
