package find

import (
	"testing"

	"github.com/leadbridge/leadbridge/crmclient"
	"github.com/leadbridge/leadbridge/dlt"
	"github.com/leadbridge/leadbridge/transform"
)

// A record that gives no contact is found by its text, unless only whole values are to be found.
func TestRecordsWithoutContact(t *testing.T) {
	t.Parallel()
	by, err := transform.New(transform.Options{SourceID: "WEB"})
	if err != nil {
		t.Fatal(err)
	}
	for _, whole := range []bool{false, true} {
		w, err := (&Finder{Config: Config{Transformer: by, WholeValues: whole}}).who("bori")
		if err != nil {
			t.Fatal(err)
		}
		if _, met := w.meets(dlt.Position{}, transform.Event{}, &crmclient.Contact{}, []byte("not JSON, of boris@example.com"), false); met == whole {
			t.Errorf("whole values only: %v, found: %v", whole, met)
		}
	}
}
