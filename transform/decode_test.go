package transform

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func reasonOf(err error) Reason {
	if r, ok := errors.AsType[*Rejection](err); ok {
		return r.Reason
	}
	return ""
}

func TestDecode(t *testing.T) {
	structured := []string{"content-type", "application/cloudevents+json"}
	lead := object{{"email", "a@example.com"}}
	tests := []struct {
		name    string
		value   string
		headers []string
		want    any
		reason  Reason
	}{
		{"object", `{"email":"a@example.com"}`, nil, lead, ""},
		{"byte order mark", "\xEF\xBB\xBF" + `{"email":"a@example.com"}`, nil, lead, ""},
		{"white space", "\n\t {\"email\" : \"a@example.com\" }\r\n ", nil, lead, ""},
		{"content type of a form is not asked", `{"email":"a@example.com"}`, []string{"content-type", "application/x-www-form-urlencoded"}, lead, ""},
		{"structured", `{"specversion":"1.0","data":{"email":"a@example.com"}}`, nil, lead, ""},
		{"structured by content type only", `{"data":{"email":"a@example.com"}}`, structured, lead, ""},
		{"structured, data as text", `{"specversion":"1.0","data":"{\"email\":\"a@example.com\"}"}`, nil, lead, ""},
		{"structured, data in Base64", `{"specversion":"1.0","data_base64":"eyJlbWFpbCI6ImFAZXhhbXBsZS5jb20ifQ=="}`, nil, lead, ""},
		{"structured wins over ce_ headers", `{"specversion":"1.0","data":{"email":"a@example.com"}}`, append([]string{"ce_id", "1"}, structured...), lead, ""},
		{"binary", `{"email":"a@example.com"}`, []string{"ce_specversion", "1.0", "content-type", "application/json"}, lead, ""},
		{"structured event beside binary headers", `{"specversion":"1.0","source":"/s","id":"1","type":"t","data":{"email":"a@example.com"}}`, []string{"ce_id", "1", "ce_source", "/s"}, lead, ""},
		{"binary data may have a field specversion", `{"specversion":"9"}`, []string{"ce_id", "1"}, object{{"specversion", "9"}}, ""},
		{"members repeat and keep their order", `{"b":1,"a":2,"b":3}`, nil, object{{"b", num("1")}, {"a", num("2")}, {"b", num("3")}}, ""},
		{"all kinds", `{"a":[1,-2.5e3,true,false,null,"\u00e9\n",{"x":[]},{}]}`, nil,
			object{{"a", []any{num("1"), num("-2.5e3"), true, false, nil, "é\n", object{{"x", []any{}}}, object{}}}}, ""},
		{"huge number", `{"a":1e999999999}`, nil, object{{"a", num("1e999999999")}}, ""},
		{"deep nesting within the limit", `{"a":` + strings.Repeat("[", 9000) + strings.Repeat("]", 9000) + `}`, nil, nil, ""},

		{"no value", "", nil, nil, ReasonMalformed},
		{"blank value", " \n", nil, nil, ReasonMalformed},
		{"undecodable bytes", "\x00\xff\xfe\x80", nil, nil, ReasonMalformed},
		{"cut off", `{"email":"a@exam`, nil, nil, ReasonMalformed},
		{"more than one", `{} {}`, nil, nil, ReasonMalformed},
		{"form data", `email=a%40example.com`, nil, nil, ReasonMalformed},
		{"list of objects", `[{"email":"a@example.com"}]`, nil, []any{lead}, ""},
		{"list of texts", `["a@example.com"]`, nil, nil, ReasonMalformed},
		{"empty list", `[]`, nil, nil, ReasonMalformed},
		{"null", `null`, nil, nil, ReasonMalformed},
		{"text that holds an object", `"{\"email\":\"a@example.com\"}"`, nil, nil, ""},
		{"text", `"a@example.com"`, nil, nil, ReasonMalformed},
		{"structured, a list as text", `{"specversion":"1.0","data":"[{\"email\":\"a@example.com\"}]"}`, nil, []any{lead}, ""},
		{"structured, data null beside Base64", `{"specversion":"1.0","data":null,"data_base64":"eyJlbWFpbCI6ImFAZXhhbXBsZS5jb20ifQ"}`, nil, lead, ""},
		{"structured, Base64 in lines and of the other alphabet", `{"specversion":"1.0","data_base64":"eyJlbWFpbCI6Im\r\nFAZXhhbXBsZS5jb20iLCJ4IjoiPz8_In0"}`, nil, object{{"email", "a@example.com"}, {"x", "???"}}, ""},
		{"structured, JSON text in Base64", `{"specversion":"1.0","data_base64":"IntcImVtYWlsXCI6XCJhQGV4YW1wbGUuY29tXCJ9Ig=="}`, nil, lead, ""},
		{"number", `17`, nil, nil, ReasonMalformed},
		{"batch of CloudEvents", `[{"specversion":"1.0","data":{}}]`, []string{"content-type", "application/cloudevents-batch+json"}, nil, ReasonMalformed},
		{"nesting beyond the limit", `{"a":` + strings.Repeat("[", 10001) + strings.Repeat("]", 10001) + `}`, nil, nil, ReasonMalformed},
		{"structured without data", `{"specversion":"1.0","id":"1"}`, nil, nil, ReasonMalformed},
		{"structured with data null", `{"specversion":"1.0","data":null}`, nil, nil, ReasonMalformed},
		{"structured with text data", `{"specversion":"1.0","datacontenttype":"text/plain","data":"hello"}`, nil, nil, ReasonMalformed},
		{"structured with bad Base64", `{"specversion":"1.0","data_base64":"*"}`, nil, nil, ReasonMalformed},
		{"structured with Base64 of no JSON", `{"specversion":"1.0","data_base64":"AAEC"}`, nil, nil, ReasonMalformed},
		{"structured with Base64 that is not a text", `{"specversion":"1.0","data_base64":7}`, nil, nil, ReasonMalformed},
		{"1 MiB", `{"a":"` + strings.Repeat("x", 1<<20-8) + `"}`, nil, nil, ""},
		{"over 1 MiB", `{"a":"` + strings.Repeat("x", 1<<20-7) + `"}`, nil, nil, ReasonTooLarge},
		{"over 1 MiB and no JSON", strings.Repeat("x", 1<<20+1), nil, nil, ReasonTooLarge},
	}
	tr := newTransformer(t, Options{})
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e, err := tr.Decode(record(tt.value, tt.headers...))
			if got := reasonOf(err); got != tt.reason {
				t.Fatalf("err = %v, want reason %q", err, tt.reason)
			}
			if tt.want != nil {
				if diff := cmp.Diff(tt.want, e.data(), cmp.AllowUnexported(member{}), cmpopts.EquateEmpty()); diff != "" {
					t.Errorf("data (-want +got):\n%s", diff)
				}
			}
			if !originIDForm.MatchString(e.OriginID) || e.ID == "" {
				t.Errorf("identity %q %q", e.ID, e.OriginID)
			}
		})
	}
}

// TestDecodeNoObjectIsNoCloudEvent: only an object can be a CloudEvent, so a
// mapping gets any other value as it is, whatever the content type says.
func TestDecodeNoObjectIsNoCloudEvent(t *testing.T) {
	t.Parallel()
	tr := newTransformer(t, Options{Mapping: `{email: .[0]}`})
	e, err := tr.Decode(record(`["a@example.com"]`, "content-type", "application/cloudevents+json"))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]any{"a@example.com"}, e.data()); diff != "" {
		t.Errorf("data (-want +got):\n%s", diff)
	}
}
