//go:build attack

package attack

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/leadbridge/leadbridge/crmclient/crmtest"
)

// TestFieldsWithRights: a public form assigns nothing, links nothing and writes no user field; what a source
// allows and a mapping sets does. The field for our id is ours in every spelling.
func TestFieldsWithRights(t *testing.T) {
	t.Parallel()
	r := newRig(t, crmtest.Options{ExistingUserField: true, ExistingFields: []string{"UF_CRM_CITY", "UF_CRM_DEBT"}})
	gate, service := r.startGate(sources, nil), r.startService(nil)
	const forged = "lb-ffffffffffffffffffffffffffffffffffffffff"
	rights := `"assignedById":7,"companyId":8,"leadId":9,"typeId":"CLIENT","sourceId":"CALL","sourceDescription":"x","opened":true,"honorific":"HNR",` +
		`"ufCrm_CITY":"Omsk","UF_CRM_DEBT":"5","UF_CRM_LEADBRIDGE_EVENT_ID":"` + forged + `"`
	for source, email := range map[string]string{"form": "form@example.com", "allowed": "allowed@example.com", "mapped": "mapped@example.com"} {
		if a := send(t, "POST", gate.url+"/hooks/"+source, `{"email":"`+email+`",`+rights+`}`); a.status != 202 {
			t.Fatalf("%s: %d %s", source, a.status, a.body)
		}
	}
	r.produce("leads", `{"email":"kafka@example.com","lead_id":9,"company_id":8,"source_id":"CALL","leadId":6}`)
	r.delivered(service)
	got := map[string]map[string]string{}
	for _, c := range r.crm.Contacts() {
		fields := map[string]string{}
		for _, name := range []string{"assignedById", "companyId", "leadId", "UF_CRM_CITY", "UF_CRM_DEBT"} {
			if v := c.Get(name); v != nil && fmt.Sprint(v) != "" {
				fields[name] = fmt.Sprint(v)
			}
		}
		got[c.Emails()[0].Value] = fields
		if c.OriginID() == forged || strings.Contains(fmt.Sprint(c.Get("UF_CRM_LEADBRIDGE_EVENT_ID")), "ffffffff") {
			t.Errorf("%s carries the attacker's id", c.Emails()[0].Value)
		}
		if email := c.Emails()[0].Value; email == "form@example.com" && !strings.Contains(c.Text("comments"), "assignedById: 7") {
			t.Errorf("the form's fields are not in the comments: %q", c.Text("comments"))
		}
	}
	for email, want := range map[string]map[string]string{
		"form@example.com":    {},
		"allowed@example.com": {"assignedById": "7", "UF_CRM_CITY": "Omsk"},
		"mapped@example.com":  {"companyId": "5"},
		"kafka@example.com":   {"leadId": "6"},
	} {
		for _, name := range []string{"companyId", "leadId", "UF_CRM_CITY", "UF_CRM_DEBT"} {
			if got[email][name] != want[name] {
				t.Errorf("%s of %s is %q, want %q", name, email, got[email][name], want[name])
			}
		}
		if want["assignedById"] != "" && got[email]["assignedById"] != want["assignedById"] || want["assignedById"] == "" && got[email]["assignedById"] == "7" {
			t.Errorf("%s is assigned to %q", email, got[email]["assignedById"])
		}
	}
	gate.stop()
	service.stop()
}

// TestMappingFails: an event that the mapping fails on becomes a letter for people; one that it leaves
// out leaves nothing.
func TestMappingFails(t *testing.T) {
	t.Parallel()
	r := newRig(t, crmtest.Options{})
	gate, service := r.startGate(sources, nil), r.startService(map[string]string{"MAPPING_FILE": mappingFile(t, `select(.deleted | not)`)})
	for body, status := range map[string]int{`{"email":17,"leadId":3}`: 202, `{"op":"d","email":"a@example.com"}`: 202} {
		if a := send(t, "POST", gate.url+"/hooks/mapped", body); a.status != status {
			t.Errorf("%s: %d %s", body, a.status, a.body)
		}
	}
	r.produce("leads", `{"deleted":true,"email":"gone@example.com"}`)
	r.delivered(service)
	letters := r.records("leads.dlt")
	if len(r.records("leads")) != 2 || len(letters) != 1 || letters[0].headers["dlt-reason"] != "MAPPING_FAILED" || !strings.Contains(letters[0].value, `"email":17`) || r.crm.Count() != 0 {
		t.Errorf("%d records, %d contacts, letters %+v", len(r.records("leads")), r.crm.Count(), letters)
	}
	if a := send(t, "GET", service.url+"/metrics", ""); !strings.Contains(a.body, `leadbridge_records_skipped_total{why="mapping"} 1`) {
		t.Error("what is left out is not counted")
	}
	gate.stop()
	service.stop()
}

func mappingFile(t *testing.T, program string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "mapping.jq")
	if err := os.WriteFile(file, []byte(program), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}
