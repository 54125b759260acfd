package main

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/leadbridge/leadbridge/crmclient/crmtest"
)

// TestMapOfTargets shows what an event becomes besides a contact.
func TestMapOfTargets(t *testing.T) {
	t.Parallel()
	const event = `{"name":"Ivan","email":"a@example.com","price":"1 500,50","currency":"rub"}`
	for name, test := range map[string]struct {
		environ map[string]string
		value   string
		want    string // part of the line
		without string
	}{
		"contact":  {nil, event, `"contact":{`, `"target"`},
		"deal":     {map[string]string{"CRM_TARGET": "deal"}, event, `"target":"deal","card":{"amount":1500.50,"currency":"RUB","title":"Ivan"}`, ""},
		"comment":  {map[string]string{"CRM_TARGET": "deal", "CRM_COMMENT": "on"}, `{"email":"a@example.com","message":"Call me"}`, `,"comment":"Call me"`, `"comments"`},
		"both":     {map[string]string{"CRM_COMMENT": "both"}, `{"email":"a@example.com","message":"Call me"}`, `"comments":"Call me"`, `"target"`},
		"match":    {map[string]string{"CRM_MATCH": "email,phone"}, `{"email":"a@example.com","phone":"8 916 123-45-67"}`, `"lookedFor":{"email":["a@example.com"],"phone":["+79161234567","79161234567","89161234567"]}`, ""},
		"fill":     {map[string]string{"CRM_MATCH": "email", "CRM_ON_MATCH": "fill"}, `{"name":"Ivan","email":"a@example.com","message":"Call me"}`, `"fill":{"email":[{"typeId":"WORK","value":"a@example.com"}],"name":"Ivan"}`, ""},
		"by event": {nil, `{"email":"a@example.com","target":"lead"}`, `"target":"lead","card":{"title":"a@example.com"}`, ""},
		"title":    {map[string]string{"CRM_TARGET": "lead", "LEAD_TITLE": `"Site: " + .name`}, event, `"title":"Site: Ivan"`, "deal"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			code, stdout, stderr := inProcess(test.environ, test.value, "map")
			if code != exitOK || !strings.Contains(stdout, test.want) || test.without != "" && strings.Contains(stdout, test.without) {
				t.Errorf("exit %d\n%s%s", code, stdout, stderr)
			}
		})
	}
}

// TestDemoOfDeals accounts for every deal with its contact, for comments, and for persons who come back.
func TestDemoOfDeals(t *testing.T) {
	t.Parallel()
	code, stdout, stderr := inProcess(nil, "", "demo", "--events=60", "--target=deal", "--comment=on", "--match")
	if code != exitOK || strings.Contains(stdout, "Matched             0") {
		t.Errorf("exit %d\n%s%s", code, stdout, stderr)
	}
	for _, want := range []string{"deals, each with its contact", "on the timelines of their cards", "events of persons who have a contact already", "Audit passed"} {
		if !strings.Contains(stdout, want) {
			t.Errorf("no %q in\n%s", want, stdout)
		}
	}
}

// TestDemoSeesASecondContact has the CRM hold another contact of a person who came back.
func TestDemoSeesASecondContact(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	second := func(s *crmtest.Simulator) {
		for _, d := range s.Records(crmtest.Deals) { // one whose contact is another event's
			id, _ := d.Get("contactId").(float64)
			for _, c := range s.Contacts() {
				if c.ID == int64(id) && c.OriginID() != d.OriginID() {
					email := c.Emails()[0].Value
					if _, err := s.Create(fmt.Sprintf(`{"name":"Second","email":[{"value":%q,"typeId":"WORK"}],"sourceDescription":%q}`, email, d.OriginID())); err != nil {
						t.Error(err)
					}
					return
				}
			}
		}
	}
	err := demoCommand{Events: 60, Seed: 1, Target: "deal", Match: true, sabotage: second}.Run(process{stdout: &out, stderr: &out})
	if code := exitCode(err, process{stderr: &out}); code != exitFailed || !strings.Contains(out.String(), "is of the same person as") {
		t.Errorf("exit %d\n%s", code, out.String())
	}
}
