package settings

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/leadbridge/leadbridge/crmclient"
	"github.com/leadbridge/leadbridge/crmclient/crmtest"
	"github.com/leadbridge/leadbridge/probe"
)

// measure measures a simulated portal.
func measure(t *testing.T, o crmtest.Options, f crmtest.Faults) (p probe.Profile) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		sim := crmtest.New(o)
		server := crmtest.Serve(sim)
		defer server.Close()
		if err := sim.SetFaults(f); err != nil {
			t.Fatal(err)
		}
		if _, err := sim.Create(`{"name":"Stranger"}`); err != nil {
			t.Fatal(err)
		}
		var err error
		if p, err = probe.Run(t.Context(), probe.Config{BaseURL: server.URL, APIKey: "vibe_api_1", Dial: server.Dial}); err != nil {
			t.Fatal(err)
		}
	})
	return p
}

// write writes a profile into a file.
func write(t *testing.T, p probe.Profile) string {
	t.Helper()
	text, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "profile.json")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// simLike are the settings of a simulator that is started from a file.
func simLike(t *testing.T, file string) SimConfig {
	t.Helper()
	s := defaults[Sim](t)
	s.Profile = file
	c, err := s.Parse()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestSimulatorBehavesLikeAProfile measures a portal, starts a simulator from the profile, and measures that: the same is seen.
func TestSimulatorBehavesLikeAProfile(t *testing.T) {
	t.Parallel()
	portals := map[string]func(*crmtest.Options, *crmtest.Faults){
		"documented": func(*crmtest.Options, *crmtest.Faults) {},
		"generous": func(o *crmtest.Options, _ *crmtest.Faults) {
			o.NativeOriginID, o.NativeUTM, o.PatchAdds, o.NormalisedPhones, o.PerMinute = true, true, true, true, 600
		},
		"poor": func(o *crmtest.Options, f *crmtest.Faults) {
			o.UserFields, o.NoBatch, o.IgnoredZones, o.PerMinute, o.PerSecond = false, true, true, 120, 5
			o.ServiceTime, o.Zone = 400*time.Millisecond, time.FixedZone("", 5*3600)
			f.Blind = []string{"$contains"}
		},
		"odd": func(o *crmtest.Options, f *crmtest.Faults) {
			o.NativeOriginID, o.IgnoredFilters, o.KeptUserFields = true, []string{"phone"}, true
			f.LookupLag, f.Blind = crmtest.Duration(6*time.Second), []string{"originId", "email"}
		},
	}
	for name, change := range portals {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o, f := crmtest.Defaults(), crmtest.Faults{}
			change(&o, &f)
			first := measure(t, o, f)
			c := simLike(t, write(t, first))
			second := measure(t, c.Options, c.Faults)
			near := cmpopts.EquateApprox(0.3, 600)
			for what, pair := range map[string][2]any{
				"entities": {first.Entities, second.Entities}, "phones": {first.Phones, second.Phones}, "zone": {first.Zone, second.Zone},
				"update": {first.Update, second.Update}, "batch": {first.Batch, second.Batch}, "codes": {first.Codes, second.Codes},
				"multifield": {first.Multifield, second.Multifield}, "per minute": {first.Limits.PerMinute, second.Limits.PerMinute},
				"per second": {first.Limits.PerSecond, second.Limits.PerSecond},
			} {
				if diff := cmp.Diff(pair[0], pair[1], near, cmpopts.IgnoreTypes(probe.Spread{})); diff != "" {
					t.Errorf("%s (-portal +simulator):\n%s", what, diff)
				}
			}
			if a, b := first.Lag(), second.Lag(); b < a-1000 || b > a+1000 {
				t.Errorf("lag %d ms, and of the simulator %d", a, b)
			}
		})
	}
}

// TestPortalProfileIsComparedWithTheSettings: run and check read it, and warn.
func TestPortalProfileIsComparedWithTheSettings(t *testing.T) {
	t.Parallel()
	now := time.Now()
	usual := crmclient.Config{Settle: 5 * time.Second, BatchSize: 50, RequestsPerMinute: 300, RequestsPerSecond: crmclient.RateAuto, OriginField: "auto"}
	base := measure(t, crmtest.Defaults(), crmtest.Faults{})
	slow := measure(t, crmtest.Defaults(), crmtest.Faults{LookupLag: crmtest.Duration(7 * time.Second)})
	blind := crmtest.Defaults()
	blind.NativeOriginID = true
	single := crmtest.Defaults()
	single.NoBatch, single.PerMinute = true, 120
	cases := map[string]struct {
		profile probe.Profile
		change  func(*crmclient.Config)
		want    []string // a part of each warning
	}{
		"all fits":      {profile: base},
		"lag":           {profile: slow, want: []string{"set CRM_SETTLE=15s"}},
		"lag is known":  {profile: slow, change: func(c *crmclient.Config) { c.Settle = 15 * time.Second }},
		"no batch":      {profile: measure(t, single, crmtest.Faults{}), want: []string{"CRM_REQUESTS_PER_MINUTE is 300: set it to 120", "CRM_BATCH_SIZE is 50"}},
		"no limits":     {profile: base, change: func(c *crmclient.Config) { c.RequestsPerMinute, c.RequestsPerSecond = 0, 0 }, want: []string{"300 requests a minute", "10 requests a second"}},
		"a blind field": {profile: measure(t, blind, crmtest.Faults{Blind: []string{"originId"}}), want: []string{"set CRM_ORIGIN_FIELD=UF_CRM_LEADBRIDGE_EVENT_ID", "originId of contacts", "originId of leads", "originId of deals"}},
		"ended early":   {profile: func() probe.Profile { p := base; p.Complete = false; return p }(), want: []string{"not complete"}},
		"long ago":      {profile: func() probe.Profile { p := base; p.At = now.AddDate(-1, 0, 0); return p }(), want: []string{"days old"}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			crm := usual
			if c.change != nil {
				c.change(&crm)
			}
			if name != "long ago" {
				c.profile.At = now
			}
			var p parser
			Portal{Profile: write(t, c.profile)}.parse(&p, &crm, now)
			if len(p.faults) > 0 || len(p.warnings) != len(c.want) {
				t.Fatalf("faults %v, warnings %q, want %d", p.faults, p.warnings, len(c.want))
			}
			for i, part := range c.want {
				if !strings.Contains(p.warnings[i], part) {
					t.Errorf("warning %q, want one of %q", p.warnings[i], part)
				}
			}
		})
	}
}

