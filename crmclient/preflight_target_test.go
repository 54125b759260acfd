package crmclient_test

import (
	"strings"
	"testing"

	"github.com/leadbridge/leadbridge/crmclient"
	"github.com/leadbridge/leadbridge/crmclient/crmtest"
)

// Each kind of object that events become is looked at, and has a user field made; what the settings say of
// leads and deals is compared with the portal's lists.
func TestPreflightOfTargets(t *testing.T) {
	three := int64(3)
	begin := "crm ok, crm key ok, crm scope ok, crm rate ok, "
	for name, test := range map[string]struct {
		target crmclient.Target
		card   crmclient.Card
		faults crmtest.Faults
		fix    bool
		want   string
	}{
		"lead":                    {crmclient.TargetLead, crmclient.Card{StatusID: "NEW"}, crmtest.Faults{}, false, "crm fields of leads ok, crm origin field of leads warn, crm lead status ok"},
		"lead status":             {crmclient.TargetLead, crmclient.Card{StatusID: "NOPE"}, crmtest.Faults{}, true, "crm fields of leads ok, crm origin field of leads ok, crm lead status fail"},
		"deal":                    {crmclient.TargetDeal, crmclient.Card{}, crmtest.Faults{}, true, "crm fields warn, crm origin field ok, crm fields of deals ok, crm origin field of deals ok"},
		"stage":                   {crmclient.TargetDeal, crmclient.Card{CategoryID: &three, StageID: "C3:NEW"}, crmtest.Faults{}, true, "crm fields warn, crm origin field ok, crm fields of deals ok, crm origin field of deals ok, crm deal stage ok"},
		"another's":               {crmclient.TargetDeal, crmclient.Card{CategoryID: &three, StageID: "NEW"}, crmtest.Faults{}, true, "crm fields warn, crm origin field ok, crm fields of deals ok, crm origin field of deals ok, crm deal stage fail"},
		"deals are not the key's": {crmclient.TargetDeal, crmclient.Card{}, crmtest.Faults{Forbidden: []string{"deals"}}, true, "crm fields warn, crm origin field ok, crm fields of deals fail"},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, crmtest.Options{UserFields: true, Portal: "sim.bitrix24.ru"}, func(c *crmclient.Config) { c.Target, c.Card = test.target, test.card }, func(w *world) {
				w.setFaults(test.faults)
				if got := levels(t, w.creator.Preflight(w.t.Context(), "", test.fix)); got != begin+test.want {
					t.Errorf("got  %s\nwant %s", strings.TrimPrefix(got, begin), test.want)
				}
				if test.fix && test.faults.Forbidden == nil { // again, as by the next start
					if got := levels(t, w.creator.Preflight(w.t.Context(), "", false)); strings.Contains(got, "origin field of deals warn") {
						t.Errorf("after the fix: %s", got)
					}
					w.mustCreate(lead(1))
				}
			})
		})
	}
}

// With CRM_COMMENT it is said whether comments can be looked up, and none is written.
func TestPreflightOfComments(t *testing.T) {
	for name, test := range map[string]struct {
		act  crmtest.Action
		want string
	}{
		"listed":      {crmtest.Action{}, "crm comments ok"},
		"no card":     {crmtest.Action{Status: 404, Code: "ENTITY_NOT_FOUND"}, "crm comments ok"},
		"no list":     {crmtest.Action{Status: 200, Body: `{"success":true,"data":{}}`}, "crm comments warn"},
		"not offered": {crmtest.Action{Status: 404, Code: "NOT_FOUND"}, "crm comments fail"},
		"forbidden":   {crmtest.Action{Status: 403, Code: "SCOPE_NOT_ALLOWED"}, "crm comments fail"},
		"broken":      {crmtest.Action{Status: 500, Code: "INTERNAL_ERROR"}, "crm comments fail"},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, portalWithField(), commenting, func(w *world) {
				w.script(commentsCall, func(int, crmtest.Call) crmtest.Action { return test.act })
				if got := levels(t, w.creator.Preflight(w.t.Context(), "", false)); !strings.HasSuffix(got, test.want) {
					t.Errorf("got %s, want %s", got, test.want)
				}
				w.wantComments(0)
			})
		})
	}
}
