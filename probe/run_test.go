package probe_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leadbridge/leadbridge/crmclient/crmtest"
	"github.com/leadbridge/leadbridge/probe"
)

// verdicts are those of a profile that variants of a portal differ in.
type verdicts struct {
	Way         string // the first by which contacts are found
	Leads       string // likewise
	Deals       string
	Phones      string
	Update      string // phone, e-mail, the same again, both
	InBatch     string // of updates: phone, e-mail, both
	Zones       string
	Batch       string // the others of a bad item
	UserField   probe.Answer
	Differences string
	Settle      string
}

func verdictsOf(p probe.Profile) verdicts {
	v := verdicts{Phones: p.Phones, Update: strings.TrimSpace(p.Update.Phone + " " + p.Update.Email + " " + p.Update.Again + " " + p.Update.Both), InBatch: strings.TrimSpace(p.Update.InBatch.Phone + " " + p.Update.InBatch.Email + " " + p.Update.InBatch.Both), Zones: p.Zone.Filters,
		Batch: p.Batch.OneBad, UserField: p.Entities["contacts"].UserField.Make}
	v.Way, _ = p.BestWay("contacts")
	v.Leads, _ = p.BestWay("leads")
	v.Deals, _ = p.BestWay("deals")
	var topics []string
	for _, d := range p.Differences {
		topics = append(topics, d.Topic)
	}
	v.Differences = strings.Join(topics, "; ")
	for _, s := range p.Proposal {
		if s.Name == "CRM_SETTLE" {
			v.Settle = s.Value
		}
	}
	return v
}

// usual are the verdicts of a portal as it is documented.
func usual(change func(*verdicts)) verdicts {
	v := verdicts{Way: "userField", Leads: "userField", Deals: "userField", Phones: "exact", Update: "replaces replaces same shown", InBatch: "replaces replaces shown", Zones: "honoured",
		Batch: "alone", UserField: probe.Answer{Status: 201}, Settle: "5s"}
	change(&v)
	return v
}

func allWays(v *verdicts, way string) { v.Way, v.Leads, v.Deals = way, way, way }

