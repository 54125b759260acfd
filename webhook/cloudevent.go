package webhook

import (
	"encoding/base64"
	"strings"

	"github.com/leadbridge/leadbridge/internal/jsonscan"
)

// unwrapped returns the content of a structured CloudEvent's data, with the CloudEvent's id, and any other
// content as it is. Many producers write JSON as a text into data: a text that holds an object or a
// list is taken for that.
//
// Source: CloudEvents 1.0, JSON event format.
func unwrapped(c content) (content, error) {
	id := c.member("id")
	if c.member("specversion") == "" || id == "" {
		return c, nil
	}
	data, encoded := c.raw("data"), c.member("data_base64")
	switch {
	case len(data) > 0 && (string(data) != "null" || encoded == ""):
	case encoded != "":
		text, err := decodedBase64(encoded)
		if text = withoutMark(text); err != nil || !jsonscan.Valid(text, nil) {
			return c, errNotJSON
		}
		data = text
	default:
		return c, nil
	}
	return content{form: formJSON, data: innerJSON(data), event: id}, nil
}

// innerJSON returns the object or list that a JSON text holds, else the text.
func innerJSON(data []byte) []byte {
	inner := []byte(strings.TrimSpace(jsonscan.Text(data)))
	if jsonInside(inner) && jsonscan.Valid(inner, nil) {
		return inner
	}
	return data
}

// decodedBase64 reads both alphabets (RFC 4648), with the padding or without.
func decodedBase64(text string) ([]byte, error) {
	text = strings.NewReplacer("-", "+", "_", "/", "\n", "", "\r", "", " ", "").Replace(text)
	return base64.RawStdEncoding.DecodeString(strings.TrimRight(text, "="))
}
