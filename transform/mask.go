package transform

import (
	"encoding/json"
	"strings"
	"time"
	"unicode"

	"github.com/leadbridge/leadbridge/crmclient"
	"github.com/leadbridge/leadbridge/internal/jsonscan"
)

// Mask returns a record's value for display, with names, phone numbers and e-mail addresses replaced by ***. It hides the
// values of fields that hold these, the values of the contact that the event becomes, and everything that looks like an
// address or a number. In a value that is not JSON, every word is hidden. Long texts are cut.
func Mask(value []byte, c crmclient.Contact) string {
	text, reject := checkJSON(value, nil)
	if reject != nil {
		return maskWords(string(value))
	}
	m := maskerFor(c)
	r := jsonReader{b: text}
	return string(appendJSON(nil, m.value(r.value())))
}

// MaskKey returns a record's key for display. It hides what Mask hides in texts, and each word that Mask hides in the
// record's value. If the value is not JSON, every word of the key is hidden.
func MaskKey(key, value []byte, c crmclient.Contact) string {
	text, reject := checkJSON(value, nil)
	if reject != nil {
		return maskWords(string(key))
	}
	m := maskerFor(c)
	r := jsonReader{b: text}
	whole := strings.ToLower(strings.TrimSpace(string(key)))
	same := false
	m.noted = func(hidden string) {
		same = same || strings.ToLower(strings.TrimSpace(hidden)) == whole
		m.secrets.addLines(hidden)
		for word := range strings.FieldsSeq(hidden) {
			m.secrets.add(word)
		}
	}
	m.value(r.value())
	if same && whole != "" {
		return mask
	}
	hidden := newMasked(m.text(string(key)))
	hidden.hideEnds(m.secrets.numbers)
	return hidden.String()
}

// MaskText hides names, phone numbers and e-mail addresses in any other text.
func MaskText(text string, c crmclient.Contact) string {
	m := maskerFor(c)
	return m.text(text)
}

func maskerFor(c crmclient.Contact) *masker {
	var m masker
	for _, name := range []string{c.Name, c.LastName, c.SecondName} {
		m.secrets.addLines(name)
		for word := range strings.FieldsSeq(name) {
			m.secrets.add(word)
		}
	}
	for _, p := range c.Phones {
		m.secrets.add(p.Value)
	}
	for _, e := range c.Emails {
		m.secrets.add(e.Value)
	}
	return &m
}

// maskWords hides every run of letters and digits.
func maskWords(text string) string {
	var b strings.Builder
	inside := false
	for i, r := range text {
		if i >= maxRedacted {
			return b.String() + "…"
		}
		word := unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsMark(r) || r == unicode.ReplacementChar
		switch {
		case word && !inside:
			b.WriteString(mask)
		case !word && (unicode.IsPrint(r) || r == '\n' || r == '\t'):
			b.WriteRune(r)
		}
		inside = word
	}
	return b.String()
}

// masker hides personal data in a decoded value.
type masker struct {
	secrets secrets
	noted   func(text string) // called with each text and number of a field that is hidden as a whole; may be nil
}

func (m *masker) value(v any) any {
	switch v := v.(type) {
	case object:
		return m.object(v)
	case []any:
		for i := range v {
			v[i] = m.value(v[i])
		}
		return v
	case string:
		return m.text(v)
	case json.Number:
		if hidden := m.text(v.String()); hidden != v.String() {
			return hidden
		}
	}
	return v
}

func (m *masker) object(o object) object {
	asks := asksForPerson(o)
	for i := range o {
		switch key := o[i].key; {
		case asks && isAnswer(key), !asks && fieldOf(key).isPersonal(), key == "data_base64":
			m.note(o[i].value)
			o[i].value = hideAll(o[i].value)
		default:
			o[i].value = m.value(o[i].value)
		}
		o[i].key = m.text(o[i].key)
	}
	return o
}

// asksForPerson reports whether an object stands for one field of a person, as in {"name": "email", "value": "…"},
// where name is not a person's name.
func asksForPerson(o object) bool {
	asks, answered := false, false
	for _, f := range o {
		text, isText := f.value.(string)
		switch strings.ToLower(f.key) {
		case "name", "key", "label", "field", "title", "question":
			asks = asks || isText && fieldOf(text).isPersonal()
		}
		answered = answered || isAnswer(f.key)
	}
	return asks && answered
}

func isAnswer(key string) bool {
	switch strings.ToLower(key) {
	case "value", "values", "answer", "answers", "text":
		return true
	}
	return false
}

// isPersonal reports whether a field holds a name, a phone number or an e-mail address.
func (f field) isPersonal() bool { return f.isName() || f == fieldPhone || f == fieldEmail }

// note calls noted with the texts and numbers of a value that is hidden.
func (m *masker) note(v any) {
	if m.noted == nil {
		return
	}
	switch v := v.(type) {
	case object:
		for i := range v {
			if fieldOf(v[i].key) != fieldTypeID {
				m.note(v[i].value)
			}
		}
	case []any:
		for i := range v {
			m.note(v[i])
		}
	case string:
		m.noted(v)
	case json.Number:
		m.noted(v.String())
	}
}

// hideAll hides every text and number of a value.
func hideAll(v any) any {
	switch v := v.(type) {
	case object:
		for i := range v {
			if fieldOf(v[i].key) != fieldTypeID { // WORK, MOBILE
				v[i].value = hideAll(v[i].value)
			}
		}
		return v
	case []any:
		for i := range v {
			v[i] = hideAll(v[i])
		}
		return v
	case string:
		if v == "" {
			return v
		}
		return mask
	case json.Number:
		return mask
	}
	return v
}

// text masks a text. If the text is a JSON object, its fields are masked.
func (m *masker) text(text string) string {
	if _, err := time.Parse(time.RFC3339, text); err == nil { // it looks like a phone number, and says nothing about a person
		return text
	}
	if inner, reject := checkJSON([]byte(text), nil); reject == nil && jsonscan.IsObject(inner) {
		r := jsonReader{b: inner}
		return string(appendJSON(nil, m.value(r.value())))
	}
	hidden := newMasked(text)
	for _, secret := range m.secrets.values {
		hidden.hide(secret)
	}
	hidden.hideRuns()
	if len(hidden.runes) > maxRedacted {
		return hidden.String() + "…"
	}
	return hidden.String()
}