// TestRunReportsTheVariantsOfAPortal measures portals that differ in one thing: each is reported rightly, and each is as
// empty afterwards as before.
func TestRunReportsTheVariantsOfAPortal(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		portal func(*crmtest.Options)
		faults crmtest.Faults
		want   verdicts
	}{
		"documented": {want: usual(func(*verdicts) {})},
		"originId":   {portal: func(o *crmtest.Options) { o.NativeOriginID = true }, want: usual(func(v *verdicts) { allWays(v, "originId") })},
		"our user field is there": {portal: func(o *crmtest.Options) { o.ExistingUserField = true },
			want: usual(func(v *verdicts) { v.UserField = probe.Answer{} })},
		"no user fields": {portal: func(o *crmtest.Options) { o.NoUserFields = true },
			want: usual(func(v *verdicts) { allWays(v, "tag"); v.UserField = probe.Answer{Status: 404, Code: "NOT_FOUND"} })},
		"user fields are forbidden": {portal: func(o *crmtest.Options) { o.UserFields = false },
			want: usual(func(v *verdicts) {
				allWays(v, "tag")
				v.UserField = probe.Answer{Status: 403, Code: "BITRIX_ACCESS_DENIED"}
			})},
		"updates add": {portal: func(o *crmtest.Options) { o.PatchAdds = true }, want: usual(func(v *verdicts) { v.Update, v.InBatch = "adds adds doubles shown", "adds adds shown" })},
		"phones are normalised": {portal: func(o *crmtest.Options) { o.NormalisedPhones = true },
			want: usual(func(v *verdicts) { v.Phones, v.Differences = "normalised", "phones" })},
		"phone filters are ignored": {portal: func(o *crmtest.Options) { o.IgnoredFilters = []string{"phone"} },
			want: usual(func(v *verdicts) {
				v.Phones, v.Differences = "ignored", "phones; contacts by phone:$in; leads by phone:$in"
			})},
		"all filters are ignored": {faults: crmtest.Faults{IgnoreFilters: true}, want: usual(func(v *verdicts) {
			allWays(v, "")
			v.Phones, v.Zones, v.Settle = "ignored", "ignored", "30s"
			v.Differences = "userField of contacts; userField of leads; userField of deals; phones; contacts by email; contacts by phone:$in; " +
				"contacts by sourceDescription:$contains; leads by email; leads by phone:$in; leads by sourceDescription:$contains; " +
				"deals by contactId; deals by sourceDescription:$contains; times"
		})},
		"a listed originId is not found": {portal: func(o *crmtest.Options) { o.NativeOriginID = true }, faults: crmtest.Faults{Blind: []string{"originId"}},
			want: usual(func(v *verdicts) { v.Differences = "originId of contacts; originId of leads; originId of deals" })},
		"$contains finds nothing": {faults: crmtest.Faults{Blind: []string{"$contains"}}, want: usual(func(v *verdicts) {
			v.Differences = "contacts by sourceDescription:$contains; leads by sourceDescription:$contains; deals by sourceDescription:$contains"
		})},
		"zones are not honoured": {portal: func(o *crmtest.Options) { o.IgnoredZones = true },
			want: usual(func(v *verdicts) { v.Zones, v.Differences = "not honoured", "times" })},
		"look-ups lag by 3 s": {faults: crmtest.Faults{LookupLag: crmtest.Duration(3 * time.Second)}, want: usual(func(v *verdicts) { v.Settle = "7s" })},
		"look-ups lag by 7 s": {faults: crmtest.Faults{LookupLag: crmtest.Duration(7 * time.Second)},
			want: usual(func(v *verdicts) { v.Settle, v.Differences = "15s", "look-up lag" })},
		"no batch":     {portal: func(o *crmtest.Options) { o.NoBatch = true }, want: usual(func(v *verdicts) { v.Batch, v.InBatch, v.Differences = "", "", "batch" })},
		"few requests": {portal: func(o *crmtest.Options) { o.PerMinute = 60 }, want: usual(func(v *verdicts) { v.Differences = "limits" })},
		"no leads":     {faults: crmtest.Faults{Forbidden: []string{crmtest.Leads}}, want: usual(func(v *verdicts) { v.Leads, v.Differences = "", "leads" })},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if c.portal == nil {
				c.portal = plain
			}
			bubble(t, c.portal, c.faults, func(t *testing.T, p *portal) {
				got, err := probe.Run(t.Context(), p.config())
				if err != nil || !got.Complete {
					t.Fatalf("complete %t: %v", got.Complete, err)
				}
				if diff := cmp.Diff(c.want, verdictsOf(got)); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
				p.clean(t)
				p.unharmed(t, got)
			})
		})
	}
}

// unharmed fails when the portal had to defend itself, or when a profile holds what is nobody's business.
func (p *portal) unharmed(t *testing.T, got probe.Profile) {
	t.Helper()
	if s := p.Stats(); s.Throttled != 0 || s.MaxConcurrent != 1 || s.Calls != got.Requests {
		t.Errorf("throttled %d, %d at a time, %d calls of which the profile knows %d", s.Throttled, s.MaxConcurrent, s.Calls, got.Requests)
	}
	text, err := json.Marshal(got)
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{key, "sim.bitrix24.ru", "Stranger", "example.", "7495000"} {
		if strings.Contains(string(text), secret) {
			t.Errorf("the profile holds %s", secret)
		}
	}
	again, err := probe.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(verdictsOf(got), verdictsOf(again)); diff != "" {
		t.Errorf("read again (-before +after):\n%s", diff)
	}
}

func TestRunMeasuresTheLag(t *testing.T) {
	t.Parallel()
	bubble(t, plain, crmtest.Faults{LookupLag: crmtest.Duration(3 * time.Second)}, func(t *testing.T, p *portal) {
		got, err := probe.Run(t.Context(), p.config())
		if err != nil {
			t.Fatal(err)
		}
		for _, way := range []string{"userField", "tag"} {
			lag := got.Entities["contacts"].Ways[way].Lag
			if lag.Samples != 20 || lag.Missing != 0 || lag.P50 < 2800 || lag.P50 > lag.Max || lag.Max > 4000 {
				t.Errorf("%s: %+v, want 20 samples of about 3 s", way, lag)
			}
		}
	})
}

