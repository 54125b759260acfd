package jsontext

import (
	"encoding/json"
	"testing"
)

// Each byte is written as encoding/json does, wherever it stands.
func TestTextOfEachByte(t *testing.T) {
	const around = "0123456789abcdef"
	for c := range 256 {
		for at := range len(around) + 1 {
			for _, odd := range []string{string([]byte{byte(c)}), string(rune(c)), "\xe2" + string([]byte{byte(c)}), "\u2028"[:2] + string([]byte{byte(c)})} {
				text := around[:at] + odd + around[at:]
				want, err := json.Marshal(text)
				if err != nil {
					t.Fatal(err)
				}
				if got := AppendText(nil, text); string(got) != string(want) {
					t.Fatalf("%q: got %s, want %s", text, got, want)
				}
			}
		}
	}
}
