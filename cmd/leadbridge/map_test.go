package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestMap compares with what is known to be right: one line of output for each event, in order.
func TestMap(t *testing.T) {
	t.Parallel()
	in, err := os.ReadFile(filepath.Join("testdata", "map", "events.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile(filepath.Join("testdata", "map", "contacts.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	code, stdout, stderr := inProcess(map[string]string{"KAFKA_TOPIC": "site.leads"}, string(in), "map")
	if code != 0 || stderr != "" {
		t.Fatalf("exit %d, stderr %q", code, stderr)
	}
	if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(stdout, "\n")); diff != "" {
		t.Errorf("contacts (-want +got):\n%s", diff)
	}
}

// TestMapLongLines maps lines beyond any buffer, and a last one without an end.
func TestMapLongLines(t *testing.T) {
	t.Parallel()
	long := `{"email":"a@example.com","comment":"` + strings.Repeat("x", 300_000) + `"}`
	tooLong := `{"email":"a@example.com","comment":"` + strings.Repeat("x", 2<<20) + `"}`
	code, stdout, _ := inProcess(nil, "\n\n"+long+"\r\n \n"+tooLong+"\n"+`{"email":"b@example.com"}`, "map")
	lines := strings.Split(strings.TrimSpace(stdout), "\n")
	if code != 0 || len(lines) != 3 {
		t.Fatalf("exit %d, %d lines; want 0 and 3", code, len(lines))
	}
	for i, want := range []string{`"contact"`, "TOO_LARGE", "b@example.com"} {
		if !json.Valid([]byte(lines[i])) || !strings.Contains(lines[i], want) {
			t.Errorf("line %d lacks %s: %.200s", i, want, lines[i])
		}
	}
}

func TestMapWithPreset(t *testing.T) {
	t.Parallel()
	in := `{"form_response":{"definition":{"fields":[{"id":"a","type":"email","title":"E-mail"}]},"answers":[{"type":"email","email":"a@example.com","field":{"id":"a","type":"email","ref":"email"}}]}}`
	code, stdout, stderr := inProcess(map[string]string{"MAPPING_FILE": "preset:typeform"}, in, "map")
	if code != 0 || !strings.Contains(stdout, `"value":"a@example.com"`) {
		t.Errorf("exit %d: %s%s", code, stdout, stderr)
	}
}

// TestMapExplain shows which objects hold a contact point, where two persons may be meant.
func TestMapExplain(t *testing.T) {
	t.Parallel()
	in := `{"contact":{"name":"Anna","email":"anna@example.com"},"client":{"phone":"+79161234567"}}` + "\n" +
		`{"client":{"phone":"8 916 123-45-67"},"agent":{"email":"agent@example.com"}}`
	code, stdout, stderr := inProcess(nil, in, "map", "--explain")
	if code != 0 || stderr != "" {
		t.Fatalf("exit %d, stderr %q", code, stderr)
	}
	lines := strings.Split(strings.TrimSpace(stdout), "\n")
	for i, want := range []string{
		`"candidates":[{"path":"contact","fields":["contact.email"],"chosen":false},{"path":"client","fields":["client.phone"],"chosen":false}]`,
		`"candidates":[{"path":"client","fields":["client.phone"],"chosen":true}],"steps":[{"key":"client.phone","input":"8 916 123-45-67","outcome":"normalised","field":"phone","value":"+79161234567"},` +
			`{"key":"agent","input":"{\"email\":\"agent@example.com\"}","outcome":"to comments"`,
	} {
		if i >= len(lines) || !strings.Contains(lines[i], want) {
			t.Errorf("line %d lacks %s:\n%s", i, want, stdout)
		}
	}
}