func TestRunReportsWhatIsAnswered(t *testing.T) {
	t.Parallel()
	bubble(t, plain, crmtest.Faults{}, func(t *testing.T, p *portal) {
		got, err := probe.Run(t.Context(), p.config())
		if err != nil {
			t.Fatal(err)
		}
		ok, refused := probe.Answer{Status: 200}, probe.Answer{Code: "INVALID_MULTIFIELD_SHAPE"}
		if diff := cmp.Diff(map[string]probe.Answer{"string": ok, "strings": ok, "objects": ok, "native": refused}, got.Multifield); diff != "" {
			t.Errorf("forms (-want +got):\n%s", diff)
		}
		created := probe.Answer{Status: 201}
		mistakes := map[string]probe.Answer{"wrongType": {Status: 400, Code: "INVALID_REQUEST"}, "wrongCompany": created, "wrongUser": created,
			"unknownField": created, "unknownFilter": {Status: 400, Code: "INVALID_FILTER_FIELD"}}
		if diff := cmp.Diff(mistakes, got.Codes); diff != "" {
			t.Errorf("mistakes (-want +got):\n%s", diff)
		}
		cards := map[string]bool{"contact": true, "lead": true, "deal": true}
		if diff := cmp.Diff(cards, got.Comments.Listed); diff != "" {
			t.Errorf("comments (-want +got):\n%s", diff)
		}
		if !got.Comments.Batch.OK() {
			t.Errorf("comments in a batch: %v", got.Comments.Batch)
		}
		if b := got.Batch; b.Made != 50 || b.PerItem != 5 {
			t.Errorf("batch %+v, want 50 made in 5 ms each", b)
		}
		if l := got.Limits; l.PerSecond != 10 || l.PerMinute != 300 || l.LeastRemaining < 60 || l.Throttled != 0 {
			t.Errorf("limits %+v", l)
		}
		if got.Took > (90 * time.Second).Milliseconds() {
			t.Errorf("it took %d ms, want a minute", got.Took)
		}
	})
}

func TestRunReadsTheDescriptionOfTheAPI(t *testing.T) {
	t.Parallel()
	bubble(t, plain, crmtest.Faults{}, func(t *testing.T, p *portal) {
		p.Script(func(c crmtest.Call) crmtest.Action {
			switch {
			case c.Is("GET /v1/openapi.json"):
				return crmtest.Action{Status: 200, Body: `{"paths":{"/v1/duplicates":{"get":{"parameters":[]}},"/v1/leads":{"post":{},"get":{}},"not a path":{}},` +
					`"components":{"schemas":{"Lead":{"properties":{"title":{},"id":{}}}}}}`}
			case c.Is("GET /v1/duplicates"):
				return crmtest.Action{Status: 200, Body: `{"data":{"contacts":[{"id":7,"name":"Stranger"}],"79990000001":true,"stranger@example.org":1}}`}
			}
			return crmtest.Action{}
		})
		got, err := probe.Run(t.Context(), p.config())
		if err != nil {
			t.Fatal(err)
		}
		if want := []string{"/v1/duplicates get", "/v1/leads get post"}; !slices.Equal(got.OpenAPI.Paths, want) || !strings.Contains(string(got.OpenAPI.Duplicates), "parameters") {
			t.Errorf("paths %v, duplicates %s", got.OpenAPI.Paths, got.OpenAPI.Duplicates)
		}
		if got := got.OpenAPI.Schemas["Lead"]; !slices.Equal(got, []string{"id", "title"}) {
			t.Errorf("fields of a lead: %v", got)
		}
		shape, _ := json.Marshal(got.Duplicates.Shape)
		if want := `{"0":"boolean","UNREADABLE":"number","contacts":[{"id":"number","name":"string"}]}`; string(shape) != want {
			t.Errorf("shape %s, want %s", shape, want)
		}
	})
}

func TestRunLeavesAUserFieldThatCannotBeDeletedAndSaysSo(t *testing.T) {
	t.Parallel()
	bubble(t, func(o *crmtest.Options) { o.KeptUserFields = true }, crmtest.Faults{}, func(t *testing.T, p *portal) {
		got, err := probe.Run(t.Context(), p.config())
		if err != nil || len(got.Left) != 3 || got.Left[0].Entity != "userfields/contacts" {
			t.Errorf("left %+v, error %v", got.Left, err)
		}
	})
	bubble(t, func(o *crmtest.Options) { o.KeptUserFields = true }, crmtest.Faults{}, func(t *testing.T, p *portal) {
		cfg := p.config()
		cfg.NoUserFields = true
		if got, err := probe.Run(t.Context(), cfg); err != nil || len(got.Left) > 0 {
			t.Errorf("left %+v, error %v", got.Left, err)
		}
		p.clean(t)
	})
}

