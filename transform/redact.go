package transform

import (
	"encoding/json"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/leadbridge/leadbridge/crmclient"
)

const (
	mask = "***"
	// maxRedacted is how many characters of a text are kept, masked or not. An escape counts as one character.
	maxRedacted = 4096
	// minSecret is how many characters a value must have to be hidden. Shorter ones occur in every sentence and identify
	// nobody.
	minSecret = 3
	// secretHead is how many characters of a long value are enough to recognise it, as the CRM quotes only the beginning
	// of a long text.
	secretHead = 16
	// maxSecrets is how many different values are looked for.
	maxSecrets = 5000
)

// Redact hides personal data in a text for the header dlt-message. It replaces by *** every value of the event and of its
// contact, in any case, also escaped or in Base64; the local parts of their e-mail addresses; the last digits of their
// numbers; and whatever else looks like an e-mail address or a phone number. A text over 4,096 characters is cut. If the
// event has more than maxSecrets values, all of the text is hidden.
func Redact(text string, e Event, c crmclient.Contact) string {
	var s secrets
	s.addValue(e.data())
	s.addContact(c)
	if len(s.seen) > maxSecrets {
		return mask
	}
	m := newMasked(text)
	for _, value := range s.values {
		m.hide(value)
	}
	for _, form := range s.forms {
		m.hide(form)
	}
	m.hideRuns()
	m.hideEnds(s.numbers)
	return m.String()
}

// secrets are the values to hide.
type secrets struct {
	seen    map[string]struct{} // values that were added
	values  []string            // in lower case
	forms   []string            // the values in Base64
	formed  map[string]struct{} // texts whose Base64 was added
	numbers []string            // the digits of values that may be phone numbers
}

// add adds a text, its Base64, the local part if it is an e-mail address, and the digits if it may be a phone number.
func (s *secrets) add(text string) {
	if len(s.seen) > maxSecrets {
		return
	}
	s.addForms(strings.TrimSpace(text))
	text = strings.Map(unicode.ToLower, strings.TrimSpace(strings.ToValidUTF8(text, "\uFFFD")))
	if utf8.RuneCountInString(text) < minSecret {
		return
	}
	if _, ok := s.seen[text]; ok {
		return
	}
	if s.seen == nil {
		s.seen = make(map[string]struct{})
	}
	s.seen[text] = struct{}{}
	s.values = append(s.values, text)
	if strings.ContainsRune(text, ' ') { // forms write a plus for a blank
		s.values = append(s.values, strings.ReplaceAll(text, " ", "+"))
	}
	if local, _, found := strings.Cut(text, "@"); found && !strings.ContainsRune(local, ' ') {
		s.add(local)
	}
	if digits := digitsOf(text); len(digits) >= leastPhone && len(text) <= maxPhoneText {
		s.numbers = append(s.numbers, digits)
	}
}

// addForms adds the Base64 of a value, which must not be in lower case yet: the Base64 of both differs.
func (s *secrets) addForms(text string) {
	if _, ok := s.formed[text]; ok || utf8.RuneCountInString(text) < minSecret {
		return
	}
	if s.formed == nil {
		s.formed = make(map[string]struct{})
	}
	s.formed[text] = struct{}{}
	s.forms = append(s.forms, base64Forms(text)...)
	if local, _, found := strings.Cut(text, "@"); found {
		s.forms = append(s.forms, base64Forms(local)...)
	}
}

const (
	leastPhone   = 7  // how many digits a phone number has at least
	leastEnd     = 4  // how many digits at its end are enough to identify a number
	maxPhoneText = 40 // how many bytes a text with a phone number has at most
)

func digitsOf(text string) string {
	return strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return r
		}
		return -1
	}, text)
}

// addLines adds a text as a whole, as a single line, and by its lines.
func (s *secrets) addLines(text string) {
	s.add(text)
	s.add(cleanLine(text))
	if !strings.Contains(text, "\n") {
		return
	}
	for line := range strings.SplitSeq(text, "\n") {
		s.add(line)
	}
}

// addValue adds the texts and numbers of a value; true and false identify nobody.
func (s *secrets) addValue(v any) {
	switch v := v.(type) {
	case string:
		s.addLines(v)
	case json.Number:
		s.add(v.String())
	case []any:
		for _, e := range v {
			s.addValue(e)
		}
	case object:
		for _, m := range v {
			s.addValue(m.value)
		}
	}
}

func (s *secrets) addContact(c crmclient.Contact) {
	for _, text := range []string{
		c.Name, c.LastName, c.SecondName, c.Honorific, c.Post, c.Comments, c.TypeID, c.SourceID, c.SourceDescription,
		c.UTMSource, c.UTMMedium, c.UTMCampaign, c.UTMContent, c.UTMTerm,
	} {
		s.addLines(text)
	}
	for _, p := range c.Phones {
		s.add(p.Value) // hideRuns hides it without its plus, too
	}
	for _, m := range c.Emails {
		s.add(m.Value)
	}
	for _, v := range c.UserFields {
		s.addValue(v)
	}
}

