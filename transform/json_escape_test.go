package transform

import (
	"encoding/json"
	"strings"
	"testing"
)

// FuzzUnescape: a text with escapes says what encoding/json says.
func FuzzUnescape(f *testing.F) {
	for _, text := range []string{`\"\\\/\b\f\n\r\t\u0041`, `\u0418\u0432\u0430\u043d ж`, `\ud83d\ude00`, `\ud83d`, `\ud83d\u0041`, `\ude00\ud83d`, `\ud83d\n`, "\xff\\u00e9\xc3", `\u0000`, `\uFFFD`,
		strings.Repeat(`\u0436`, 300)} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var want string
		quoted := []byte(`"` + text + `"`)
		if json.Unmarshal(quoted, &want) != nil {
			return
		}
		if got := unescape([]byte(text)); got != want {
			t.Fatalf("%q: %q, encoding/json says %q", text, got, want)
		}
		r := jsonReader{b: quoted}
		if got, escaped := r.value(), strings.Contains(text, `\`); escaped && got != want {
			t.Fatalf("%q: %q, encoding/json says %q", quoted, got, want)
		}
	})
}
