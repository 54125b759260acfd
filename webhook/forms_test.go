package webhook

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"mime/multipart"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leadbridge/leadbridge/crmclient"
	"github.com/leadbridge/leadbridge/transform"
)

// TestFormsOfBuilders posts each form of the transform room as its builder would,
// in every type that it fits into: the contact is that of the raw body.
func TestFormsOfBuilders(t *testing.T) {
	t.Parallel()
	inputs, err := filepath.Glob("../transform/testdata/forms/*/*.input.json")
	if err != nil || len(inputs) < 20 {
		t.Fatal(err, len(inputs))
	}
	for _, input := range inputs {
		builder := filepath.Base(filepath.Dir(input))
		t.Run(builder+"/"+strings.TrimSuffix(filepath.Base(input), ".input.json"), func(t *testing.T) {
			t.Parallel()
			body, err := os.ReadFile(input)
			if err != nil {
				t.Fatal(err)
			}
			preset := ""
			if _, err := transform.New(transform.Options{Mapping: "preset:" + builder}); err == nil {
				preset = "preset:" + builder
			}
			want := contactOf(t, preset, body)
			sources := "sources: [{name: raw, verify: {type: none}}"
			if preset != "" {
				sources += ", {name: mapped, verify: {type: none}, mapping: '" + preset + "'}"
			}
			r := newRig(t, sources+"]")
			r.post("/hooks/raw", "application/json", string(body)).id(t)
			checkContact(t, want, contactOf(t, preset, r.records()[0].Value))
			for contentType, form := range asForms(t, body) {
				r.post("/hooks/raw", contentType, form).id(t)
			}
			if preset != "" {
				r.post("/hooks/mapped", "application/json", string(body)).id(t)
			}
			for _, rec := range r.records() {
				mapping := preset
				if decoded(t, rec).Source == "/hooks/mapped" {
					mapping = "" // it is done
				}
				checkContact(t, want, contactOf(t, mapping, rec.Value))
			}
		})
	}
}

// asForms writes a flat object as the two types of forms, by content type.
func asForms(t *testing.T, body []byte) map[string]string {
	t.Helper()
	var flat map[string]string
	if json.Unmarshal(body, &flat) != nil {
		return nil
	}
	// In the order of the body, as browsers send fields in that of the page.
	var pairs []string
	var b bytes.Buffer
	parts := multipart.NewWriter(&b)
	dec := json.NewDecoder(bytes.NewReader(body))
	var name string
	for n := 0; ; n++ {
		token, err := dec.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		text, ok := token.(string)
		switch {
		case !ok:
			n = -1
		case n%2 == 0:
			name = text
		default:
			pairs = append(pairs, url.QueryEscape(name)+"="+url.QueryEscape(text))
			if err := parts.WriteField(name, text); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := parts.Close(); err != nil {
		t.Fatal(err)
	}
	return map[string]string{mediaForm: strings.Join(pairs, "&"), parts.FormDataContentType(): b.String()}
}

// contactOf is the contact, or the rejection, that the service makes of a value.
func contactOf(t *testing.T, mapping string, value []byte) any {
	t.Helper()
	tr, err := transform.New(transform.Options{PhoneRegion: "RU", SourceID: "WEB", Mapping: mapping})
	if err != nil {
		t.Fatal(err)
	}
	e, err := tr.Decode(transform.Record{Topic: testTopic, Value: value})
	var c crmclient.Contact
	if err == nil {
		c, err = tr.Contact(e)
	}
	if err != nil {
		return err.Error()
	}
	text, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func checkContact(t *testing.T, want, got any) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("contact (-raw body +record):\n%s", diff)
	}
}

func TestFormBecomesAnObject(t *testing.T) {
	t.Parallel()
	r := newRig(t, open)
	r.post("/hooks/form", mediaForm, "name=%D0%98%D0%B2%D0%B0%D0%BD+%22x%22&phone=1&phone=2&&a%5Bb%5D=%FF&empty=").id(t)
	want := `{"name":"Иван \"x\"","phone":["1","2"],"a[b]":"�","empty":""}`
	if e := decoded(t, r.only()); cmp.Diff(asAny(t, want), asAny(t, string(e.Data))) != "" {
		t.Errorf("%s, want %s", e.Data, want)
	}
}

func asAny(t *testing.T, text string) (v any) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatal(err)
	}
	return v
}