func TestRunMakesNothingWithABadKey(t *testing.T) {
	t.Parallel()
	bubble(t, func(o *crmtest.Options) { o.Keys = []string{"vibe_api_other"} }, crmtest.Faults{}, func(t *testing.T, p *portal) {
		_, err := probe.Run(t.Context(), p.config())
		if err == nil || !strings.Contains(err.Error(), "CRM_API_KEY") || strings.Contains(err.Error(), key) {
			t.Errorf("error %v, want one that names CRM_API_KEY and not the key", err)
		}
		if s := p.Stats(); s.Calls != 1 {
			t.Errorf("%d calls, want 1", s.Calls)
		}
	})
}

// on lets act decide the nth call.
func (p *portal) on(n int, act func() crmtest.Action) {
	p.Script(func(c crmtest.Call) crmtest.Action {
		if c.N == n {
			return act()
		}
		return crmtest.Action{}
	})
}

func TestRunEndsWhenThePortalThrottles(t *testing.T) {
	t.Parallel()
	bubble(t, plain, crmtest.Faults{}, func(t *testing.T, p *portal) {
		searches := 0
		p.Script(func(c crmtest.Call) crmtest.Action {
			if c.Is("POST /v1/contacts/search") {
				searches++
				return crmtest.Action{Status: http.StatusTooManyRequests, Code: "RATE_LIMITED", RetryAfter: 20}
			}
			return crmtest.Action{}
		})
		begun := time.Now()
		got, err := probe.Run(t.Context(), p.config())
		if err == nil || got.Complete || got.Limits.Throttled != 1 || searches != 1 || time.Since(begun) < 20*time.Second {
			t.Errorf("error %v, complete %t, throttled %d, %d searches, after %s", err, got.Complete, got.Limits.Throttled, searches, time.Since(begun))
		}
		p.clean(t)
	})
}

// TestRunCleansWhatWasMadeWithoutAnAnswer loses the answer to each kind of write.
func TestRunCleansWhatWasMadeWithoutAnAnswer(t *testing.T) {
	t.Parallel()
	for _, what := range []string{"POST /v1/contacts", "POST /v1/leads", "POST /v1/deals", "POST /v1/userfields/contacts"} {
		bubble(t, plain, crmtest.Faults{LookupLag: crmtest.Duration(2 * time.Second)}, func(t *testing.T, p *portal) {
			lost := false
			p.Script(func(c crmtest.Call) crmtest.Action {
				if lost || !c.Is(what) {
					return crmtest.Action{}
				}
				lost = true
				return crmtest.Action{Apply: crmtest.Late, After: 3 * time.Second, Status: http.StatusBadGateway, Code: "BITRIX_UNAVAILABLE"}
			})
			if _, err := probe.Run(t.Context(), p.config()); err != nil {
				t.Error(what, err)
			}
			p.clean(t)
		})
	}
}

// TestRunCleansWhatAnswersDoNotTell has each kind of write done once with an answer of success that does not tell the
// record's id.
func TestRunCleansWhatAnswersDoNotTell(t *testing.T) {
	t.Parallel()
	untold := map[string]crmtest.Action{
		"html":    {Apply: crmtest.Now, Status: http.StatusOK, Body: "<html></html>"},
		"empty":   {Apply: crmtest.Now, Status: http.StatusCreated, Body: `{"success":true,"data":{}}`},
		"item":    {Items: map[string]crmtest.ItemError{"c3": {}}},
		"nothing": {Apply: crmtest.Now, Status: http.StatusOK, Body: `{"success":true,"data":{"results":{},"errors":{}}}`},
	}
	for _, test := range [][2]string{
		{"POST /v1/contacts", "html"}, {"POST /v1/contacts", "empty"}, {"POST /v1/leads", "html"}, {"POST /v1/leads", "empty"}, {"POST /v1/deals", "empty"},
		{"POST /v1/timelines", "html"}, {"POST /v1/timelines", "empty"}, {"POST /v1/userfields/contacts", "html"}, {"POST /v1/batch", "item"}, {"POST /v1/batch", "nothing"}, {"POST /v1/batch", "html"},
	} {
		bubble(t, plain, crmtest.Faults{}, func(t *testing.T, p *portal) {
			lost := false
			p.Script(func(c crmtest.Call) crmtest.Action {
				if lost || !c.Is(test[0]) || c.Is("POST /v1/batch") && !strings.Contains(string(c.Body), `"create"`) {
					return crmtest.Action{}
				}
				lost = true
				return untold[test[1]]
			})
			if _, err := probe.Run(t.Context(), p.config()); err != nil || !lost {
				t.Error(test, lost, err)
			}
			p.clean(t)
			if t.Failed() {
				t.Log(test)
			}
		})
	}
}

