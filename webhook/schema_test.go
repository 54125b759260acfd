package webhook

import (
	"net/http"
	"strings"
	"testing"

	"github.com/leadbridge/leadbridge/schemas"
	"github.com/leadbridge/leadbridge/transform"
)

func TestSourceWithASchemaFramesItsEvents(t *testing.T) {
	t.Parallel()
	r := newRig(t, "sources: [{name: one, verify: {type: none}, schema: 258}]", func(*Config) {})
	if a := r.post("/hooks/one", mediaJSON, `{"email":"person@example.com"}`); a.status != http.StatusAccepted {
		t.Fatalf("%d %s", a.status, a.body)
	}
	rec := r.only()
	if !strings.HasPrefix(string(rec.Value), "\x00\x00\x00\x01\x02{") || string(rec.Key) != "person@example.com" {
		t.Fatalf("the record has the key %q and the value %q", rec.Key, rec.Value)
	}
	plain, err := transform.New(transform.Options{})
	if err != nil {
		t.Fatal(err)
	}
	reader, err := schemas.New(schemas.Config{})
	if err != nil {
		t.Fatal(err)
	}
	event, err := schemas.NewTransformer(plain, reader).Decode(rec)
	if err != nil || !strings.HasPrefix(event.ID, "ce:/hooks/one ") {
		t.Errorf("it is read as %q, %v", event.ID, err)
	}
}

func TestSchemaThatCannotBeOne(t *testing.T) {
	t.Parallel()
	for _, id := range []string{"leads-value", "0", "-1", "4294967296", "1.5"} {
		_, err := ParseSources([]byte("sources: [{name: a, verify: {type: none}, schema: '"+id+"'}]"), environment(testSecrets))
		if err == nil || !strings.Contains(err.Error(), "is not the id of a schema") {
			t.Errorf("%s: %v", id, err)
		}
	}
}
