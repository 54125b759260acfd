package main

import (
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/leadbridge/leadbridge/crmclient/crmtest"
	"github.com/leadbridge/leadbridge/schemas"
)

// goldenValues are values that the vendor's serializers wrote, by the names of their cases; the handler is the
// registry.
func goldenValues(t *testing.T) (values map[string]string, registry http.HandlerFunc) {
	t.Helper()
	text, err := os.ReadFile("../../schemas/testdata/golden.json")
	if err != nil {
		t.Fatal(err)
	}
	var g struct {
		Registry struct {
			IDs, Subjects map[string]json.RawMessage
		}
		Cases []struct{ Name, Value string }
	}
	if err := json.Unmarshal(text, &g); err != nil {
		t.Fatal(err)
	}
	values = map[string]string{}
	for _, c := range g.Cases {
		value, err := base64.StdEncoding.DecodeString(c.Value)
		if err != nil {
			t.Fatal(err)
		}
		values[c.Name] = string(value)
	}
	return values, func(w http.ResponseWriter, r *http.Request) {
		answer := g.Registry.IDs[strings.TrimPrefix(r.URL.Path, "/schemas/ids/")]
		if subject := strings.Replace(strings.TrimPrefix(r.URL.Path, "/subjects/"), "/versions/", "/", 1); answer == nil {
			answer = g.Registry.Subjects[subject]
		}
		switch {
		case r.URL.Path == "/subjects":
			_, _ = io.WriteString(w, `["leads-value"]`)
		case answer == nil:
			w.WriteHeader(http.StatusNotFound)
			_, _ = io.WriteString(w, `{"error_code":40403,"message":"Schema not found"}`)
		default:
			_, _ = w.Write(answer)
		}
	}
}

// TestFramedEventsAreDelivered delivers Avro, Protobuf, JSON Schema and plain JSON of one topic, through an outage of the
// registry, and shows the letter of a value that cannot become a contact.
func TestFramedEventsAreDelivered(t *testing.T) {
	t.Parallel()
	values, answers := goldenValues(t)
	var down atomic.Bool
	down.Store(true)
	registry := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if down.Load() {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		answers(w, r)
	}))
	defer registry.Close()
	r := newRig(t, crmtest.Options{NativeOriginID: true}, "leads", "leads.dlt")
	env := r.env(map[string]string{"SCHEMA_REGISTRY_URL": registry.URL})
	s := startService(t, env)
	avroWithoutContact := string(schemas.Frame(3, []byte("\x08Riga"))) // {"city":"Riga"}
	unknown := string(schemas.Frame(77, []byte("\x02x")))
	r.produce(t, values["avro"], values["protobuf"], avroWithoutContact, unknown, values["json"], `{"phone":"+7 916 123-45-68"}`)
	eventually(t, "what needs no registry is there", func() bool { return r.crm.Count() == 2 })
	eventually(t, "the others are parked", func() bool {
		parked := 0
		for _, p := range s.status(t).Partitions {
			parked += p.ParkedWhy["schema"]
		}
		return parked == 4
	})
	if code, body := s.get("/readyz"); code != http.StatusOK || !strings.Contains(body, "schema_registry") || !strings.Contains(body, "503") {
		t.Errorf("/readyz: %d %s", code, body)
	}
	down.Store(false)
	eventually(t, "all are there", func() bool { return r.crm.Count() == 4 && r.committed() == 6 })
	s.answers(t, "/readyz", http.StatusOK)

	code, stdout, stderr := inProcess(env, "", "dlt", "list")
	for _, want := range []string{"NO_CONTACT_POINT", `{"city":"Riga"}`, "MALFORMED_EVENT", "no schema of id 77"} {
		if !strings.Contains(stdout, want) {
			t.Errorf("dlt list lacks %q: %d\n%s%s", want, code, stdout, stderr)
		}
	}
	without := map[string]string{"KAFKA_BROKERS": env["KAFKA_BROKERS"]}
	if _, stdout, _ = inProcess(without, "", "dlt", "list"); !strings.Contains(stdout, "(the value is framed by a schema registry") || strings.Contains(stdout, "Riga") {
		t.Errorf("dlt list without a registry:\n%s", stdout)
	}
	if _, stdout, _ = inProcess(env, "", "dlt", "export"); !strings.Contains(stdout, `"value":"\u0000\u0000\u0000\u0000\u0003\bRiga"`) {
		t.Errorf("an export has other bytes:\n%s", stdout)
	}
	if code, stdout, _ = inProcess(env, "", "dlt", "replay", "--reason=NO_CONTACT_POINT", `--edit=.email = "b@example.com"`); code != exitOK {
		t.Errorf("replay: %d\n%s", code, stdout)
	}
	eventually(t, "the corrected one is there", func() bool { return r.crm.Count() == 5 })
	if _, stdout, _ = inProcess(env, "", "find", "anna"); strings.Count(stdout, "found by name") != 2 {
		t.Errorf("find:\n%s", stdout)
	}
}

func TestMapReadsFramedValues(t *testing.T) {
	t.Parallel()
	values, answers := goldenValues(t)
	registry := httptest.NewServer(answers)
	defer registry.Close()
	line := base64.StdEncoding.EncodeToString([]byte(values["protobuf"]))
	code, stdout, stderr := inProcess(map[string]string{"SCHEMA_REGISTRY_URL": registry.URL}, line, "map")
	if code != exitOK || !strings.Contains(stdout, `"value":"a@example.com"`) {
		t.Errorf("exit %d\n%s%s", code, stdout, stderr)
	}
	code, stdout, _ = inProcess(nil, line, "map")
	if code != exitOK || !strings.Contains(stdout, "SCHEMA_REGISTRY_URL") {
		t.Errorf("without a registry: exit %d\n%s", code, stdout)
	}
}
