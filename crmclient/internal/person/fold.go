package person

import (
	"strings"
	"sync"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

func isLetter(r rune) bool {
	return unicode.IsLetter(r) || unicode.Is(unicode.Mn, r) || r == '\'' || r == '’' || r == 'ʼ' || r == 'ʻ' || r == '`'
}

// fold gives a word of a name in small Latin letters such that the usual transliterations of one name come out
// alike: Юлия, Julia, Yuliya and Iuliia; Алексей, Alexey and Aleksej. What comes out is for comparison alone.
// Words in other alphabets than Latin and Cyrillic stay as they are, in lower case.
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

// softened gives y and j, as which the sound is written before vowels and behind them, the letter i.
var softened = sync.OnceValue(func() *strings.Replacer {
	return strings.NewReplacer("shch", "sh", "sch", "sh", "tch", "ch", "y", "i", "j", "i")
})

// alike gives spellings of one sound one letter. The iotated e and o are written as plain ones as often as not.
var alike = sync.OnceValue(func() *strings.Replacer {
	return strings.NewReplacer("iie", "e", "ie", "e", "io", "e", "kh", "h", "ks", "x", "ph", "f", "ck", "k", "tz", "ts", "th", "t", "w", "v", "q", "k")
})

// collapsed makes one letter of each letter that is doubled.
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

// cyrillicLetters are those of Russian, Ukrainian, Belarusian, Kazakh, Uzbek, Tajik and Serbian.
var cyrillicLetters = sync.OnceValue(func() map[rune]string {
	const table = "а a б b в v г g д d е e ё e ж zh з z и i й i к k л l м m н n о o п p р r с s т t у u ф f х h ц ts ч ch ш sh щ sh ъ - ы i ь - э e ю iu я ia " +
		"і i ї i є e ґ g ў u ә a ғ g қ k ң n ө o ұ u ү u һ h ӣ i ӯ u ҷ j ҳ h ђ d ј i љ l њ n ћ c џ d"
	pairs, letters := strings.Fields(table), map[rune]string{}
	for i := 0; i < len(pairs); i += 2 {
		letters[[]rune(pairs[i])[0]] = strings.TrimSuffix(pairs[i+1], "-")
	}
	return letters
})

// plainLatin writes a letter that has no accent to take off; "" for others.
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
