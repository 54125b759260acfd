package transform

import (
	"net/url"
	"strings"
	"unicode"
)

// phoneText finds the phones among the words of one text.
type phoneText struct {
	reader *phoneReader
	typ    string

	run   []phoneGroup // groups of digits with only blanks or slashes between
	slash bool         // a slash stands behind the last of them
	last  string       // E.164 of the latest number, "" before the first

	wantExtension string // E.164 of the number that an extension follows
	extensions    []string
	groups        int
	// informative: words or digits say more than the numbers found.
	informative bool
}

// phoneGroup is a run of digits without a blank in it.
type phoneGroup struct {
	digits string
	slash  bool // it follows a slash
}

// maxPhoneGroups bounds the groups of digits read from one text.
const maxPhoneGroups = 2000

// scan reads the whole text.
func (s *phoneText) scan(text string) {
	in := foldPhone([]rune(telURIs(text)))
	for i := 0; i < len(in) && s.groups < maxPhoneGroups; {
		switch c := in[i]; {
		case isDigit(c), c == '+':
			i = s.group(in, i)
		case unicode.IsLetter(c):
			i = s.word(in, i)
		case c == '/':
			s.slash = true
			i++
		case c == '#':
			s.flush()
			s.word(in, i)
			i++
		case isBreak(c):
			s.flush()
			i++
		default:
			i++
		}
	}
	s.flush()
	if s.groups >= maxPhoneGroups || s.wantExtension != "" || s.last == "" {
		s.informative = true
	}
}

// group reads digits up to the next blank, slash, letter or plus.
func (s *phoneText) group(in []rune, i int) int {
	glued := i > 0 && unicode.IsLetter(in[i-1]) && !s.afterLabel(in, i)
	var b strings.Builder
	for ; i < len(in); i++ {
		c := in[i]
		if c == '+' && b.Len() > 0 && b.String() != "+" {
			break
		}
		if isDigit(c) || c == '+' && b.Len() == 0 {
			b.WriteRune(c)
		} else if c != '+' && !isInside(c) && (c != ' ' || b.String() != "+") {
			break
		}
	}
	s.groups++
	digits := b.String()
	switch {
	case digits == "+":
		// A plus on its own says nothing.
	case s.wantExtension != "" && !strings.HasPrefix(digits, "+") && len(digits) <= 7:
		s.extensions = append(s.extensions, s.wantExtension+" ext. "+digits)
		s.wantExtension = ""
	case glued:
		s.informative = true
	default:
		if digits[0] == '+' {
			s.flush()
		}
		s.run = append(s.run, phoneGroup{digits: digits, slash: s.slash})
	}
	s.slash = false
	return i
}

// afterLabel tells whether the word that ends before in[i] is a label.
func (s *phoneText) afterLabel(in []rune, i int) bool {
	start := i
	for start > 0 && unicode.IsLetter(in[start-1]) {
		start--
	}
	return wordKind(string(in[start:i])) != wordOther
}

// word reads a word, or the sign # that stands for one.
func (s *phoneText) word(in []rune, i int) int {
	end := i
	for end < len(in) && (unicode.IsLetter(in[end]) || unicode.IsMark(in[end])) {
		end++
	}
	s.flush()
	switch wordKind(string(in[i:max(end, i+1)])) {
	case wordExtension:
		s.informative = s.informative || s.last == "" || s.wantExtension != ""
		s.wantExtension = s.last
	case wordOther:
		s.informative = true
	}
	return end
}

// flush finds the numbers of the groups read since the last break: at each
// place the longest valid one, so that blanks inside a number do no harm.
func (s *phoneText) flush() {
	run := s.run
	s.run = s.run[:0]
	for len(run) > 0 {
		n := s.longest(run)
		if n == 0 {
			s.informative = true
			if run[0].digits[0] == '+' {
				return // a wrong code is not repaired by leaving it out
			}
			n = 1
		}
		run = run[n:]
	}
}

// longest keeps the longest number that run begins with and says how many
// groups it took, 0 for none.
func (s *phoneText) longest(run []phoneGroup) int {
	var digits string
	var prefixes []string
	for i, g := range run {
		if i > 0 && g.slash && len(digits) > 6 {
			break // inside a number it stands behind the area code
		}
		if digits += g.digits; len(digits) > maxPhoneDigits {
			break
		}
		prefixes = append(prefixes, digits)
	}
	for n := len(prefixes); n > 0; n-- {
		p, ok := s.reader.lookUp(prefixes[n-1])
		if !ok {
			continue
		}
		if !s.reader.keep(p, s.typ) {
			s.informative = true
		}
		s.last = p.e164
		return n
	}
	return 0
}

