package transform

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leadbridge/leadbridge/crmclient"
)

// valuesOf are the values of a contact as steps tell them: field and value, but for the
// comments, which are gathered from many.
func valuesOf(c crmclient.Contact) []string {
	var all []string
	add := func(field, value string) {
		if value != "" {
			all = append(all, field+"="+value)
		}
	}
	addID := func(field string, id int64) {
		if id != 0 {
			add(field, strconv.FormatInt(id, 10))
		}
	}
	add("name", c.Name)
	add("secondName", c.SecondName)
	add("lastName", c.LastName)
	for _, p := range c.Phones {
		add("phone", p.Value)
	}
	for _, e := range c.Emails {
		add("email", e.Value)
	}
	for f := range fieldCount {
		if name, value := textFieldOf(&c, f); name != "" {
			add(name, value)
		}
	}
	addID("companyId", c.CompanyID)
	addID("assignedById", c.AssignedByID)
	addID("leadId", c.LeadID)
	if c.Opened != nil {
		add("opened", strconv.FormatBool(*c.Opened))
	}
	for name, value := range c.UserFields {
		add(name, inputText(value))
	}
	for name, value := range c.Tracking {
		add("tracking."+name, value)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// toldBy are the same values, as an explanation tells them.
func toldBy(x Explanation) []string {
	var all []string
	for _, s := range x.Steps {
		if s.Field != "" && s.Field != "comments" && s.Field != "region" && s.Value != "" {
			all = append(all, s.Field+"="+s.Value)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// checkExplanation fails when an explanation and Contact disagree.
func checkExplanation(t *testing.T, by *Transformer, e Event) {
	t.Helper()
	contact, err := by.Contact(e)
	x := by.Explain(e)
	if diff := cmp.Diff(contact, x.Contact); diff != "" {
		t.Errorf("contact (-Contact +Explain):\n%s", diff)
	}
	want, _ := errors.AsType[*Rejection](err)
	got, _ := errors.AsType[*Rejection](x.Err)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("rejection (-Contact +Explain):\n%s", diff)
	}
	if diff := cmp.Diff(valuesOf(contact), toldBy(x)); diff != "" {
		t.Errorf("values (-Contact +Explain):\n%s\n%+v", diff, x.Steps)
	}
	for _, s := range x.Steps {
		if s.Field == "comments" && !strings.Contains(contact.Comments, s.Value) && len(contact.Comments) < maxComments/2 {
			t.Errorf("comments %q have no %q", contact.Comments, s.Value)
		}
		if s.Outcome == "" {
			t.Errorf("a step without an outcome: %+v", s)
		}
	}
}

// TestExplainAgreesWithContact explains every input of the form builders.
func TestExplainAgreesWithContact(t *testing.T) {
	t.Parallel()
	inputs, err := filepath.Glob("testdata/forms/*/*.input.json")
	if err != nil || len(inputs) < 20 {
		t.Fatalf("%d inputs, %v", len(inputs), err)
	}
	for _, input := range inputs {
		value, err := os.ReadFile(input)
		if err != nil {
			t.Fatal(err)
		}
		o := Options{SourceID: "WEB"}
		if builder := filepath.Base(filepath.Dir(input)); slices.Contains(presetNames(), builder) {
			o.Mapping = "preset:" + builder
		}
		by, err := New(o)
		if err != nil {
			t.Fatal(err)
		}
		e, err := by.Decode(Record{Topic: "leads", Value: value})
		if err != nil {
			continue
		}
		t.Run(input, func(t *testing.T) { checkExplanation(t, by, e) })
	}
}

// TestExplain tells each kind of way once.
func TestExplain(t *testing.T) {
	t.Parallel()
	by, err := New(Options{SourceID: "WEB"})
	if err != nil {
		t.Fatal(err)
	}
	e, err := by.Decode(Record{Value: []byte(`{"name":"Petrov Ivan","phones":["+79161234567","8 916 765-43-21","12"],"email":"Ivan@Company.RU",
		"budget":5000,"companyId":"7","opened":"perhaps","post":" Head ","ufCrm_A":"x","utm":{"source":"ads"},"country":"ru","message":"hello","company":"Acme"}`)})
	if err != nil {
		t.Fatal(err)
	}
	checkExplanation(t, by, e)
	type way struct {
		Field, Input, Value string
		Outcome             Outcome
	}
	var got []way
	for _, s := range by.Explain(e).Steps {
		got = append(got, way{s.Field, s.Input, s.Value, s.Outcome})
	}
	want := []way{
		{"name", "Petrov Ivan", "Ivan", OutcomeNormalised},
		{"lastName", "Petrov Ivan", "Petrov", OutcomeNormalised},
		{"phone", "+79161234567", "+79161234567", OutcomeKept},
		{"phone", "8 916 765-43-21", "+79167654321", OutcomeNormalised},
		{"", "12", "", OutcomeUnusable},
		{"email", "Ivan@Company.RU", "ivan@company.ru", OutcomeNormalised},
		{"", "5000", "", OutcomeComments},
		{"companyId", "7", "7", OutcomeKept},
		{"", "perhaps", "", OutcomeComments},
		{"post", " Head ", "Head", OutcomeNormalised},
		{"ufCrm_A", "x", "x", OutcomeKept},
		{"utmSource", "ads", "ads", OutcomeKept},
		{"region", "ru", "RU", OutcomeNormalised},
		{"comments", "hello", "hello", OutcomeKept},
		{"", "Acme", "", OutcomeComments},
		{"sourceId", "", "WEB", OutcomeDefault},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("ways (-want +got):\n%s", diff)
	}
}

// FuzzExplain looks for an event of which Explain and Contact tell different things.
func FuzzExplain(f *testing.F) {
	for _, seed := range []string{
		`{"name":"Ivanov Ivan Petrovich","fullName":"Petrov","phone":"8 (916) 123-45-67, 12"}`,
		`{"name":{"first":"A","last":"B","x":1},"tel-1":["1",{"value":"+79161234567","type":"home"}],"email":"a@b.ru"}`,
		`{"ufCrm_A":[1,"",[2]],"ufCrm_A":"","UF_CRM_B":{},"utm":"x","utm_source":1,"opened":1,"company":"a","companyId":2,"leadId":0,"ufCrm_C":0,"ufCrm_D":[],"ufCrm_D":["",""],"ufCrm_E":["",""],"ufCrm_F":""}`,
		`{"firstName":"A","name":"A B","lastName":"B","surname":"C","comment":["a","b"],"note":"","country":"kz","post":["a",{}]}`,
		`{"contact":{"name":"Mr A, CEO","phone":"98765 43210","country":"India"},"answers":[{"q":"Телефон","a":"+79161234567"},{"label":null,"type":"email","value":"a@b.ru"}],"agent":{"email":"x@y.ru"}}`,
		`{"lead[phone]":"1","data":"{\"client\":{\"email\":\"a@b.ru\",\"ufCrm_1\":[1]}}","fields":{"f1":{"name":"x","value":{"label":"y"}}},"address":{"country":"XX"},"campaign":{"name":"n"}}`,
	} {
		f.Add([]byte(seed))
	}
	by, err := New(Options{SourceID: "WEB"})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, value []byte) {
		e, err := by.Decode(Record{Topic: "leads", Value: value})
		if err != nil {
			return
		}
		checkExplanation(t, by, e)
	})
}
