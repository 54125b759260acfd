package transform

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leadbridge/leadbridge/crmclient"
)

// gateEvent is a record as the gate writes it.
func gateEvent(data string, attributes ...string) Record {
	value := `{"specversion":"1.0","id":"1","source":"/hooks/form","type":"t"`
	for i := 0; i+1 < len(attributes); i += 2 {
		value += `,"` + attributes[i] + `":` + string(appendText(nil, attributes[i+1]))
	}
	return Record{Topic: "leads", Value: []byte(value + `,"data":` + data + "}")}
}

func contactOfRecord(t *testing.T, o Options, r Record) (crmclient.Contact, error) {
	t.Helper()
	tr, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	e, err := tr.Decode(r)
	if err != nil {
		return crmclient.Contact{}, err
	}
	return tr.Contact(e)
}

// TestFieldsWithRights: what an event from the gate may not say goes to the comments, each of the
// fields; what its source or a mapping allows counts, and an event from elsewhere may say all.
func TestFieldsWithRights(t *testing.T) {
	t.Parallel()
	values := map[string]string{
		"assignedById": "7", "companyId": "7", "leadId": "7", "typeId": `"CLIENT"`, "sourceId": `"CALL"`, "sourceDescription": `"Spring"`,
		"opened": "true", "honorific": `"HNR_RU_1"`, "ufCrm_CITY": `"Omsk"`, "UF_CRM_DEBT": "5",
	}
	for _, name := range FieldsWithRights() {
		if values[name] == "" {
			t.Errorf("%s is not tried", name)
		}
	}
	plain, _ := json.Marshal(crmclient.Contact{Emails: pointEmails})
	for name, value := range values {
		data := `{` + point + `,"` + name + `":` + value + `}`
		for what, c := range map[string]struct {
			record  Record
			mapping string
			counts  bool
		}{
			"elsewhere":                {gateEvent(data), "", true},
			"gate":                     {gateEvent(data, AttributeAllowed, ""), "", false},
			"gate, others allowed":     {gateEvent(data, AttributeAllowed, "phone,ufCrm_OTHER,x"), "", false},
			"gate, allowed":            {gateEvent(data, AttributeAllowed, "a, "+name), "", true},
			"gate, mapped as it is":    {gateEvent(data, AttributeAllowed, ""), ".", false},
			"gate, mapping names it":   {gateEvent(data, AttributeAllowed, ""), `. + {` + name + `: ` + value + `}`, true},
			"gate, mapping computes":   {gateEvent(data, AttributeAllowed, ""), `with_entries(.key |= "" + .)`, false},
			"elsewhere, mapped, as is": {gateEvent(data), ".", true},
		} {
			got, err := contactOfRecord(t, Options{Mapping: c.mapping}, c.record)
			if err != nil {
				t.Fatalf("%s of %s: %v", name, what, err)
			}
			noted := strings.HasPrefix(got.Comments, name+": ")
			got.Comments = ""
			text, _ := json.Marshal(got)
			if noted == c.counts || (string(text) == string(plain)) == c.counts {
				t.Errorf("%s of %s: %s, noted %t; counts: want %t", name, what, text, noted, c.counts)
			}
		}
	}
	// A user field has two spellings, and is one field.
	if got, err := contactOfRecord(t, Options{}, gateEvent(`{`+point+`,"UF_CRM_CITY":"Omsk"}`, AttributeAllowed, "ufCrm_CITY")); err != nil || len(got.UserFields) != 1 {
		t.Errorf("%v %v", got, err)
	}
}

// TestExplainTellsOfRights shows people why a field does not count.
func TestExplainTellsOfRights(t *testing.T) {
	t.Parallel()
	tr, err := New(Options{})
	if err != nil {
		t.Fatal(err)
	}
	e, err := tr.Decode(gateEvent(`{`+point+`,"assignedById":7}`, AttributeAllowed, ""))
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range tr.Explain(e).Steps {
		if s.Key == "assignedById" && s.Outcome == OutcomeComments && strings.Contains(s.Why.String(), "allow") {
			return
		}
	}
	t.Errorf("%+v", tr.Explain(e).Steps)
}

func TestRightsNamedBy(t *testing.T) {
	t.Parallel()
	for program, want := range map[string][]string{
		".":                                   nil,
		`. + {assignedById: 7, "ufCrm_A": 1}`: {"assignedById", "ufCrm_A"},
		".companyId |= tonumber | .companyId": {"companyId"},
		"{lead_id: .leadIdentity}":            nil,
		"preset:webflow":                      nil,
		"preset:nobody":                       nil,
	} {
		if diff := cmp.Diff(want, RightsNamedBy(program)); diff != "" {
			t.Errorf("%s: %s", program, diff)
		}
	}
}

// TestUnmapped is an event that the gate's mapping failed on.
func TestUnmapped(t *testing.T) {
	t.Parallel()
	for _, data := range []string{`{` + point + `}`, `[1]`} {
		for _, mapping := range []string{"", "."} {
			_, err := contactOfRecord(t, Options{Mapping: mapping}, gateEvent(data, AttributeUnmapped, "the mapping runs too long"))
			if r, ok := errors.AsType[*Rejection](err); !ok || r.Reason != ReasonMappingFailed || r.Message != "the mapping runs too long" {
				t.Errorf("%s: %v", data, err)
			}
		}
	}
}

// TestPresetsLoseNothing: a preset never leaves an event out, whatever its shape.
func TestPresetsLoseNothing(t *testing.T) {
	t.Parallel()
	for _, name := range presetNames() {
		for _, value := range []string{`{}`, `{"payload":[]}`, `{"form_response":{}}`, `{"fields":[]}`, `{"rawRequest":""}`, `{"field_data":[]}`, `{"data":null}`} {
			_, err := contactOfRecord(t, Options{Mapping: presetPrefix + name}, Record{Topic: "leads", Value: []byte(value)})
			if reasonOf(err) == ReasonSkipped {
				t.Errorf("%s leaves %s out", name, value)
			}
		}
	}
}