type phoneWord int

const (
	wordOther     phoneWord = iota // says something: the text is kept
	wordLabel                      // says only that a phone follows, or another one
	wordExtension                  // an extension follows
)

func wordKind(w string) phoneWord {
	switch strings.ToLower(w) {
	case "доб", "добавочный", "вн", "внутр", "внутренний", "ext", "extn", "extension", "x", "х", "#":
		return wordExtension
	case "tel", "тел", "telephone", "телефон", "телефоны", "phone", "phones", "тлф", "моб", "мобильный", "mob",
		"mobile", "cell", "number", "num", "номер", "no", "nr", "n", "callto", "t", "т", "m", "м", "p", "ph",
		"или", "or", "and", "и", "oder", "und", "либо":
		return wordLabel
	}
	return wordOther
}

func isDigit(c rune) bool { return c >= '0' && c <= '9' }

// isInside are the signs inside of a number.
func isInside(c rune) bool {
	switch c {
	case '-', '.', '(', ')', '[', ']', '~':
		return true
	}
	return false
}

// isBreak are the signs that end a number for good.
func isBreak(c rune) bool {
	switch c {
	case ' ', '/', ':', '=', '-', '.', '(', ')', '[', ']', '~':
		return false
	}
	return true
}

// foldPhone brings digits, signs and blanks of all scripts to ASCII and drops
// what has no width. Line ends become breaks.
func foldPhone(in []rune) []rune {
	out := in[:0]
	for _, c := range in {
		switch {
		case c < unicode.MaxASCII && c >= ' ':
			out = append(out, c)
		case c >= 0xFF01 && c <= 0xFF5E: // full-width ASCII
			out = append(out, c-0xFEE0)
		case c == '\n', c == '\r', c == '\v', c == '\f', c == 0x85, c == 0x2028, c == 0x2029:
			out = append(out, '\n')
		case unicode.IsSpace(c):
			out = append(out, ' ')
		case unicode.Is(unicode.Pd, c), c == 0x2212, c == 0x2043, c == 0x30FC:
			out = append(out, '-')
		case unicode.Is(unicode.Nd, c):
			out = append(out, '0'+digitValue(c))
		case unicode.Is(unicode.Cf, c), unicode.Is(unicode.Mn, c):
		default:
			out = append(out, c)
		}
	}
	return out
}

// digitValue is the value of a decimal digit of any script: Unicode lists
// them in runs of ten, from nought.
func digitValue(c rune) rune {
	for _, r := range unicode.Nd.R16 {
		if c <= rune(r.Hi) {
			return (c - rune(r.Lo)) % 10
		}
	}
	for _, r := range unicode.Nd.R32 {
		if c <= rune(r.Hi) {
			return (c - rune(r.Lo)) % 10
		}
	}
	return 0
}

// telURIs rewrites each tel: address (RFC 3966) of a text so that the number
// stands behind its context and the extension behind a word.
func telURIs(text string) string {
	const scheme = "tel:"
	var b strings.Builder
	for i := 0; i < len(text); {
		begins := len(text)-i > len(scheme) && strings.EqualFold(text[i:i+len(scheme)], scheme) &&
			strings.IndexByte(" ,|\r\n\t", text[i+len(scheme)]) < 0
		if !begins {
			b.WriteByte(text[i])
			i++
			continue
		}
		i += len(scheme)
		n := strings.IndexAny(text[i:], " ,|\r\n\t")
		if n < 0 {
			n = len(text) - i
		}
		b.WriteString(scheme + telURI(text[i:i+n]))
		i += n
	}
	return b.String()
}

func telURI(uri string) string {
	if plain, err := url.PathUnescape(uri); err == nil {
		uri = plain
	}
	number, params, _ := strings.Cut(uri, ";")
	var tail strings.Builder
	for param := range strings.SplitSeq(params, ";") {
		key, value, _ := strings.Cut(param, "=")
		switch strings.ToLower(key) {
		case "ext":
			tail.WriteString(" ext " + value)
		case "phone-context":
			if strings.HasPrefix(value, "+") && !strings.HasPrefix(number, "+") {
				number = value + number
			}
		case "":
		default:
			tail.WriteString(" ; " + param)
		}
	}
	return number + tail.String()
}
