package find

import (
	"testing"

	"github.com/leadbridge/leadbridge/crmclient"
	"github.com/leadbridge/leadbridge/dlt"
	"github.com/leadbridge/leadbridge/transform"
)

// A record that cannot be decoded is found by its text, unless that is not to be searched; one that can be decoded is not,
// even if it gives no contact.
func TestTextOfRecordsThatCannotBeDecoded(t *testing.T) {
	t.Parallel()
	by, err := transform.New(transform.Options{SourceID: "WEB"})
	if err != nil {
		t.Fatal(err)
	}
	for _, off := range []bool{false, true} {
		w, err := (&Finder{Config: Config{Transformer: by, NoTextSearch: off}}).parse("bori")
		if err != nil {
			t.Fatal(err)
		}
		for _, decoded := range []bool{false, true} {
			_, met := w.matches(dlt.Position{}, transform.Event{}, &crmclient.Contact{}, []byte("not a lead, of boris@example.com"), decoded)
			if want := !off && !decoded; met != want {
				t.Errorf("no text search %v, decoded %v: found %v", off, decoded, met)
			}
		}
	}
}
