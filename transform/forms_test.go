package transform

import (
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var updateForms = flag.Bool("update-forms", false, "rewrite the expected contacts of testdata/forms; read the difference before you keep it")

// TestForms: inputs as form builders send them become the contact beside
// each. A folder is a builder; source.txt in it names the documentation that
// its inputs follow. Builders that nest their answers have a preset of the folder's name.
func TestForms(t *testing.T) {
	t.Parallel()
	inputs, err := filepath.Glob("testdata/forms/*/*.input.json")
	if err != nil {
		t.Fatal(err)
	}
	perBuilder := map[string]int{}
	for _, input := range inputs {
		builder := filepath.Base(filepath.Dir(input))
		perBuilder[builder]++
		t.Run(builder+"/"+strings.TrimSuffix(filepath.Base(input), ".input.json"), func(t *testing.T) {
			t.Parallel()
			checkForm(t, builder, input)
		})
	}
	want := append(presetNames(), "tilda", "contact-form-7")
	for _, builder := range want {
		if perBuilder[builder] < 3 {
			t.Errorf("%s has %d inputs, want at least 3", builder, perBuilder[builder])
		}
		source, err := os.ReadFile(filepath.Join("testdata/forms", builder, "source.txt"))
		if err != nil || !strings.HasPrefix(string(source), "https://") {
			t.Errorf("%s does not begin with the address of its documentation: %v", builder, err)
		}
	}
}

func checkForm(t *testing.T, builder, input string) {
	t.Helper()
	value, err := os.ReadFile(input)
	if err != nil {
		t.Fatal(err)
	}
	got := formContact(t, builder, value)
	expected := strings.TrimSuffix(input, ".input.json") + ".contact.json"
	if *updateForms {
		if err := os.WriteFile(expected, append(got, '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(expected)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(decodeAny(t, text), decodeAny(t, got)); diff != "" {
		t.Errorf("contact (-want +got):\n%s", diff)
	}
}

// formContact is the contact as it leaves for the CRM, or {"rejected": reason}.
func formContact(t *testing.T, builder string, value []byte) []byte {
	t.Helper()
	o := Options{PhoneRegion: "RU", SourceID: "WEB"}
	if slices.Contains(presetNames(), builder) {
		o.Mapping = "preset:" + builder
	}
	transformer, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	var result any
	event, err := transformer.Decode(Record{Topic: "leads", Value: value})
	if err == nil {
		result, err = transformer.Contact(event)
	}
	if rejection, ok := errors.AsType[*Rejection](err); ok {
		result = map[string]any{"rejected": rejection.Reason}
	} else if err != nil {
		t.Fatal(err)
	}
	text, err := json.MarshalIndent(result, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func decodeAny(t *testing.T, text []byte) (v any) {
	t.Helper()
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatal(err)
	}
	return v
}
