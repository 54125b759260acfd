package transform

import (
	"slices"
	"testing"
)

// FuzzKeyWords: the short cut for names in ASCII finds the words that any name has.
func FuzzKeyWords(f *testing.F) {
	for _, seed := range []string{"", "firstName", "utm_source", "Your Phone-Number 2", "WhatsApp", "URLOfPage", "a1b", "formID", "_ga", "e.mail[0]", "телефон", "customer's"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, key string) {
		got := keyWords(key)
		if want := keyWords(key + "'"); !slices.Equal(got, want) || (got == nil) != (want == nil) { // an apostrophe is passed over, and no short cut
			t.Errorf("%q: %q, want %q", key, got, want)
		}
	})
}
