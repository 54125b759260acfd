package leads

import (
	"testing"

	"github.com/leadbridge/leadbridge/transform"
)

// TestLeadsAreWhatTheirFateSays sees to it that leadbridge can read what must become a contact, and only that
// or what the CRM refuses.
func TestLeadsAreWhatTheirFateSays(t *testing.T) {
	t.Parallel()
	tr, err := transform.New(transform.Options{PhoneRegion: "RU", SourceID: "WEB"})
	if err != nil {
		t.Fatal(err)
	}
	a := NewAuthor(7)
	met := map[Fate]int{}
	repeats, keyed := 0, 0
	newest := 0
	for range 5000 {
		l := a.Next()
		if l.Number <= newest {
			repeats++
		}
		newest = max(newest, l.Number)
		if l.Key != "" {
			keyed++
		}
		met[l.Fate]++
		if l.Fate == AsNothing {
			if l.Value != nil {
				t.Errorf("lead %d is no tombstone", l.Number)
			}
			continue
		}
		e, err := tr.Decode(transform.Record{Topic: "leads", Value: l.Value})
		if err == nil {
			_, err = tr.Contact(e)
		}
		if readable := l.Fate == AsContact || l.Fate == refused; readable != (err == nil) {
			t.Errorf("lead %d, %s: %v", l.Number, l.Fate, err)
		}
	}
	for _, s := range shapes() {
		if met[s.fate] == 0 {
			t.Errorf("no lead that ends as %s", s.fate)
		}
	}
	if repeats < 100 || keyed < 2500 || keyed > 4500 {
		t.Errorf("%d repeats, %d with a key", repeats, keyed)
	}
}
