package vibe

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestIDFieldNames(t *testing.T) {
	for _, test := range []struct {
		name, field string
		tag         bool
		selected    string
	}{
		{"none", "sourceDescription", true, "id sourceDescription"},
		{"originId", "originId", false, "id originId originatorId"},
		{"ufCrm_X", "ufCrm_X", false, "id ufCrm_X"},
	} {
		f := ParseIDField(test.name)
		if f.String() != test.name || f.Field() != test.field || f.IsTag() != test.tag || strings.Join(f.Select(), " ") != test.selected {
			t.Errorf("%s: %q, %q, %v, %v", test.name, f, f.Field(), f.IsTag(), f.Select())
		}
	}
	for name, want := range map[string]bool{
		"none": true, "originId": true, "ufCrm_X": true, "UF_CRM_X": true, "": false, "name": false, "originatorId": false,
		"UF_CRM_" + strings.Repeat("x", 100): false,
	} {
		if ValidIDField(name) != want {
			t.Errorf("%q is valid: %v", name, !want)
		}
	}
	if !SameField("UF_CRM_A_B", "ufCrmAb") || SameField("name", "Name") || !SameField("name", "name") || SameField("UF_CRM_A", "UF_CRM_B") {
		t.Error("spellings")
	}
}

// What Mark writes is what Identify reads and Carries finds.
func TestMarkedContactIsFound(t *testing.T) {
	native, noOwner := portalFields(t, "originId", "originatorId"), portalFields(t, "originId")
	for name, test := range map[string]struct {
		field  IDField
		fields Fields
		given  Body
		want   Body
	}{
		"native":         {ParseIDField("originId"), native, Body{}, Body{"originId": "lb-1", "originatorId": "us"}},
		"without owner":  {ParseIDField("originId"), noOwner, Body{}, Body{"originId": "lb-1"}},
		"user field":     {ParseIDField("ufCrm_X"), native, Body{"name": "a"}, Body{"name": "a", "ufCrm_X": "lb-1"}},
		"tag":            {IDField{}, native, Body{}, Body{"sourceDescription": "[us:lb-1]"}},
		"tag behind one": {IDField{}, native, Body{"sourceDescription": "form"}, Body{"sourceDescription": "form [us:lb-1]"}},
	} {
		test.field.Mark(test.given, test.fields, "us", "lb-1")
		if diff := cmp.Diff(test.want, test.given); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		test.given["id"] = 7
		text, err := json.Marshal(test.given)
		if err != nil {
			t.Fatal(err)
		}
		id, marks := test.field.Identify(Row(text))
		if id != 7 || marks.Missing() || !test.field.Carries(marks, "us", "lb-1") || test.field.Carries(marks, "us", "lb-") {
			t.Errorf("%s: %d, %q", name, id, marks.Text())
		}
	}
}

func TestIdentify(t *testing.T) {
	native, user := ParseIDField("originId"), ParseIDField("ufCrm_X")
	for _, test := range []struct {
		field   IDField
		row     string
		id      int64
		text    string
		carries bool
		missing bool
	}{
		{native, `{"id":7,"originId":"lb-1"}`, 7, "lb-1", true, false},
		{native, `{"id":"7","originId":"lb-1","originatorId":""}`, 7, "lb-1", true, false},
		{native, `{"id":7,"originId":"lb-1","originatorId":"them"}`, 7, "lb-1", false, false},
		{native, `{"id":7,"originId":"LB-1"}`, 7, "LB-1", false, false},
		{native, `{"id":7,"originId":null}`, 7, "", false, false},
		{native, `{"id":7}`, 7, "", false, true},
		{native, `{"originId":"lb-1"}`, 0, "lb-1", true, false},
		{native, `{"id":-1}`, 0, "", false, true},
		{native, `{"id":1.5}`, 0, "", false, true},
		{native, `{"id":1e30}`, 0, "", false, true},
		{native, `[]`, 0, "", false, true},
		{user, `{"id":7,"UF_CRM_X":["lb-1"],"originatorId":"them"}`, 7, "lb-1", true, false},
		{user, `{"id":7,"ufCrmX":"lb-1"}`, 7, "lb-1", true, false},
		{IDField{}, `{"id":7,"sourceDescription":"form [us:lb-1]"}`, 7, "form [us:lb-1]", true, false},
		{IDField{}, `{"id":7,"sourceDescription":"[them:lb-1] [us:lb-10]"}`, 7, "[them:lb-1] [us:lb-10]", false, false},
	} {
		id, marks := test.field.Identify(Row(test.row))
		if id != test.id || marks.Text() != test.text || test.field.Carries(marks, "us", "lb-1") != test.carries || marks.Missing() != test.missing {
			t.Errorf("%s by %v: %d, %q, carries %v, missing %v", test.row, test.field, id, marks.Text(), !test.carries, marks.Missing())
		}
	}
}
