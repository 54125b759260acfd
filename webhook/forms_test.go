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

// TestCharsets: what a form is written in it says in its type, in a part's, or in a
// field; a source says it for forms that do not.
func TestCharsets(t *testing.T) {
	t.Parallel()
	const ivan = "%C8%E2%E0%ED" // windows-1251
	part := func(header, value string) string {
		return "--B\r\nContent-Disposition: form-data; name=\"name\"\r\n" + header + "\r\n" + value + "\r\n--B--\r\n"
	}
	const multi = mediaMultipart + "; boundary=B"
	for name, c := range map[string]struct{ source, contentType, body, want string }{
		"UTF-8":                        {"form", mediaForm, "name=%D0%98%D0%B2%D0%B0%D0%BD", "Иван"},
		"UTF-8 where another is usual": {"old", mediaForm, "name=%D0%98%D0%B2%D0%B0%D0%BD", "Иван"},
		"by the type":                  {"form", mediaForm + "; charset=windows-1251", "name=" + ivan, "Иван"},
		"by the type, raw bytes":       {"form", mediaForm + `; charset="CP1251"`, "name=\xc8\xe2\xe0\xed", "Иван"},
		"by a field":                   {"form", mediaForm, "_charset_=windows-1251&name=" + ivan, "Иван"},
		"by a field that says UTF-8":   {"form", mediaForm, "_charset_=UTF-8&name=%D0%98%D0%B2%D0%B0%D0%BD", "Иван"},
		"by the source":                {"old", mediaForm, "name=" + ivan, "Иван"},
		"the type before the source":   {"old", mediaForm + "; charset=koi8-r", "name=%E9%D7%C1%CE", "Иван"},
		"nobody says it":               {"form", mediaForm, "name=" + ivan, "\uFFFD\uFFFD\uFFFD\uFFFD"},
		"a field that lies":            {"form", mediaForm, "_charset_=klingon&name=" + ivan, "\uFFFD\uFFFD\uFFFD\uFFFD"},
		"multipart by the source":      {"old", multi, part("", "\xc8\xe2\xe0\xed"), "Иван"},
		"by a part's type":             {"form", multi, part("Content-Type: text/plain; charset=windows-1251\r\n", "\xc8\xe2\xe0\xed"), "Иван"},
		"a part in Base64":             {"form", multi, part("Content-Transfer-Encoding: BASE64\r\n", "0JjQstCw\r\n0L0="), "Иван"},
		"a part quoted-printable":      {"form", multi, part("Content-Transfer-Encoding: quoted-printable\r\n", "=D0=98=D0=B2=D0=B0=D0=BD"), "Иван"},
		"a part as it is":              {"form", multi, part("Content-Transfer-Encoding: 8bit\r\n", "Иван"), "Иван"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, "sources: [{name: form, verify: {type: none}}, {name: old, verify: {type: none}, charset: windows-1251}]")
			r.post("/hooks/"+c.source, c.contentType, c.body).id(t)
			var got struct{ Name string }
			if err := json.Unmarshal(decoded(t, r.only()).Data, &got); err != nil || got.Name != c.want {
				t.Errorf("%q, %v, want %q", got.Name, err, c.want)
			}
			if told := strings.Contains(r.logs.String(), "is not in UTF-8"); told != strings.Contains(c.want, "\uFFFD") {
				t.Errorf("log %s", r.logs)
			}
		})
	}
	r := newRig(t, open)
	isProblem(t, r.post("/hooks/form", multi, part("Content-Transfer-Encoding: base64\r\n", "!")), 400)
}