// TestRunSaysThatRecordsMayBeLeft has the portal fail all look-ups after a create without an answer: finding nothing then is
// no proof that nothing is left.
func TestRunSaysThatRecordsMayBeLeft(t *testing.T) {
	t.Parallel()
	bubble(t, plain, crmtest.Faults{}, func(t *testing.T, p *portal) {
		fail := crmtest.Action{Status: http.StatusBadGateway, Code: "BITRIX_UNAVAILABLE"}
		lost := false
		p.Script(func(c crmtest.Call) crmtest.Action {
			switch body := string(c.Body); {
			case !lost && c.Is("POST /v1/deals"):
				lost = true
				return crmtest.Action{Apply: crmtest.Now, Status: http.StatusBadGateway, Code: "BITRIX_UNAVAILABLE"}
			case lost && c.Is("POST /v1/batch") && (strings.Contains(body, `"list"`) || strings.Contains(body, `"get"`)):
				return fail
			}
			return crmtest.Action{}
		})
		got, _ := probe.Run(t.Context(), p.config())
		if !slices.Contains(got.Unread, "deals") {
			t.Errorf("unread %v, want deals", got.Unread)
		}
		var table strings.Builder
		if err := got.Write(&table); err != nil || !strings.Contains(table.String(), "some may be left") {
			t.Errorf("%v\n%s", err, table.String())
		}
		p.Script(nil)
		if done, err := probe.Clean(t.Context(), p.config()); err != nil || len(done.Unsure) > 0 {
			t.Errorf("%+v, %v", done, err)
		}
		p.clean(t)
	})
}

// TestSimpleModeLeavesNothing measures a portal that makes a contact and a deal of each lead by itself.
func TestSimpleModeLeavesNothing(t *testing.T) {
	t.Parallel()
	for name, run := range map[string]func(*testing.T, *portal){
		"run": func(t *testing.T, p *portal) {
			got, err := probe.Run(t.Context(), p.config())
			if err != nil || got.Extra != 2 || len(got.Differences) != 1 || got.Differences[0].Topic != "simple mode" {
				t.Errorf("extra %d, %+v, %v", got.Extra, got.Differences, err)
			}
		},
		"clean": func(t *testing.T, p *portal) {
			if got, err := probe.Clean(t.Context(), p.config()); err != nil || len(got.Left)+len(got.Unsure) > 0 {
				t.Errorf("%+v, %v", got, err)
			}
		},
	} {
		bubble(t, plain, crmtest.Faults{}, func(t *testing.T, p *portal) {
			p.Script(func(c crmtest.Call) crmtest.Action {
				if c.Is("POST /v1/leads") {
					for _, made := range []string{crmtest.Contacts, crmtest.Deals} {
						if _, err := p.CreateIn(made, fmt.Sprintf(`{"name":%[1]q,"title":%[1]q}`, probe.Marker)); err != nil {
							t.Error(name, err)
						}
					}
				}
				return crmtest.Action{}
			})
			run(t, p)
			p.clean(t)
		})
	}
}

// errAny is any error.
var errAny = errors.New("any")

func TestParseRefusesWhatIsNoProfile(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]error{``: errAny, `{}`: errAny, `[1]`: errAny, `{"format":2,"entities":{"contacts":{}}}`: errAny, `{"format":-1,"entities":{"contacts":{}}}`: errAny, `{"format":1,"entities":{"contacts":{}}}`: nil} {
		if _, err := probe.Parse([]byte(text)); (err == nil) != (want == nil) {
			t.Errorf("%s: %v", text, err)
		}
	}
}
