package webhook

import (
	"strings"

	"github.com/leadbridge/leadbridge/internal/jsontext"
)

// fieldRedirect is the field of a form that chooses among the source's redirects.
const fieldRedirect = "_redirect"

// takeOwn takes out the fields of a form that are meant for the gate; JSON stays as it is.
func (s *source) takeOwn(c *content) (trapped bool, redirect string) {
	if c.form == formJSON {
		return s.honeypot != "" && (filled(c.raw(s.honeypot)) || c.cloudEvent() && filled(c.raw("data", s.honeypot))), ""
	}
	if s.honeypot != "" {
		trapped = c.take(s.honeypot) != ""
	}
	if len(s.redirects) > 0 {
		redirect = c.take(fieldRedirect)
	}
	return trapped, redirect
}

// filled tells whether a JSON value says anything; a box that is not ticked says nothing.
func filled(raw []byte) bool {
	switch string(raw) {
	case "", `""`, "null", "false", "[]", "{}":
		return false
	}
	return true
}

// ignores tells whether data is what the provider sends to try the address: an
// object of just the fields that the source names.
func (s *source) ignores(data []byte) bool {
	if len(s.ignored) == 0 || !jsontext.IsObject(data) {
		return false
	}
	found := 0
	for name, raw := range jsontext.Entries(data) {
		want, ok := s.ignored[name]
		if !ok || asText(raw) != want {
			return false
		}
		found++
	}
	return found == len(s.ignored)
}

// asText gives a text, or another value as it is written.
func asText(raw []byte) string {
	if strings.HasPrefix(string(raw), `"`) {
		return jsontext.Text(raw)
	}
	return string(raw)
}
