package webhook

import (
	"bytes"
	"encoding/json"
	"errors"
	"mime"
	"slices"
	"strings"

	"github.com/leadbridge/leadbridge/internal/jsonscan"
)

// Media types that are read.
const (
	mediaJSON       = "application/json"
	mediaCloudEvent = "application/cloudevents+json"
	mediaForm       = "application/x-www-form-urlencoded"
	mediaMultipart  = "multipart/form-data"
	mediaText       = "text/plain"
	mediaJWT        = "application/jwt"
)

// form is the way in which a body's fields are written.
type form int

const (
	formUnknown form = iota
	formJSON
	formURLEncoded
	formMultipart
)

func formOf(media string) form {
	switch {
	case media == mediaJSON, media == mediaText, media == mediaJWT, strings.HasSuffix(media, "+json"):
		return formJSON
	case media == mediaForm:
		return formURLEncoded
	case media == mediaMultipart:
		return formMultipart
	}
	return formUnknown
}

var (
	errNotJSON    = errors.New("the body is not JSON")
	errNotObject  = errors.New("the body is JSON but neither an object nor a list")
	errEmptyBody  = errors.New("the body is empty")
	errNotForm    = errors.New("the body is not a form of the type that it is said to be")
	errManyFields = errors.New("the form has too many fields")
)

// maxFields is how many fields a form may have.
const maxFields = 2000

// content is a decoded body: either data or fields.
type content struct {
	form   form
	data   []byte  // with formJSON: one JSON text, the body or its part that is the event's data
	fields []field // with the other forms, in their order
	event  string  // id of the CloudEvent that the body is; "": it is not one

	ignored bool // the body meets one of the source's conditions ignore_if, and makes no event
}

// field is one field of a form.
type field struct{ name, value string }

// parse reads a body of a type.
func (s *source) parse(m mediaType, body []byte) (c content, err error) {
	c.form = formOf(m.name)
	switch {
	case c.form == formJSON || jsonInside(body):
		return s.parseJSON(m, body)
	case c.form == formURLEncoded:
		c.fields, err = parseURLEncoded(string(body))
	default:
		c.fields, err = parseMultipart(body, m.boundary)
	}
	switch {
	case err != nil:
		return c, err
	case len(c.fields) == 0:
		return c, errEmptyBody
	case len(c.fields) == 1 && c.fields[0].value == "" && jsonInside([]byte(c.fields[0].name)):
		return s.parseJSON(m, []byte(c.fields[0].name))
	}
	c.decode(m.charset, s.charset)
	return c, nil
}

// jsonInside reports whether a body looks like a JSON object or list, whatever its content type: many senders leave
// the type that their library sets for forms.
func jsonInside(body []byte) bool {
	text := bytes.TrimSpace(body)
	if len(text) < 2 {
		return false
	}
	first, last := text[0], text[len(text)-1]
	return first == '{' && last == '}' || first == '[' && last == ']'
}

// parseJSON reads a body that is JSON.
func (s *source) parseJSON(m mediaType, body []byte) (content, error) {
	c := content{form: formJSON}
	text := withoutMark(jsonInUTF8(body, m.charset, s.charset))
	if len(text) == 0 {
		return c, errEmptyBody
	}
	if !jsonscan.Valid(text, nil) && s.lenient {
		text = repaired(text)
	}
	if !jsonscan.Valid(text, nil) {
		return c, errNotJSON
	}
	c.data = text
	return unwrapped(c)
}

// withoutMark returns a text without the byte order mark before it and the blanks around it.
func withoutMark(text []byte) []byte {
	return bytes.TrimSpace(bytes.TrimPrefix(text, []byte("\xEF\xBB\xBF")))
}

// take removes the form's fields of a name, and returns the first of their values that is not empty.
func (c *content) take(name string) string {
	value := ""
	c.fields = slices.DeleteFunc(c.fields, func(f field) bool {
		if f.name == name && value == "" {
			value = f.value
		}
		return f.name == name
	})
	return value
}

