package crmclient_test

import (
	"strings"
	"testing"
	"time"

	"github.com/leadbridge/leadbridge/crmclient"
	"github.com/leadbridge/leadbridge/crmclient/crmtest"
)

// levels are the findings as "check level" lines.
func levels(t *testing.T, findings []crmclient.Finding) string {
	t.Helper()
	var lines []string
	for _, f := range findings {
		lines = append(lines, f.Check+" "+f.Level)
		if f.Detail == "" || f.Level != "ok" && !strings.HasSuffix(f.Remedy, ".") {
			t.Errorf("finding without a detail or a sentence to mend it: %+v", f)
		}
	}
	return strings.Join(lines, ", ")
}

func TestPreflight(t *testing.T) {
	me := func(data string) func(*world) {
		return func(w *world) {
			w.script("GET /v1/me", func(int, crmtest.Call) crmtest.Action {
				return crmtest.Action{Status: 200, Body: `{"success":true,"data":` + data + `}`}
			})
		}
	}
	soon := time.Date(2000, 1, 3, 0, 0, 0, 0, time.UTC).Format(time.RFC3339) // a bubble begins in 2000
	rest := ", crm fields ok, crm origin field ok, crm source ok"
	full := crmtest.Options{NativeOriginID: true, NativeUTM: true, Portal: "sim.bitrix24.ru"}
	for name, test := range map[string]struct {
		portal crmtest.Options
		config func(*crmclient.Config)
		setUp  func(*world)
		source string
		want   string
	}{
		"well":           {full, nil, nil, "WEB", "crm ok, crm key ok, crm scope ok, crm rate ok" + rest},
		"wrong source":   {full, nil, nil, "NOPE", "crm ok, crm key ok, crm scope ok, crm rate ok, crm fields ok, crm origin field ok, crm source fail"},
		"no source":      {full, nil, nil, "", "crm ok, crm key ok, crm scope ok, crm rate ok, crm fields ok, crm origin field ok"},
		"expires":        {full, nil, me(`{"type":"personal","scopes":["crm"],"expiresAt":"` + soon + `"}`), "WEB", "crm ok, crm key warn, crm scope ok, crm rate ok" + rest},
		"no scope":       {full, nil, me(`{"type":"personal","scopes":["tasks"]}`), "WEB", "crm ok, crm key ok, crm scope fail, crm rate ok" + rest},
		"management key": {full, nil, me(`{"type":"management"}`), "WEB", "crm ok, crm key fail, crm scope ok, crm rate ok" + rest},
		"no session":     {full, nil, me(`{"type":"oauth_app","scopes":["crm"]}`), "WEB", "crm ok, crm key fail, crm scope ok, crm rate ok" + rest},
		"rate": {full, func(c *crmclient.Config) { c.RequestsPerSecond = 50 }, me(`{"type":"personal","rateLimit":{"requestsPerSecond":10}}`), "WEB",
			"crm ok, crm key ok, crm scope ok, crm rate warn" + rest},
		"no /me": {full, nil, func(w *world) {
			w.script("GET /v1/me", func(int, crmtest.Call) crmtest.Action { return crmtest.Action{Status: 404} })
		}, "WEB", "crm key warn" + rest},
		"bad key": {full, nil, func(w *world) { w.setFaults(crmtest.Faults{BadKey: 1}) }, "WEB", "crm fail"},
		"down":    {full, nil, func(w *world) { w.setFaults(crmtest.Faults{Down: "close"}) }, "WEB", "crm fail"},
		"no fields": {full, nil, func(w *world) {
			w.script(fieldsCall, func(int, crmtest.Call) crmtest.Action { return crmtest.Action{Status: 403} })
		}, "WEB", "crm ok, crm key ok, crm scope ok, crm rate ok, crm fields fail, crm source ok"},
		"tag":     {crmtest.Options{UserFields: true}, nil, nil, "WEB", "crm ok, crm key ok, crm scope ok, crm rate ok, crm fields warn, crm origin field warn, crm source ok"},
		"none":    {full, originField("none"), nil, "WEB", "crm ok, crm key ok, crm scope ok, crm rate ok, crm fields ok, crm origin field warn, crm source ok"},
		"unknown": {full, originField("UF_CRM_X"), nil, "WEB", "crm ok, crm key ok, crm scope ok, crm rate ok, crm fields ok, crm origin field fail, crm source ok"},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, test.portal, test.config, func(w *world) {
				if test.setUp != nil {
					test.setUp(w)
				}
				if got := levels(t, w.creator.Preflight(w.t.Context(), test.source, false)); got != test.want {
					t.Errorf("findings:\n%s\nwant:\n%s", got, test.want)
				}
				if n := w.sim.Stats().Creates; n != 0 {
					t.Errorf("%d creates", n)
				}
			})
		})
	}
}

// Fix makes the user field where the key may, and says who can where it may not.
func TestPreflightMakesTheField(t *testing.T) {
	inBubble(t, crmtest.Options{UserFields: true}, nil, func(w *world) {
		got := levels(t, w.creator.Preflight(w.t.Context(), "", true))
		if !strings.Contains(got, "crm origin field ok") {
			t.Errorf("findings %s", got)
		}
		w.mustCreate(lead(1))
		if c := w.only(); c.Text(crmtest.OriginUserField) != originID(1) {
			t.Errorf("the new field is not used")
		}
		if got := levels(t, w.creator.Preflight(w.t.Context(), "", true)); !strings.Contains(got, "crm origin field ok") {
			t.Errorf("again: %s", got)
		}
	})
	inBubble(t, crmtest.Options{}, nil, func(w *world) {
		findings := w.creator.Preflight(w.t.Context(), "", true)
		if last := findings[len(findings)-1]; last.Level != "warn" || !strings.Contains(last.Remedy, "administrator") {
			t.Errorf("finding %+v", last)
		}
	})
}

// Fix makes the user fields for tracking values that are asked for, and events then fill them.
func TestPreflightMakesTrackingFields(t *testing.T) {
	asked := func(c *crmclient.Config) { c.TrackingFields = []string{"utm_source", "gclid"} }
	inBubble(t, crmtest.Options{UserFields: true, NativeUTM: true}, asked, func(w *world) {
		if got := levels(t, w.creator.Preflight(w.t.Context(), "", false)); !strings.Contains(got, "crm tracking fields warn") {
			t.Errorf("findings %s", got)
		}
		for range 2 {
			if got := levels(t, w.creator.Preflight(w.t.Context(), "", true)); !strings.Contains(got, "crm tracking fields ok") {
				t.Errorf("findings %s", got)
			}
		}
		r := lead(1)
		r.Contact.Tracking = map[string]string{"gclid": "Cj0", "fbclid": "Iw"}
		w.mustCreate(r)
		if c := w.only(); c.Text("UF_CRM_LEADBRIDGE_GCLID") != "Cj0" || !strings.HasSuffix(c.Text("comments"), "Where the visit came from:\nfbclid: Iw") {
			t.Errorf("gclid %q, comments %q", c.Text("UF_CRM_LEADBRIDGE_GCLID"), c.Text("comments"))
		}
	})
	inBubble(t, crmtest.Options{NativeUTM: true}, asked, func(w *world) {
		findings := w.creator.Preflight(w.t.Context(), "", true)
		if last := findings[len(findings)-1]; last.Level != "warn" || !strings.Contains(last.Remedy, "administrator") {
			t.Errorf("finding %+v", last)
		}
	})
}
