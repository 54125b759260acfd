package webhook

import (
	"bytes"
	"encoding/json"
	"errors"
	"mime"
	"net/url"
	"slices"
	"strings"

	"github.com/leadbridge/leadbridge/internal/jsontext"
)

// Media types that are read.
const (
	mediaJSON       = "application/json"
	mediaCloudEvent = "application/cloudevents+json"
	mediaForm       = "application/x-www-form-urlencoded"
	mediaMultipart  = "multipart/form-data"
	mediaText       = "text/plain"
)

// form is how a body is written.
type form int

const (
	formUnknown form = iota
	formJSON
	formURLEncoded
	formMultipart
)

func formOf(media string) form {
	switch {
	case media == mediaJSON, media == mediaText, strings.HasSuffix(media, "+json"):
		return formJSON
	case media == mediaForm:
		return formURLEncoded
	case media == mediaMultipart:
		return formMultipart
	}
	return formUnknown
}

var (
	errNotJSON    = errors.New("the body is no JSON")
	errNotObject  = errors.New("the body is JSON but neither an object nor a list")
	errEmptyBody  = errors.New("the body is empty")
	errNotForm    = errors.New("the body is no form of the type that it is said to be")
	errManyFields = errors.New("the form has too many fields")
)

// maxFields bounds a form.
const maxFields = 2000

// content is what a body says.
type content struct {
	form   form
	data   []byte  // one JSON text; of a JSON body a part of it, unchanged
	fields []field // of a form, in their order
}

// field is one field of a form.
type field struct{ name, value string }

// parse reads a body of a type.
func parse(m mediaType, body []byte) (content, error) {
	c := content{form: formOf(m.name)}
	var err error
	switch c.form {
	case formJSON:
		c.data, err = parseJSON(body)
		return c, err
	case formURLEncoded:
		c.fields, err = parseURLEncoded(body)
	default:
		c.fields, err = parseMultipart(body, m.boundary)
	}
	if err == nil && len(c.fields) == 0 {
		err = errEmptyBody
	}
	return c, err
}

func parseJSON(body []byte) ([]byte, error) {
	text := bytes.TrimSpace(bytes.TrimPrefix(body, []byte("\xEF\xBB\xBF")))
	if len(text) == 0 {
		return nil, errEmptyBody
	}
	if !jsontext.Valid(text, nil) {
		return nil, errNotJSON
	}
	return text, nil
}

func parseURLEncoded(body []byte) ([]field, error) {
	var list []field
	for pair := range strings.SplitSeq(strings.TrimSpace(string(body)), "&") {
		if pair == "" {
			continue
		}
		name, value, _ := strings.Cut(pair, "=")
		name, nameErr := url.QueryUnescape(name)
		value, valueErr := url.QueryUnescape(value)
		if nameErr != nil || valueErr != nil {
			return nil, errNotForm
		}
		if len(list) == maxFields {
			return nil, errManyFields
		}
		list = append(list, field{name, value})
	}
	return list, nil
}

// take removes the fields of a name, and gives the first one's value.
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

// cloudEvent tells whether a JSON body is a structured CloudEvent by itself.
func (c *content) cloudEvent() bool {
	return c.member("specversion") != "" && c.member("id") != "" && len(c.raw("data")) > 0
}

// raw finds the JSON text of a member; nil when there is none.
func (c *content) raw(path ...string) []byte {
	raw := json.RawMessage(c.data)
	for _, name := range path {
		var next json.RawMessage
		for key, value := range jsontext.Entries(raw) {
			if key == name {
				next = value
			}
		}
		raw = next
	}
	return raw
}

// member finds a text or a number, as text.
func (c *content) member(path ...string) string {
	raw := c.raw(path...)
	if len(raw) == 0 {
		return ""
	}
	switch raw[0] {
	case '"':
		return jsontext.Text(raw)
	case '{', '[', 'n', 't', 'f':
		return ""
	}
	return string(raw)
}

// object gives a form as a JSON object: fields that repeat become lists.
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
		b = append(jsontext.AppendText(b, f.name), ':')
		if len(list) == 1 {
			b = jsontext.AppendText(b, list[0])
			continue
		}
		for i, value := range list {
			b = append(b, "[,"[min(i, 1)])
			b = jsontext.AppendText(b, value)
		}
		b = append(b, ']')
	}
	return append(b, '}')
}

// mediaType is what a Content-Type says.
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

// readable tells whether a body's charset can be read: JSON is always in UTF-8
// (RFC 8259, 8.1), of which ASCII is a part.
func (m mediaType) readable() bool {
	charset, known := charsetOf(m.charset)
	if formOf(m.name) == formJSON {
		return known && charset == nil || strings.EqualFold(m.charset, "us-ascii")
	}
	return known
}