// masked is a text of which some characters are hidden. It has parallel lists with an entry for each character.
type masked struct {
	runes  []rune   // the characters, without escapes
	units  []string // the characters as they are written, perhaps escaped
	lower  string   // the characters in lower case
	starts []int    // where each character starts in lower, and the end of lower
	hidden []bool   // which characters are hidden
}

// newMasked reads more of a text than String returns, so that a value across the end of that is recognised.
func newMasked(text string) *masked {
	m := &masked{}
	var lower strings.Builder
	for len(text) > 0 && len(m.runes) < maxRedacted+secretHead {
		r, size := nextUnit(text)
		m.units, text = append(m.units, text[:size]), text[size:]
		m.runes = append(m.runes, r)
		m.starts = append(m.starts, lower.Len())
		lower.WriteRune(unicode.ToLower(r))
	}
	m.starts = append(m.starts, lower.Len())
	m.lower = lower.String()
	m.hidden = make([]bool, len(m.runes))
	return m
}

// hide hides a value, or the beginning of a long one, wherever it occurs.
func (m *masked) hide(secret string) {
	head := secret
	if i := runeOffset(secret, secretHead); i > 0 {
		head = secret[:i]
	}
	for from := 0; ; {
		i := strings.Index(m.lower[from:], head)
		if i < 0 {
			return
		}
		at := from + i
		end := at + commonPrefix(m.lower[at:], secret)
		m.cover(at, end)
		_, size := utf8.DecodeRuneInString(m.lower[at:])
		from = max(at+size, end-len(head)+1)
	}
}

// runeOffset returns the index at which character n begins; 0 when a text has no more than n characters.
func runeOffset(s string, n int) int {
	for i := range s {
		if n == 0 {
			return i
		}
		n--
	}
	return 0
}

func commonPrefix(a, b string) int {
	n := min(len(a), len(b))
	for i := range n {
		if a[i] != b[i] {
			return i
		}
	}
	return n
}

// cover hides the characters that lie in [from, to) of lower, also those that lie there only in part.
func (m *masked) cover(from, to int) {
	i, _ := slices.BinarySearch(m.starts, from)
	for ; i < len(m.runes) && m.starts[i] < to; i++ {
		m.hidden[i] = true
	}
}

// hideRuns hides words with an @, and runs of leastPhone digits or more that have only the punctuation of phone numbers
// among them.
func (m *masked) hideRuns() {
	for i := 0; i < len(m.runes); {
		switch end, phone := m.phoneRun(i); {
		case phone:
			m.hideRange(i, end)
			i = end
		case m.runes[i] == '@':
			m.hideWord(i)
			i++
		default:
			i = max(end, i+1)
		}
	}
}

// phoneRun reads digits and the punctuation of phone numbers from i on. end is the index after the last digit, i if there
// is none. phone reports whether this may be a phone number.
func (m *masked) phoneRun(i int) (end int, phone bool) {
	digits, last := 0, i
	for ; i < len(m.runes); i++ {
		switch r := m.runes[i]; {
		case unicode.IsDigit(r):
			digits, last = digits+1, i+1
		case strings.ContainsRune("+-().\u00A0 \u2010\u2011\u2012\u2013", r) && (digits > 0 || r == '+' || r == '('):
		default:
			return last, digits >= leastPhone
		}
	}
	return last, digits >= leastPhone
}

// hideEnds hides runs of digits that are the last digits of one of the numbers.
func (m *masked) hideEnds(numbers []string) {
	for i := 0; i < len(m.runes); i++ {
		if !unicode.IsDigit(m.runes[i]) {
			continue
		}
		end, _ := m.phoneRun(i)
		digits := digitsOf(string(m.runes[i:end]))
		if len(digits) >= leastEnd && slices.ContainsFunc(numbers, func(n string) bool { return strings.HasSuffix(n, digits) }) {
			m.hideRange(i, end)
		}
		i = max(end-1, i)
	}
}

func (m *masked) hideWord(at int) {
	from, to := at, at
	for from > 0 && !endsWord(m.runes[from-1]) {
		from--
	}
	for to < len(m.runes) && !endsWord(m.runes[to]) {
		to++
	}
	m.hideRange(from, to)
}

func endsWord(r rune) bool {
	return unicode.IsSpace(r) || strings.ContainsRune("<>()[]{},;:\"'`«»„“”|", r)
}

func (m *masked) hideRange(from, to int) {
	for i := from; i < to; i++ {
		m.hidden[i] = true
	}
}

// String returns the text with one mask in place of each run of hidden characters.
func (m *masked) String() string {
	var b strings.Builder
	for i, r := range m.runes {
		switch {
		case i >= maxRedacted:
			return b.String()
		case !m.hidden[i] && r == utf8.RuneError:
			b.WriteRune(r)
		case !m.hidden[i]:
			b.WriteString(m.units[i])
		case i == 0 || !m.hidden[i-1]:
			b.WriteString(mask)
		}
	}
	return b.String()
}
