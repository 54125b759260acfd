package webhook

import (
	"strings"

	"github.com/leadbridge/leadbridge/internal/jsonscan"
)

// fieldRedirect is the field of a form that chooses among the source's redirects.
const fieldRedirect = "_redirect"

// takeControlFields removes the fields that are meant for the gate from a form; JSON stays as it is. It reports
// whether the honeypot was filled in, and returns the redirect that the form names.
func (s *source) takeControlFields(c *content) (trapped bool, redirect string) {
	if c.form == formJSON {
		return s.honeypot != "" && hasValue(c.raw(s.honeypot)), ""
	}
	if s.honeypot != "" {
		trapped = c.take(s.honeypot) != ""
	}
	if len(s.redirects) > 0 {
		redirect = c.take(fieldRedirect)
	}
	return trapped, redirect
}

// hasValue reports whether a JSON value is more than an empty one; false, of a box that is not ticked, counts as empty.
func hasValue(raw []byte) bool {
	switch string(raw) {
	case "", `""`, "null", "false", "[]", "{}":
		return false
	}
	return true
}

// isTest reports whether data is what the provider sends to try the address: an object with exactly the fields of
// s.test, and their values.
func (s *source) isTest(data []byte) bool {
	if len(s.test) == 0 || !jsonscan.IsObject(data) {
		return false
	}
	found := 0
	for name, raw := range jsonscan.Entries(data) {
		want, ok := s.test[name]
		if text := asText(raw); !ok || text != want && (want != anyValue || text == "") {
			return false
		}
		found++
	}
	return found == len(s.test)
}

// asText returns a JSON text's characters, and another value as it is written.
func asText(raw []byte) string {
	if strings.HasPrefix(string(raw), `"`) {
		return jsonscan.Text(raw)
	}
	return string(raw)
}

// isUnsignedTest reports whether a body without a signature is the provider's test.
func (s *source) isUnsignedTest(media mediaType, body []byte) bool {
	c, err := s.parse(media, body)
	return err == nil && s.isTest(c.json())
}
