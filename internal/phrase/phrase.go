// Package phrase holds sentences for people in a form in which they can be said in another language: beside its English text
// each has an id and the values that it names. Logs and commands show the English text; the page has words of its own for
// each id (admin/page/words-en.js, words-ru.js), and a test of admin compares them with all calls of [New].
package phrase

import "strings"

// Text is some sentences, one after another. The zero value says nothing.
type Text []Sentence

// Sentence is one of them.
type Sentence struct {
	ID     string            `json:"id,omitempty"`     // names the sentence; "": only the English text is known
	Params map[string]string `json:"params,omitempty"` // the values that it names
	Text   string            `json:"text"`             // in English
}

// New returns the sentence of an English template, in which "{name}" stands for the value of that name. pairs are names and
// values in turn.
func New(id, template string, pairs ...string) Text {
	if len(pairs) == 0 {
		return Text{{ID: id, Text: template}}
	}
	params, fill := map[string]string{}, make([]string, 0, len(pairs))
	for i := 0; i+1 < len(pairs); i += 2 {
		params[pairs[i]] = pairs[i+1]
		fill = append(fill, "{"+pairs[i]+"}", pairs[i+1])
	}
	return Text{{ID: id, Params: params, Text: strings.NewReplacer(fill...).Replace(template)}}
}

// Verbatim returns a text that is there in one language only, such as an error of another program; "" says nothing.
func Verbatim(text string) Text {
	if text == "" {
		return nil
	}
	return Text{{Text: text}}
}

// String returns the English text.
func (t Text) String() string {
	parts := make([]string, len(t))
	for i, s := range t {
		parts[i] = s.Text
	}
	return strings.Join(parts, " ")
}

// MarshalText returns the English text.
func (t Text) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// UnmarshalText reads what MarshalText wrote; the ids are lost.
func (t *Text) UnmarshalText(text []byte) error {
	*t = Verbatim(string(text))
	return nil
}
