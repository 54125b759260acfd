package webhook

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/leadbridge/leadbridge/transform"
)

// documentedSources are the entries for form builders of docs/ingest.md; every
// secret is "secret".
func documentedSources(t *testing.T) string {
	t.Helper()
	page, err := os.ReadFile("../docs/ingest.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(page), "\n## Form builders\n")
	_, block, _ := strings.Cut(section, "```yaml\n")
	block, _, found := strings.Cut(block, "```")
	if !found {
		t.Fatal("docs/ingest.md has no entries for form builders")
	}
	return block
}

// TestDocumentedBuilders posts what each builder really sends to its entry in the docs,
// twice: it is taken, as one event, and the record gives the contact that the builder's
// form gives the service.
func TestDocumentedBuilders(t *testing.T) {
	t.Parallel()
	text := documentedSources(t)
	parsed, err := ParseSources([]byte(text), Environment{
		LookupEnv: func(string) (string, bool) { return "secret", true }, PhoneRegion: "RU",
	})
	if err != nil {
		t.Fatal(err)
	}
	bearer := []string{"Authorization", "Bearer secret"}
	tally := `{"eventId":"e","eventType":"FORM_RESPONSE","data":{"responseId":"2wgx4n","fields":[` +
		`{"key":"q1","label":"Name","type":"INPUT_TEXT","value":"Anna Ivanova"},{"key":"q2","label":"Email","type":"INPUT_EMAIL","value":"Anna@example.ru"},` +
		`{"key":"q3","label":"Comment","type":"CHECKBOXES","value":["a","b"]},{"key":"q4","label":"Site","type":"INPUT_LINK","value":null}]}}`
	cases := map[string]struct {
		preset, fixture string // of the transform room
		body            string // else
		form            string // a media type of forms that the fixture is written in
		query           string
		headers         []string
		id              string
		status          int
	}{
		"tilda":       {"", "tilda/order", "", mediaForm, "?key=secret", nil, "1234567:8912345678", 200},
		"elementor":   {"preset:elementor", "elementor/advanced-bracketed", "", mediaForm, "?key=secret", nil, "body-", 200},
		"webflow":     {"preset:webflow", "webflow/v2", "", "", "?key=secret", nil, "6321ca84df3949bfc6752327", 200},
		"typeform":    {"preset:typeform", "typeform/full", "", "", "", []string{"Typeform-Signature", "sha256="}, "a3a12ec67a1365927098a606107fac15", 202},
		"tally":       {"", "", tally, "", "", []string{"Tally-Signature", ""}, "2wgx4n", 202},
		"jotform":     {"preset:jotform", "jotform/webhook", "", mediaMultipart, "?key=secret", nil, "4908161427821564352", 202},
		"hubspot":     {"preset:hubspot", "hubspot/workflow-custom", "", "", "", bearer, "body-", 202},
		"wordpress":   {"", "contact-form-7/default", "", mediaForm, "", []string{"X-Webhook-Token", "secret"}, "body-", 202},
		"apps-script": {"", "", `{"Name":"Anna","Email":"Anna@example.ru"}`, "", "", bearer, "body-", 202},
	}
	for _, name := range parsed.Names() {
		c, ok := cases[name]
		if !ok {
			t.Errorf("no payload of %s is tried", name)
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, open, func(cfg *Config) { cfg.Sources = parsed })
			body, contentType := c.body, mediaJSON
			if c.fixture != "" {
				raw, err := os.ReadFile(filepath.Join("../transform/testdata/forms", c.fixture+".input.json"))
				if err != nil {
					t.Fatal(err)
				}
				body = string(raw)
			}
			raw := []byte(body)
			if c.form != "" {
				for media, form := range asForms(t, raw) {
					if strings.HasPrefix(media, c.form) {
						body, contentType = form, media
					}
				}
			}
			headers := c.headers
			if len(headers) == 2 && strings.HasSuffix(headers[0], "-Signature") {
				sum := base64.StdEncoding.EncodeToString(mac(sha256.New, []byte("secret"), []byte(body)))
				headers = []string{headers[0], headers[1] + sum}
			}
			isProblem(t, r.post("/hooks/"+name, contentType, body), http.StatusUnauthorized)
			var ids []string
			for range 2 {
				a := r.post("/hooks/"+name+c.query, contentType, body, headers...)
				if a.status != c.status || !strings.Contains(a.body, `"id":"`+c.id) {
					t.Fatalf("%d %s, want %d and an id %s…", a.status, a.body, c.status, c.id)
				}
				ids = append(ids, a.body)
			}
			recs := r.records()
			if len(recs) != 2 || ids[0] != ids[1] || recs[0].Partition != recs[1].Partition {
				t.Fatalf("%d records, ids %v", len(recs), ids)
			}
			if c.preset != "" || c.fixture != "" {
				checkContact(t, contactOf(t, c.preset, raw), contactOf(t, "", recs[0].Value))
			} else if !bytes.Equal(recs[0].Key, []byte("anna@example.ru")) {
				t.Errorf("key %q of %s", recs[0].Key, recs[0].Value)
			}
			sameEvent(t, recs[0], recs[1])
		})
	}
}

// sameEvent: the service knows both records as one event.
func sameEvent(t *testing.T, a, b transform.Record) {
	t.Helper()
	tr, err := transform.New(transform.Options{})
	if err != nil {
		t.Fatal(err)
	}
	one, errA := tr.Decode(a)
	two, errB := tr.Decode(b)
	if errA != nil || errB != nil || one.ID != two.ID {
		t.Errorf("events %q and %q, %v, %v", one.ID, two.ID, errA, errB)
	}
}
