package transform

import (
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// maxFieldName is the longest name of a field in bytes:
// labels of forms are questions.
const maxFieldName = 120

// fieldOf returns the field of a name or label, in camelCase, snake_case, with
// blanks or dashes, in any case, in the languages of fieldPhrases. Numbers
// ("Name_2"), words that ask ("Enter your …") and the one whose field it is
// ("customer_email") make no difference.
func fieldOf(key string) field {
	if key == "" || len(key) > maxFieldName {
		return fieldUnknown
	}
	var buffer [maxFieldName]byte
	name := canonical(buffer[:0], key)
	if f := lookUpPassedOn(name); f != fieldUnknown {
		if f.spelling() != "" && f.spelling() != key {
			return fieldUnknown // an id of somebody else's, such as Facebook's lead_id
		}
		return f
	}
	if isUserField(key) {
		return fieldUser
	}
	table := fieldTable()
	f, ok := table.phrases[string(name)]
	if !ok {
		words := keyWords(key)
		if f = table.find(words); f == fieldUnknown && trackingNameOf(key, words) != "" {
			return fieldTracking
		}
	}
	if f.spelling() != "" && f.spelling() != key {
		return fieldUnknown
	}
	return f
}

// canonical appends the letters and digits of a name in lower case to b; a name that is too long for a field adds
// nothing.
func canonical(b []byte, key string) []byte {
	if len(key) > maxFieldName {
		return b
	}
	for _, r := range key {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
			b = append(b, byte(r))
		case r >= 'A' && r <= 'Z':
			b = append(b, byte(r-'A'+'a'))
		case r >= utf8.RuneSelf && (unicode.IsLetter(r) || unicode.IsDigit(r)):
			b = utf8.AppendRune(b, unicode.ToLower(r))
		}
	}
	return b
}

// keyWords returns the words of a name in lower case without accents and
// numbers. A word ends at anything but a letter, and where a capital follows a
// small letter.
func keyWords(key string) []string {
	key = strings.ReplaceAll(key, "WhatsApp", "Whatsapp") // one word
	if words, ok := plainKeyWords(key); ok {
		return words
	}
	var words []string
	var word strings.Builder
	cut := func() {
		if word.Len() > 0 {
			words = append(words, word.String())
			word.Reset()
		}
	}
	small := false
	for _, r := range norm.NFKD.String(key) {
		switch {
		case unicode.Is(unicode.Mn, r), r == '\'', r == '’', r == 'ʼ':
		case !unicode.IsLetter(r):
			cut()
			small = false
		case r == 'ß':
			word.WriteString("ss")
		default:
			if unicode.IsUpper(r) && small {
				cut()
			}
			small = unicode.IsLower(r)
			word.WriteRune(foldKeyRune(r))
		}
	}
	cut()
	return words
}

// usualKeyWords is a number of words that most names do not exceed.
const usualKeyWords = 4

// plainKeyWords returns the words of a name in ASCII without an apostrophe, as parts of one text. ok is false for any other
// name.
func plainKeyWords(key string) (words []string, ok bool) {
	lower, begin := strings.ToLower(key), 0 // begin is where the word at hand begins
	cut := func(end int) {
		if begin == end {
			return
		}
		if words == nil {
			words = make([]string, 0, usualKeyWords)
		}
		words = append(words, lower[begin:end])
	}
	for i := range len(key) {
		switch c := key[i]; {
		case c >= utf8.RuneSelf, c == '\'':
			return nil, false
		case c >= 'a' && c <= 'z':
		case c >= 'A' && c <= 'Z':
			if i > begin && key[i-1] >= 'a' && key[i-1] <= 'z' {
				cut(i)
				begin = i
			}
		default:
			cut(i)
			begin = i + 1
		}
	}
	cut(len(key))
	return words, true
}

func foldKeyRune(r rune) rune {
	if r = unicode.ToLower(r); r == 'ı' {
		return 'i'
	}
	return r
}

// fieldWords are the tables of names.
type fieldWords struct {
	phrases map[string]field // whole names, their words joined
	fillers map[string]bool  // words that only ask
	owners  map[string]bool  // words in front that say whose field it is
	nouns   map[string]field // of phones and e-mails, one of which makes the field
	beside  map[string]bool  // words that may stand beside such a noun

	ownersBehind map[string]bool // words behind that say whose field it is
	genitives    map[string]bool // words that may stand before these
}

// find looks the words of a name up.
func (t *fieldWords) find(words []string) field {
	kept := words[:0:0]
	for _, w := range words {
		if !t.fillers[w] {
			kept = append(kept, w)
		}
	}
	for len(kept) > 0 {
		if f, ok := t.phrases[strings.Join(kept, "")]; ok {
			return f
		}
		if f := t.findNoun(kept); f != fieldUnknown {
			return f
		}
		if kept = t.withoutOwner(kept); kept == nil {
			break
		}
	}
	return t.phrases[strings.Join(words, "")]
}

// withoutOwner takes off one word that says whose field it is, in front ("customer phone") or
// behind ("phone of the customer", "телефон клиента"); nil when there is none, or nothing else.
func (t *fieldWords) withoutOwner(words []string) []string {
	last := len(words) - 1
	switch {
	case last < 1:
		return nil
	case t.owners[words[0]]:
		return words[1:]
	case !t.ownersBehind[words[last]]:
		return nil
	case last > 1 && t.genitives[words[last-1]]:
		return words[:last-1]
	}
	return words[:last]
}

// findNoun finds a name that is a phone's or an e-mail's and has no word that
// says something else ("phone model", "manager's phone"). One that names both
// is of either.
func (t *fieldWords) findNoun(words []string) field {
	found := fieldUnknown
	for _, w := range words {
		f, isNoun := t.nouns[w]
		switch {
		case !isNoun && !t.beside[w]:
			return fieldUnknown
		case !isNoun:
		case found == fieldUnknown:
			found = f
		case found != f:
			found = fieldContactPoint
		}
	}
	return found
}

// fieldTable is made once of the lists in field_lists.go.
var fieldTable = sync.OnceValue(func() *fieldWords {
	t := &fieldWords{
		phrases: map[string]field{}, fillers: wordSet(fillerWords), owners: wordSet(ownerWords), nouns: map[string]field{},
		beside: wordSet(besideWords), ownersBehind: wordSet(ownerWordsBehind), genitives: wordSet(genitiveWords),
	}
	for _, list := range fieldPhrases() {
		for phrase := range strings.FieldsSeq(list.words) {
			t.phrases[strings.Join(keyWords(phrase), "")] = list.field
			t.phrases[phrase] = list.field
		}
	}
	for w := range wordSet(phoneNouns) {
		t.nouns[w] = fieldPhone
	}
	for w := range wordSet(emailNouns) {
		t.nouns[w] = fieldEmail
	}
	return t
})

// wordSet is the set of the words of a list, as keyWords writes them.
func wordSet(list string) map[string]bool {
	set := map[string]bool{}
	for _, w := range keyWords(list) {
		set[w] = true
	}
	return set
}
