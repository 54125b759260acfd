package transform

import (
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// maxFieldName is the longest name of a field in bytes. It is that long because labels of forms can be questions.
const maxFieldName = 120

// fieldOf returns the field for a name or label in any of the languages of fieldPhrases, in camelCase, snake_case, with
// blanks or dashes, and in any case. It ignores numbers ("Name_2"), words that ask for a value ("Enter your …"), and
// words that say that the field is the lead's ("customer_email").
func fieldOf(key string) field {
	if key == "" || len(key) > maxFieldName {
		return fieldUnknown
	}
	var buffer [maxFieldName]byte
	name := canonical(buffer[:0], key)
	if f := lookUpPassedOn(name); f != fieldUnknown {
		if f.spelling() != "" && f.spelling() != key {
			return fieldUnknown // an id of another system, such as Facebook's lead_id
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
		f = table.find(words)
		if f == fieldUnknown && trackingNameOf(key, words) != "" {
			return fieldTracking
		}
	}
	if f.spelling() != "" && f.spelling() != key {
		return fieldUnknown
	}
	return f
}

// canonical appends the letters and digits of a name in lower case to b. It appends nothing for a name that is too long
// for a field.
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

// keyWords returns the words of a name in lower case, without accents and numbers. A word ends at any character but a
// letter, and before a capital letter after a small one.
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

// usualKeyWords is the number of words that most names do not exceed.
const usualKeyWords = 4

// plainKeyWords is a fast keyWords for names in ASCII without an apostrophe; ok is false for any other name. The words
// share the memory of one text.
func plainKeyWords(key string) (words []string, ok bool) {
	lower, begin := strings.ToLower(key), 0 // begin is where the current word begins
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

// fieldWords holds the lists of field_lists.go as tables.
type fieldWords struct {
	phrases map[string]field // whole names, their words joined
	fillers map[string]bool  // fillerWords
	owners  map[string]bool  // ownerWords
	nouns   map[string]field // phoneNouns and emailNouns
	beside  map[string]bool  // besideWords

	ownersBehind map[string]bool // ownerWordsBehind
	genitives    map[string]bool // genitiveWords
}

// find returns the field for the words of a name.
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

// withoutOwner removes one word that says that the field is the lead's, in front ("customer phone") or at the end ("phone
// of the customer", "телефон клиента"). It returns nil when there is no such word, or no other one.
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

// findNoun returns the field of a name with a noun for a phone or an e-mail, and no word that makes it another field
// ("phone model", "manager's phone"). A name with nouns for both may hold either.
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

// fieldTable is made once from the lists in field_lists.go.
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

// wordSet returns the set of the words of a list, as keyWords writes them.
func wordSet(list string) map[string]bool {
	set := map[string]bool{}
	for _, w := range keyWords(list) {
		set[w] = true
	}
	return set
}
