package vibe

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// portalFields are the fields that a portal lists: one for each name, read-only behind a "-".
func portalFields(t *testing.T, names ...string) Fields {
	t.Helper()
	var list []string
	for _, name := range names {
		name, readOnly := strings.CutPrefix(name, "-")
		flag := "false"
		if readOnly {
			flag = "true"
		}
		list = append(list, `"`+name+`":{"type":"string","isReadOnly":`+flag+`}`)
	}
	f, err := data(`{"fields":{` + strings.Join(list, ",") + `}}`).Fields()
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestFields(t *testing.T) {
	f := portalFields(t, "name", "-lastName", "ufCrm_X")
	for name, want := range map[string][2]bool{
		"name": {true, true}, "lastName": {true, false}, "UF_CRM_X": {true, true}, "ufcrmx": {true, true}, "Name": {}, "phone": {},
	} {
		if f.Lists(name) != want[0] || f.Writable(name) != want[1] {
			t.Errorf("%s: listed %v, writable %v", name, f.Lists(name), f.Writable(name))
		}
	}
	if f.Spelling("UF_CRM_X") != "ufCrm_X" || f.Spelling("phone") != "" {
		t.Errorf("spelled %q, %q", f.Spelling("UF_CRM_X"), f.Spelling("phone"))
	}
	if got := f.Missing(Contacts); len(got) != len(contactFields)-1 || got[0] != "lastName" {
		t.Errorf("missing: %v", got)
	}
	for _, text := range []string{`{}`, `{"fields":{}}`, `{"fields":[]}`, `[]`, ``, `{"fields":{"name":1}}`} {
		if _, err := data(text).Fields(); err == nil {
			t.Errorf("%s: no error", text)
		}
	}
}

func TestContactBody(t *testing.T) {
	yes := true
	phones := []Multifield{{Value: "+7", TypeID: "WORK"}}
	c := Contact{
		Name: "Ivan", Phones: phones, CompanyID: 7, Opened: &yes, UTMSource: "ads",
		UserFields: map[string]any{"name": "Petr", "ufCrm_X": 1.5, "post": "Boss"},
	}
	want := Body{"name": "Ivan", "phone": phones, "companyId": int64(7), "opened": true, "utmSource": "ads", "ufCrm_X": 1.5, "post": "Boss"}
	if diff := cmp.Diff(want, c.Body()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if c.UserFields["name"] != "Petr" || len(c.UserFields) != 3 {
		t.Errorf("the contact has changed: %v", c.UserFields)
	}
	if b := (Contact{}).Body(); len(b) != 0 {
		t.Errorf("of nothing: %v", b)
	}
}

func TestFit(t *testing.T) {
	phones := []Multifield{{Value: "+7", TypeID: "WORK"}, {Value: "+8", TypeID: "HOME"}}
	for name, test := range map[string]struct {
		fields []string
		given  Body
		want   Body
		moved  string
	}{
		"nothing to move": {[]string{"name", "comments"}, Body{"name": "Ivan", "comments": "c"}, Body{"name": "Ivan", "comments": "c"}, ""},
		"behind comments": {[]string{"name"}, Body{"utmSource": "ads", "post": "Boss", "name": "Ivan", "comments": "c"},
			Body{"name": "Ivan", "comments": "c\npost: Boss\nWhere the visit came from:\nutm_source: ads"}, "post"},
		"read-only":          {[]string{"-post"}, Body{"post": "Boss"}, Body{"comments": "post: Boss"}, "post"},
		"phones stay":        {[]string{"name"}, Body{"phone": phones}, Body{"phone": phones, "comments": "phone: +7, +8"}, "phone"},
		"no words":           {[]string{"name"}, Body{"ufCrm_X": nil, "ufCrm_Y": []any{nil, ""}}, Body{}, "ufCrm_X ufCrm_Y"},
		"values of any kind": {[]string{"name"}, Body{"a": 1.5, "b": true, "c": []any{"x", 2.0}, "d": int64(3)}, Body{"comments": "a: 1.5\nb: true\nc: x, 2\nd: 3"}, "a b c d"},
	} {
		moved := portalFields(t, test.fields...).Fit(test.given)
		if diff := cmp.Diff(test.want, test.given); diff != "" || strings.Join(moved, " ") != test.moved {
			t.Errorf("%s: moved %v (-want +got):\n%s", name, moved, diff)
		}
	}
}

// Tracking values go to the portal's own fields, else to user fields of ours, else to a block of the comments.
func TestFitTracking(t *testing.T) {
	tracking := map[string]string{"gclid": "Cj0", "_ym_uid": "16", "utm_id": "7"}
	for name, test := range map[string]struct {
		fields []string
		given  Contact
		want   Body
	}{
		"native": {[]string{"utmSource"}, Contact{UTMSource: "ads"}, Body{"utmSource": "ads"}},
		"user fields": {[]string{"UF_CRM_LEADBRIDGE_UTM_SOURCE", "ufCrm_LEADBRIDGE_YM_UID", "UF_CRM_LEADBRIDGE_GCLID", "ufCrmLeadbridgeUtmId"},
			Contact{UTMSource: "ads", Tracking: tracking},
			Body{"UF_CRM_LEADBRIDGE_UTM_SOURCE": "ads", "ufCrm_LEADBRIDGE_YM_UID": "16", "UF_CRM_LEADBRIDGE_GCLID": "Cj0", "ufCrmLeadbridgeUtmId": "7"}},
		"native before ours": {[]string{"utmSource", "UF_CRM_LEADBRIDGE_UTM_SOURCE"}, Contact{UTMSource: "ads"}, Body{"utmSource": "ads"}},
		"read-only":          {[]string{"-UF_CRM_LEADBRIDGE_GCLID"}, Contact{Tracking: map[string]string{"gclid": "Cj0"}}, Body{"comments": "Where the visit came from:\ngclid: Cj0"}},
		"some": {[]string{"comments", "UF_CRM_LEADBRIDGE_GCLID"}, Contact{UTMTerm: "tea", Comments: "call me", Tracking: tracking},
			Body{"comments": "call me\nWhere the visit came from:\n_ym_uid: 16\nutm_id: 7\nutm_term: tea", "UF_CRM_LEADBRIDGE_GCLID": "Cj0"}},
		"the event's own": {[]string{"UF_CRM_LEADBRIDGE_GCLID"}, Contact{UserFields: map[string]any{"UF_CRM_LEADBRIDGE_GCLID": "mine"}, Tracking: map[string]string{"gclid": "Cj0"}},
			Body{"UF_CRM_LEADBRIDGE_GCLID": "mine", "comments": "Where the visit came from:\ngclid: Cj0"}},
	} {
		got := test.given.Body()
		moved := portalFields(t, test.fields...).Fit(got)
		if diff := cmp.Diff(test.want, got); diff != "" || len(moved) > 0 {
			t.Errorf("%s: moved %v (-want +got):\n%s", name, moved, diff)
		}
	}
	if len(tracking) != 3 {
		t.Errorf("the contact was changed: %v", tracking)
	}
}

// A title in front of a name becomes the portal's own id for it, where it lists one.
func TestFitHonorific(t *testing.T) {
	rows := []Row{Row(`{"entityId":"HONORIFIC","statusId":"HNR_EN_1","name":"Mr."}`), Row(`{"entityId":"HONORIFIC","statusId":"HNR_RU_2","name":"г-жа"}`),
		Row(`{"statusId":"HNR_DE_2","name":"Frau"}`), Row(`{"entityId":"SOURCE","statusId":"DR","name":"Dr"}`), Row(`{"statusId":"HNR_X"}`), Row(`[]`)}
	for name, test := range map[string]struct {
		fields []string
		given  Contact
		want   Body
	}{
		"the same":          {[]string{"honorific"}, Contact{Salutation: "Mr."}, Body{"honorific": "HNR_EN_1"}},
		"without a dot":     {[]string{"honorific"}, Contact{Salutation: "MR"}, Body{"honorific": "HNR_EN_1"}},
		"in full":           {[]string{"honorific"}, Contact{Salutation: "Госпожа"}, Body{"honorific": "HNR_RU_2"}},
		"German":            {[]string{"honorific"}, Contact{Salutation: "Frau"}, Body{"honorific": "HNR_DE_2"}},
		"not in the list":   {[]string{"honorific"}, Contact{Salutation: "Prof."}, Body{}},
		"of another list":   {[]string{"honorific"}, Contact{Salutation: "Dr"}, Body{}},
		"not in the portal": {[]string{"name"}, Contact{Salutation: "Mr"}, Body{}},
		"the event's name":  {[]string{"honorific"}, Contact{Honorific: "frau", Salutation: "Mr"}, Body{"honorific": "HNR_DE_2"}},
		"the event's id":    {[]string{"honorific"}, Contact{Honorific: "HNR_EN_9", Salutation: "Mr"}, Body{"honorific": "HNR_EN_9"}},
		"signs alone":       {[]string{"honorific"}, Contact{Salutation: "..."}, Body{}},
	} {
		got := test.given.Body()
		fields := portalFields(t, test.fields...)
		if lacks := fields.LacksHonorifics(); lacks != (test.fields[0] == "honorific") || fields.WithHonorifics(nil).LacksHonorifics() {
			t.Errorf("%s: lacks the list: %t", name, lacks)
		}
		fields.WithHonorifics(rows).Fit(got)
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}