func TestPortalProfileThatIsNoneIsAFault(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "profile.json")
	for _, text := range []string{"", "{}", "not JSON"} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		var p parser
		Portal{Profile: file}.parse(&p, &crmclient.Config{}, time.Now())
		if len(p.faults) != 1 || p.faults[0].Variable != "PORTAL_PROFILE" || !strings.Contains(p.faults[0].Remedy, "leadbridge probe") {
			t.Errorf("%q: faults %v", text, p.faults)
		}
	}
}

// TestFillNeedsAProfileThatSaysWhatUpdatesDo: without, check and run refuse it, and name the remedy.
func TestFillNeedsAProfileThatSaysWhatUpdatesDo(t *testing.T) {
	t.Parallel()
	adding := crmtest.Defaults()
	adding.PatchAdds = true
	adds, replaces := measure(t, adding, crmtest.Faults{}), measure(t, crmtest.Defaults(), crmtest.Faults{})
	silent, older := adds, replaces
	silent.Update, older.Update.Both = probe.Update{}, ""
	single, unread, otherwise, refused := adds, adds, adds, adds
	single.Update.InBatch = probe.UpdateInBatch{}
	unread.Update.InBatch = probe.UpdateInBatch{Answer: adds.Update.InBatch.Answer}
	otherwise.Update.InBatch.Phone = "replaces"
	refused.Update.InBatch = probe.UpdateInBatch{Answer: probe.Answer{Status: 400, Code: "INVALID_REQUEST"}} // then they are sent one by one
	noBatch := single
	noBatch.Batch.Offered = false
	for name, test := range map[string]struct {
		profile *probe.Profile
		batch   int
		want    crmclient.Patch
		fault   string // a part of it; "": none
	}{
		"adds":                             {&adds, 50, crmclient.PatchAdds, ""},
		"replaces":                         {&replaces, 50, crmclient.PatchReplaces, ""},
		"no profile":                       {nil, 50, "", "PORTAL_PROFILE=portal.json"},
		"not measured":                     {&silent, 50, "", "measure again"},
		"several were not shown":           {&older, 50, crmclient.PatchReplaces, "measure again by this version"},
		"not measured in batches":          {&single, 50, crmclient.PatchAdds, "measure again by this version"},
		"not read in batches":              {&unread, 50, crmclient.PatchAdds, "measure again by this version"},
		"batches do something else":        {&otherwise, 50, crmclient.PatchAdds, "CRM_BATCH_SIZE=1"},
		"batches do something else, alone": {&otherwise, 1, crmclient.PatchAdds, ""},
		"batches take no updates":          {&refused, 50, crmclient.PatchAdds, ""},
		"no batches":                       {&noBatch, 50, crmclient.PatchAdds, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var p parser
			file := ""
			if test.profile != nil {
				file = write(t, *test.profile)
			}
			crm := crmclient.Config{Settle: 5 * time.Second, BatchSize: test.batch, RequestsPerMinute: 300, RequestsPerSecond: crmclient.RateAuto, OriginField: "auto",
				Match: crmclient.Match{Email: true, Fill: true}}
			Portal{Profile: file}.parse(&p, &crm, time.Now())
			if want := []string{"contact", "deal", "lead"}; test.profile != nil && !slices.Equal(crm.CommentsSeen, want) {
				t.Errorf("comments are seen on %q, want %q", crm.CommentsSeen, want)
			}
			if crm.Patch != (crmclient.Patches{Phones: test.want, Emails: test.want}) {
				t.Errorf("%+v", crm.Patch)
			}
			if test.fault == "" && len(p.faults) > 0 || test.fault != "" && (len(p.faults) != 1 || p.faults[0].Variable != "CRM_ON_MATCH" || !strings.Contains(p.faults[0].Remedy, test.fault)) {
				t.Errorf("faults %v", p.faults)
			}
		})
	}
}