// raw returns the JSON text of a member; nil when there is none. A text on the way that holds JSON is looked into.
func (c *content) raw(path ...string) []byte {
	raw := json.RawMessage(c.data)
	for _, name := range path {
		raw = valueOf(innerJSON(raw), name)
	}
	return raw
}

// valueOf finds a member of an object; the last of a name counts.
func valueOf(object json.RawMessage, name string) (value json.RawMessage) {
	for key, one := range jsonscan.Entries(object) {
		if key == name {
			value = one
		}
	}
	return value
}

// text returns the value of a form's field, or of a JSON member that is a text, a number, true or false; "" otherwise.
func (c *content) text(path []string) string {
	if c.form == formJSON {
		raw := c.raw(path...)
		if string(raw) == "true" || string(raw) == "false" {
			return string(raw)
		}
		return c.member(path...)
	}
	for _, f := range c.fields {
		if f.name == strings.Join(path, ".") {
			return f.value
		}
	}
	return ""
}

// takeField removes a field of a form, or a member of JSON that is a text or a number, and returns its text.
func (c *content) takeField(path []string) string {
	if c.form != formJSON {
		return c.take(strings.Join(path, "."))
	}
	value := c.member(path...)
	if value != "" {
		c.data = without(c.data, path)
	}
	return value
}

// without returns a JSON object without the member at a path. A text on the way that holds an object, which raw looks
// into, becomes that object.
func without(object json.RawMessage, path []string) []byte {
	b := []byte{'{'}
	for name, value := range jsonscan.Entries(innerJSON(object)) {
		if name == path[0] {
			if len(path) == 1 {
				continue
			}
			if inner := innerJSON(value); jsonscan.IsObject(inner) {
				value = without(inner, path[1:])
			}
		}
		if len(b) > 1 {
			b = append(b, ',')
		}
		b = append(append(jsonscan.AppendText(b, name), ':'), value...)
	}
	return append(b, '}')
}

// member returns the text of a JSON member that is a text or a number; "" otherwise.
func (c *content) member(path ...string) string {
	raw := c.raw(path...)
	if len(raw) == 0 {
		return ""
	}
	switch raw[0] {
	case '"':
		return jsonscan.Text(raw)
	case '{', '[', 'n', 't', 'f':
		return ""
	}
	return string(raw)
}

// json returns the content as one JSON text.
func (c *content) json() []byte {
	if c.form != formJSON {
		return c.object()
	}
	return c.data
}

// object returns a form as a JSON object: fields that repeat become lists.
func (c *content) object() []byte {
	values := make(map[string][]string, len(c.fields))
	for _, f := range c.fields {
		values[f.name] = append(values[f.name], f.value)
	}
	b := []byte{'{'}
	for _, f := range c.fields {
		list := values[f.name]
		if list == nil {
			continue // written already
		}
		values[f.name] = nil
		if len(b) > 1 {
			b = append(b, ',')
		}
		b = append(jsonscan.AppendText(b, f.name), ':')
		if len(list) == 1 {
			b = jsonscan.AppendText(b, list[0])
			continue
		}
		b = append(b, '[')
		for i, value := range list {
			if i > 0 {
				b = append(b, ',')
			}
			b = jsonscan.AppendText(b, value)
		}
		b = append(b, ']')
	}
	return append(b, '}')
}

// mediaType is a parsed Content-Type.
type mediaType struct{ name, boundary, charset string }

// contentType reads the header; a missing one stands for JSON.
func contentType(header string) mediaType {
	if strings.TrimSpace(header) == "" {
		return mediaType{name: mediaJSON}
	}
	name, parameters, err := mime.ParseMediaType(header)
	if err != nil && !errors.Is(err, mime.ErrInvalidMediaParameter) {
		return mediaType{}
	}
	return mediaType{name, parameters["boundary"], parameters["charset"]}
}
