package transform

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestPresetNames(t *testing.T) {
	t.Parallel()
	want := []string{"calendly", "calltouch", "chatwoot", "clerk", "elementor", "facebook-leads", "gravity", "hubspot", "jotform", "shopify", "tally", "typeform", "webflow", "wix"}
	if diff := cmp.Diff(want, presetNames()); diff != "" {
		t.Errorf("names (-want +got):\n%s", diff)
	}
	for _, name := range want {
		if _, err := New(Options{PhoneRegion: "RU", Mapping: "preset:" + name}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, name := range []string{"", "lib", "Typeform", "../presets/typeform", "typeform.jq", "none"} {
		if _, ok := presetProgram(name); ok {
			t.Errorf("%q is a preset", name)
		}
	}
}

// TestPresetsPassOnOtherShapes: a preset leaves data of another shape as it
// is, so that a form that changes its webhook loses no lead, and never fails on it.
func TestPresetsPassOnOtherShapes(t *testing.T) {
	t.Parallel()
	inputs, err := filepath.Glob("testdata/forms/*/*.input.json")
	if err != nil {
		t.Fatal(err)
	}
	var texts []string
	for _, input := range inputs {
		text, err := os.ReadFile(input)
		if err != nil {
			t.Fatal(err)
		}
		texts = append(texts, string(text))
	}
	for _, odd := range oddValues() {
		for _, key := range []string{"form_response", "answers", "payload", "data", "field_data", "fields", "form", "meta", "form_fields",
			"values", "properties", "context", "rawRequest", "content", "pretty", "form-submissions", "lead", "value", "callerphone", "email_addresses",
			"customer", "billing_address", "meta", "sender", "questions_and_answers", "1.3", "2"} {
			texts = append(texts, `{"phone":"+79161234567","`+key+`":`+odd+`}`) // must stay a lead
		}
		for _, nested := range []string{`{"form_response":{"answers":[%]}}`, `{"form_response":{"answers":[{"type":%,"field":%}],"hidden":%,"variables":%,"definition":%,"calculated":%}}`,
			`{"payload":{"data":{"name":%},"name":%}}`, `{"field_data":[%]}`, `{"field_data":[{"name":%,"values":%}]}`,
			`{"fields":[{"name":%,"value":%,"objectTypeId":%}],"context":%}`, `{"properties":{"firstname":%},"form-submissions":%}`,
			`{"form-submissions":[%],"properties":{}}`, `{"rawRequest":{"q3_name":%,"q4_phone":{"full":%},"q5_phone":{"area":%,"phone":%}}}`,
			`{"rawRequest":{"q3_name":{"first":%},"q4_date":{"year":%,"month":1,"day":1}}}`, `{"answers":{"1":%}}`,
			`{"answers":{"1":{"type":%,"text":%,"name":%,"answer":%}}}`, `{"answers":{"1":{"type":"control_fullname","answer":%,"text":%}}}`,
			`{"fields":{"a":%},"meta":{"b":%},"form":%}`, `{"fields":{"a":{"type":%,"title":%,"value":%}},"meta":%}`,
			`{"fields[a][value]":%,"fields[a]":%,"fields[]":%}`, `{"form_fields":{"a":%}}`, `{"data":{"fields":[%]}}`, `{"data":{"fields":[{"key":%,"label":%,"type":%,"value":%,"options":%}],"formName":%}}`,
			`{"data":{"fields":[{"label":"a","type":"MATRIX","value":{"a":%},"rows":[{"id":%,"text":%}]}]}}`, `{"callerphone":%,"phonenumber":%}`, `{"1.3":%,"1.6":%,"2":%}`,
			`{"payload":{"email":%,"questions_and_answers":[%],"tracking":%,"scheduled_event":%}}`, `{"payload":{"questions_and_answers":[{"question":%,"answer":%}]}}`,
			`{"data":{"email_addresses":[%],"phone_numbers":%,"primary_email_address_id":%}}`, `{"data":{"email_addresses":[{"email_address":%}],"phone_numbers":[{"phone_number":%}]}}`,
			`{"meta":{"sender":%},"sender":%}`, `{"meta":{"sender":{"name":%,"additional_attributes":%,"custom_attributes":%}},"content":%,"inbox":%}`,
			`{"email":%,"customer":%,"billing_address":%,"line_items":[%],"note_attributes":[%]}`, `{"customer":{"email":%},"line_items":[{"title":%}],"note_attributes":[{"name":%,"value":%}]}`,
			`{"data":{"data":%}}`, `{"data":{"data":{"createdEvent":{"entity":%}}}}`, `{"data":{"data":{"createdEvent":{"entity":{"submissions":%,"info":%}}}}}`, `{"data":{"data":{"createdEvent":{"entity":{"info":{"name":%,"emails":%,"phones":{"items":[%]}}}}}}}`, `[%]`, `[{"name":%,"value":%}]`} {
			texts = append(texts, strings.ReplaceAll(nested, "%", odd))
		}
	}
	for _, name := range presetNames() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			transformer, err := New(Options{PhoneRegion: "RU", Mapping: "preset:" + name})
			if err != nil {
				t.Fatal(err)
			}
			for _, text := range texts {
				event, err := transformer.Decode(Record{Value: []byte(text)})
				if err == nil {
					_, err = transformer.Contact(event)
				}
				r, rejected := errors.AsType[*Rejection](err)
				if rejected && (r.Reason == ReasonMappingFailed || strings.HasPrefix(text, `{"phone"`)) {
					t.Errorf("%s: %v", text, err)
				}
			}
		})
	}
}

func oddValues() []string {
	return []string{"null", "true", "false", "0", `""`, `"x"`, "[]", "{}", `[null]`, `[[1]]`, `{"a":null}`, `{"":""}`, `{"first":[]}`}
}

func FuzzPresets(f *testing.F) {
	inputs, err := filepath.Glob("testdata/forms/*/*.input.json")
	if err != nil {
		f.Fatal(err)
	}
	for _, input := range inputs {
		text, err := os.ReadFile(input)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	var transformers []*Transformer
	for _, name := range presetNames() {
		transformer, err := New(Options{PhoneRegion: "RU", Mapping: "preset:" + name})
		if err != nil {
			f.Fatal(err)
		}
		transformers = append(transformers, transformer)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		for i, transformer := range transformers {
			event, err := transformer.Decode(Record{Value: text})
			if err == nil {
				_, err = transformer.Contact(event)
			}
			if r, ok := errors.AsType[*Rejection](err); ok && r.Reason == ReasonMappingFailed {
				t.Errorf("%s: %v", presetNames()[i], err)
			}
		}
	})
}

func BenchmarkPresets(b *testing.B) {
	for _, name := range presetNames() {
		inputs, err := filepath.Glob(filepath.Join("testdata/forms", name, "*.input.json"))
		if err != nil || len(inputs) == 0 {
			b.Fatal(err)
		}
		text, err := os.ReadFile(inputs[0])
		if err != nil {
			b.Fatal(err)
		}
		transformer, err := New(Options{PhoneRegion: "RU", Mapping: "preset:" + name})
		if err != nil {
			b.Fatal(err)
		}
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				event, err := transformer.Decode(Record{Value: text})
				if err != nil {
					b.Fatal(err)
				}
				if _, err := transformer.Contact(event); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
