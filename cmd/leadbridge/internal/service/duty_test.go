package service

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/leadbridge/leadbridge/crmclient/crmtest"
	"github.com/leadbridge/leadbridge/internal/sums"
)

// act asks the page to do something.
func act(t *testing.T, s *running, path, body string) string {
	t.Helper()
	req := httptest.NewRequest(http.MethodPost, path, strings.NewReader(body))
	req.Header.Set("Authorization", "Bearer "+testToken)
	req.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	s.admin.Handler().ServeHTTP(w, req)
	if w.Code != http.StatusOK {
		t.Fatalf("%s: %d %s", path, w.Code, w.Body)
	}
	return w.Body.String()
}

func (s *running) total(metric string) float64 { return sums.Gather(s.registry).Of(metric) }

// A probe by hand need not wait for the pause that the CRM asked for.
func TestProbeNow(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		action crmtest.Action
		made   float64 // at least; what is in doubt is looked up first
	}{
		"throttle":    {crmtest.Action{Status: 429, Code: "RATE_LIMITED", RetryAfter: 300}, 4},
		"credentials": {crmtest.Action{Status: 401, Code: "INVALID_API_KEY"}, 4},
		"outage":      {crmtest.Action{Status: 503, Code: "UNAVAILABLE", RetryAfter: 250}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bubble(t, []string{testTopic, testLetters}, func(r *rig) {
				s := r.start()
				defer s.stop()
				later(2)
				r.sim.Script(every(c.action))
				r.produce(leads(0, 4)...)
				later(30)
				r.sim.Script(nil)
				if said := act(r.t, s, "/api/probe", "{}"); !strings.Contains(said, `"cause":"`+name+`"`) {
					r.t.Errorf("%s", said)
				}
				later(2)
				if made := s.total("leadbridge_contacts_total"); made < c.made {
					r.t.Errorf("%v contacts two seconds after the probe, want %v: %v", made, c.made, s.Status().Holds)
				}
				if !strings.Contains(r.logs.String(), `"audit":"probe"`) {
					r.t.Error("no audit")
				}
			})
		})
	}
}

// A released flood: what waits becomes letters, and refusals count anew.
func TestReleaseFlood(t *testing.T) {
	t.Parallel()
	bubble(t, []string{testTopic, testLetters}, func(r *rig) {
		r.sim.Script(fail("@", crmtest.Action{Status: 400, Code: "VALIDATION_ERROR"}))
		s := r.start()
		defer s.stop()
		later(2)
		r.produce(leads(0, 9)...)
		later(10)
		if written := s.total("leadbridge_dead_letters_total"); written != 3 {
			r.t.Fatalf("%v letters before the release, want as many as CRM_FLOOD_LIMIT", written)
		}
		if said := act(r.t, s, "/api/flood/release", "{}"); !strings.Contains(said, `"letters":6`) {
			r.t.Errorf("%s", said)
		}
		later(2)
		if written := s.total("leadbridge_dead_letters_total"); written != 9 || len(s.Status().Holds) != 0 {
			r.t.Errorf("%v letters after the release, want 9; holds %v", written, s.Status().Holds)
		}
		r.produce(leads(20, 2)...)
		later(2)
		if written := s.total("leadbridge_dead_letters_total"); written != 11 {
			r.t.Errorf("%v letters, want those of two more events: they are no flood", written)
		}
		if said := act(r.t, s, "/api/flood/release", "{}"); !strings.Contains(said, `"letters":0`) || !strings.Contains(r.logs.String(), `"audit":"release_flood"`) {
			r.t.Errorf("%s", said)
		}
	})
}

// Letters are closed, exported and erased by the page, and each is audited.
func TestLettersByThePage(t *testing.T) {
	t.Parallel()
	bubble(t, []string{testTopic, testLetters}, func(r *rig) {
		s := r.start()
		defer s.stop()
		r.produce(`{"name":"Nobody"}`, `{"name":"No one"}`, `{"name":"None"}`)
		later(5)
		if said := act(r.t, s, "/api/letters/close", `{"places":["0:0"],"word":"a test"}`); !strings.Contains(said, `"letters":1`) {
			r.t.Errorf("%s", said)
		}
		later(11) // the shelf is read again
		if found := act(r.t, s, "/api/letters/search", `{"states":["closed"]}`); !strings.Contains(found, `"word":"a test"`) || !strings.Contains(found, `"total":1`) {
			r.t.Errorf("%s", found)
		}
		if file := act(r.t, s, "/api/letters/export", `{"places":["0:1"]}`); !strings.Contains(file, `"value":"{\"name\":\"No`) || strings.Count(file, "\n") != 1 {
			r.t.Errorf("%s", file)
		}
		if said := act(r.t, s, "/api/letters/0:1/erase", `{"dryRun":true}`); !strings.Contains(said, `"dryRun":true,"letters":1`) {
			r.t.Errorf("%s", said)
		}
		if said := act(r.t, s, "/api/letters/0:1/erase", `{"dryRun":false}`); !strings.Contains(said, `"dryRun":false,"letters":1`) {
			r.t.Errorf("%s", said)
		}
		for _, audit := range []string{"close", "export", "erase"} {
			if !strings.Contains(r.logs.String(), `"audit":"`+audit+`"`) {
				r.t.Errorf("no audit of %s", audit)
			}
		}
		if strings.Contains(r.logs.String(), "No one") {
			r.t.Error("the log names a person")
		}
		if said := act(r.t, s, "/api/letters/close", `{"filter":{"reasons":["NO_CONTACT_POINT"],"states":["open"]},"word":"a test"}`); !strings.Contains(said, `"letters":1`) {
			r.t.Errorf("%s", said)
		}
	})
}

// A person's lead is found by the page, by a phone in another spelling and by e-mail; the log does not say who was
// looked for.
func TestWhereByThePage(t *testing.T) {
	t.Parallel()
	bubble(t, []string{testTopic, testLetters}, func(r *rig) {
		s := r.start()
		defer s.stop()
		later(2)
		r.produce(`{"name":"Anna","phone":"8 (916) 732-89-66"}`, `{"name":"Nobody Known"}`)
		r.produce(leads(0, 1)...)
		later(5)
		for who, parts := range map[string][]string{
			"+79167328966":       {`"by":"phone"`, `"state":"contact"`},
			"lead0@example.com":  {`"by":"e-mail"`, `"state":"contact"`},
			"0:1":                {`"state":"letter"`, `"reason":"NO_CONTACT_POINT"`},
			"nobody@example.net": {`"events":[]`},
		} {
			said := act(r.t, s, "/api/where", `{"who":"`+who+`"}`)
			for _, part := range parts {
				if !strings.Contains(said, part) {
					r.t.Errorf("%s: no %s in %s", who, part, said)
				}
			}
			if strings.Contains(r.logs.String(), who) && who != "0:1" {
				r.t.Errorf("the log says that somebody looked for %s", who)
			}
		}
		if !strings.Contains(r.logs.String(), `"audit":"where"`) {
			r.t.Error("no audit")
		}
	})
}
