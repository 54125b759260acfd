package transform

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// phoneText finds the phones among the words of one text.
type phoneText struct {
	reader *phoneReader
	typ    string

	run   []phoneGroup // the groups of digits since the last break, which may make up one number
	slash bool         // a slash follows the last group
	last  string       // E.164 of the latest number; "" before the first

	wantExtension string   // E.164 of a number after which an extension was announced
	extensions    []string // as they are returned among unusable
	groups        int      // how many groups were read
	// countryFromText says that the reader's home region is that of a country named in the text.
	countryFromText bool
	// informative says that the text has words or digits that the numbers do not cover, and so must be kept.
	informative bool
}

// phoneGroup is a run of digits without a blank in it.
type phoneGroup struct {
	digits string
	slash  bool // a slash stands before the group
	glued  bool // a letter stands directly before the group, so that the meaning of its digits is not known
}

// maxPhoneGroups is how many groups of digits are read from one text.
const maxPhoneGroups = 2000

// scan reads the whole text.
func (s *phoneText) scan(text string) {
	// Addresses are removed before escapes are undone, as a message in one (wa.me/…?text=…) must not become words of the
	// text, and once more afterwards, as undoing the escapes may reveal others.
	text = s.withoutAddresses(withoutEntities(text))
	in := foldPhone([]rune(s.withoutAddresses(withoutEscapes(text))))
	s.findCountry(in)
	for i := 0; i < len(in) && s.groups < maxPhoneGroups; {
		switch c := in[i]; {
		case isDigit(c), c == '+':
			i = s.group(in, i)
		case unicode.IsLetter(c):
			end := wordEnd(in, i)
			s.word(string(in[i:end]))
			i = end
		case c == '/':
			s.slash = true
			i++
		case c == '#':
			s.word("#")
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

// withoutAddresses replaces each address that holds a phone number, such as a tel: link, by the number. Other addresses
// are removed, as digits in a page or a mailbox are not a phone number.
func (s *phoneText) withoutAddresses(text string) string {
	if !strings.ContainsAny(text, ":/@") {
		return text
	}
	var b strings.Builder
	for len(text) > 0 {
		size := strings.IndexAny(text, " ,|\r\n\t")
		if size < 0 {
			size = len(text)
		}
		if size > 0 {
			b.WriteString(s.withoutAddress(text[:size]))
			text = text[size:]
			continue
		}
		b.WriteByte(text[0])
		text = text[1:]
	}
	return b.String()
}

func (s *phoneText) withoutAddress(word string) string {
	bare := strings.Trim(word, "()<>[]\"'")
	if link, ok := readPhoneLink(bare); ok {
		s.informative = s.informative || link.rest != ""
		// The ; ends the run before the address. No ; follows the number, as the words after it may belong to it:
		// "tel:+7 916 123-45-67".
		return " ; " + link.number
	}
	if isAddress(bare) {
		s.informative = true
		return " ; "
	}
	return word
}

// isAddress reports whether a word is an address of a page or a mailbox.
func isAddress(word string) bool {
	if strings.Contains(word, "://") || strings.Contains(word, "@") {
		return true
	}
	host, _, ok := strings.Cut(word, "/")
	dot := strings.LastIndexByte(host, '.')
	return ok && dot > 0 && strings.ContainsFunc(host[dot+1:], unicode.IsLetter)
}

// findCountry looks for the name of a country among the words, and makes it the reader's home region, unless a field
// states one already. If countries with different numbering plans are named, the home region is unknown.
func (s *phoneText) findCountry(in []rune) {
	for word := range strings.FieldsFuncSeq(string(in), func(c rune) bool { return !unicode.IsLetter(c) && !unicode.IsMark(c) && c != '-' }) {
		region, ok := namedCountry(word)
		switch {
		case !ok:
		case !s.reader.home.stated:
			s.reader.home = homeRegion{region: region, stated: true}
			s.countryFromText = true
		case s.countryFromText && !samePlan(s.reader.home.region, region):
			s.reader.home.region = ""
		}
	}
}

// namedCountry reads a word that can only be the name of a country or its common short form. Codes of two letters are not
// read, as they are words in many languages.
func namedCountry(word string) (region string, ok bool) {
	switch word {
	case "USA", "UAE", "США", "ОАЭ", "РФ":
		return countryByName(word)
	}
	if utf8.RuneCountInString(word) < 4 {
		return "", false
	}
	return countryByName(word)
}

// group reads a group of digits that begins at i, and returns the index after it. The group ends at a sign that cannot be
// inside of one, such as a blank, a slash, a letter or another plus. Blanks after a leading plus are skipped.
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
		// A plus without digits is ignored.
	case s.wantExtension != "" && !strings.HasPrefix(digits, "+") && len(digits) <= 7:
		s.extensions = append(s.extensions, s.wantExtension+" ext. "+digits)
		s.wantExtension = ""
	default:
		if digits[0] == '+' {
			s.flush()
		}
		s.run = append(s.run, phoneGroup{digits: digits, slash: s.slash, glued: glued})
	}
	s.slash = false
	return i
}

// afterLabel reports whether the word that ends before in[i] is a label.
func (s *phoneText) afterLabel(in []rune, i int) bool {
	start := i
	for start > 0 && unicode.IsLetter(in[start-1]) {
		start--
	}
	return wordKind(string(in[start:i])) != wordOther
}

// wordEnd returns the index after the word that begins at i.
func wordEnd(in []rune, i int) int {
	for i < len(in) && (unicode.IsLetter(in[i]) || unicode.IsMark(in[i])) {
		i++
	}
	return i
}

// word reads a word, or the sign # that stands for one. It ends the run.
func (s *phoneText) word(text string) {
	s.flush()
	switch wordKind(text) {
	case wordExtension:
		s.informative = s.informative || s.last == "" || s.wantExtension != ""
		s.wantExtension = s.last
	case wordOther:
		s.informative = true
	}
}

// flush reads the groups of the run, which are one number or several. If digits remain in every reading, no number is
// read, as they may belong to any group. An exception is a slash after a whole number, which ends it ("8 (495)
// 123-45-67/68").
func (s *phoneText) flush() {
	run := s.run
	s.run = nil
	for len(run) > 0 && !s.readRun(run) {
		end := splitAtSlash(run)
		if end == len(run) || !s.readRun(run[:end]) {
			s.informative = true
		}
		run = run[end:]
	}
}

// splitAtSlash returns the index of the first group after a slash that separates two numbers; the end of the run when
// there is none. A slash separates numbers if more digits stand before it than an area code has.
func splitAtSlash(run []phoneGroup) int {
	digits := 0
	for i, g := range run {
		if g.slash && digits > maxAreaDigits {
			return i
		}
		digits += len(g.digits)
	}
	return len(run)
}

// readRun keeps the numbers that the groups of a run make up, and reports whether there are any. It keeps none unless
// they use all groups.
func (s *phoneText) readRun(run []phoneGroup) bool {
	numbers := s.numbersOf(run)
	for _, p := range numbers {
		if !s.reader.keep(p, s.typ) {
			s.informative = true
		}
		s.last = p.e164
	}
	return len(numbers) > 0
}

type phoneWord int

const (
	wordOther     phoneWord = iota // it has a meaning of its own, so that the text is kept
	wordLabel                      // it only says that a phone follows, or another one
	wordExtension                  // an extension follows
)

func wordKind(w string) phoneWord {
	switch strings.ToLower(w) {
	case "доб", "добав", "добавочный", "вн", "внутр", "внутренний", "дод", "додатковий", "внутрішній", "қос", "ішкі",
		"ext", "exten", "extn", "extension", "x", "х", "#", "durchwahl", "dw", "poste", "ramal", "interno", "anexo", "dahili", "wew", "wewn":
		return wordExtension
	case "tel", "тел", "telephone", "telefon", "telefono", "teléfono", "telefone", "téléphone", "телефон", "телефоны", "phone", "phones", "тлф", "моб", "мобильный", "mob",
		"mobile", "mobil", "movil", "móvil", "celular", "handy", "portable", "cell", "number", "num", "номер", "no", "nr", "n", "callto", "t", "т", "m", "м", "p", "ph", "f",
		"сот", "сотовый", "раб", "рабочий", "дом", "домашний", "гор", "городской", "whatsapp", "ватсап", "вотсап", "viber", "вайбер", "wa",
		"или", "or", "and", "и", "та", "або", "oder", "und", "либо", "y", "o", "ou", "et", "ve", "veya", "lub", "e", "также":
		return wordLabel
	}
	return wordOther
}

func isDigit(c rune) bool { return c >= '0' && c <= '9' }

// isInside reports whether a sign may be inside of a group. A blank, a slash, a colon or = is neither inside nor a break:
// it ends the group, and the run goes on.
func isInside(c rune) bool {
	switch c {
	case '-', '.', '(', ')', '[', ']', '~':
		return true
	}
	return false
}

// isBreak reports whether a sign ends a run, so that digits after it belong to another number.
func isBreak(c rune) bool {
	switch c {
	case ' ', '/', ':', '=', '-', '.', '(', ')', '[', ']', '~':
		return false
	}
	return true
}

// foldPhone replaces digits, signs and blanks of all scripts by ASCII, and removes characters without width. Each line
// end becomes \n, which is a break.
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

// digitValue returns the value of a decimal digit of any script. Unicode lists the digits in runs of ten that begin with
// zero.
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
