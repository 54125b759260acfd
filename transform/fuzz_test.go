package transform

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/leadbridge/leadbridge/crmclient"
)

// FuzzDecode drives a record through Decode, Contact and Redact: whatever it
// holds ends as a contact or as a *Rejection, with an identity.
func FuzzDecode(f *testing.F) {
	for _, seed := range []struct{ value, header, text string }{
		{`{"name":"Иван Петров","phone":"8 916 123-45-67","utm":{"source":"s"},"ufCrm_1":[1,"a"]}`, "webhook-id", "w1"},
		{`{"specversion":"1.0","id":"1","source":"/f","data":{"email":"a@example.com","name":{"first":"I","last":"P"}}}`, "content-type", "application/cloudevents+json"},
		{`{"specversion":"1.0","data_base64":"e30="}`, "dlt-original-timestamp", "2026-01-01T00:00:00Z"},
		{`{"data":"{\"tel-1\":[{\"VALUE\":\"+79161234567\",\"VALUE_TYPE\":\"WORK\"}]}"}`, "CE_ID", "+79161234567"},
		{"\xEF\xBB\xBF{\"a\":\"\\ud800\\u0000\xff\",\"a\":[[[{}]]],\"companyId\":1e400,\"opened\":\"да\"}", "dlt-event-id", "x y"},
		{`[1,2.5e-3,null,true,"x"]`, "dlt-replays", "-1"},
		{"\x00\xff", "", ""},
	} {
		f.Add([]byte(seed.value), seed.header, seed.text)
	}
	plainWay := newTransformer(f, Options{SourceID: "WEB"})
	mapped := newTransformer(f, Options{Mapping: `if type == "object" then . else {email: "a@example.com", all: .} end`})
	f.Fuzz(func(t *testing.T, value []byte, header, text string) {
		r := record(string(value), header, text)
		fuzzOne(t, plainWay, r)
		fuzzOne(t, mapped, r)
	})
}

func fuzzOne(t *testing.T, tr *Transformer, r Record) {
	e, err := tr.Decode(r)
	checkIdentity(t, e, r)
	if err != nil {
		checkRejection(t, err)
		return
	}
	c, err := tr.Contact(e)
	if err != nil {
		checkRejection(t, err)
	} else {
		checkContact(t, c)
	}
	again, _ := tr.Decode(r)
	if again.ID != e.ID {
		t.Errorf("two ids of one record: %q, %q", e.ID, again.ID)
	}
	if got := Redact(c.Name+" "+c.LastName, e, c); utf8.RuneCountInString(c.Name) >= minSecret && strings.Contains(strings.ToLower(got), strings.ToLower(c.Name)) && !strings.Contains(c.Name, "*") {
		t.Errorf("%q shows the name %q", got, c.Name)
	}
}

func checkIdentity(t *testing.T, e Event, r Record) {
	t.Helper()
	if !originIDForm.MatchString(e.OriginID) {
		t.Errorf("OriginID %q", e.OriginID)
	}
	if strings.EqualFold(r.Headers[0].Key, "dlt-event-id") {
		return // stands as it is
	}
	scheme, rest, _ := strings.Cut(e.ID, ":")
	if (scheme != "ce" && scheme != "id" && scheme != "rec") || strings.ContainsAny(rest, "@\x00\n") && scheme != "rec" || len(e.ID) > 700 {
		t.Errorf("ID %q", e.ID)
	}
}

func checkRejection(t *testing.T, err error) {
	t.Helper()
	switch reasonOf(err) {
	case ReasonMalformed, ReasonTooLarge, ReasonMappingFailed, ReasonNoContactPoint:
	default:
		t.Errorf("err = %v", err)
	}
}

func checkContact(t *testing.T, c crmclient.Contact) {
	t.Helper()
	if len(c.Phones)+len(c.Emails) == 0 {
		t.Error("no contact point")
	}
	for _, s := range []string{c.Name, c.LastName, c.SecondName, c.Post, c.Honorific, c.TypeID, c.SourceID, c.SourceDescription, c.UTMSource} {
		if !utf8.ValidString(s) || strings.ContainsFunc(s, unicode.IsControl) {
			t.Errorf("field %q", s)
		}
	}
	if !utf8.ValidString(c.Comments) || strings.ContainsFunc(c.Comments, func(r rune) bool { return unicode.IsControl(r) && r != '\n' && r != '\t' }) {
		t.Errorf("comments %q", c.Comments)
	}
	if n := utf8.RuneCountInString(c.Comments); n > maxComments {
		t.Errorf("%d characters of comments", n)
	}
	if _, err := json.Marshal(c.UserFields); err != nil {
		t.Errorf("user fields: %v", err)
	}
}
