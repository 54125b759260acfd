package probe_test

import (
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/leadbridge/leadbridge/crmclient/crmtest"
	"github.com/leadbridge/leadbridge/probe"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// key is that of all tests; it is in no profile.
const key = "vibe_api_secret-of-tests"

// portal is a simulated portal with the documented limits.
type portal struct {
	*crmtest.Simulator
	server *crmtest.Server
}

// bubble runs a test with a portal in a synctest bubble. Strangers live there.
func bubble(t *testing.T, change func(*crmtest.Options), faults crmtest.Faults, test func(t *testing.T, p *portal)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		o := crmtest.Defaults()
		change(&o)
		sim := crmtest.New(o)
		p := &portal{sim, crmtest.Serve(sim)}
		defer p.server.Close()
		if err := sim.SetFaults(faults); err != nil {
			t.Fatal(err)
		}
		for range 3 {
			if _, err := sim.Create(`{"name":"Stranger","phone":"+74990000001","email":"stranger@example.org"}`); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(time.Hour) // they are old
		test(t, p)
	})
}

func plain(*crmtest.Options) {}

func (p *portal) config() probe.Config {
	return probe.Config{BaseURL: p.server.URL, APIKey: key, Version: "test", Dial: p.server.Dial}
}

// clean fails when anything but the strangers is left.
func (p *portal) clean(t *testing.T) {
	t.Helper()
	for entity, want := range map[string]int{crmtest.Contacts: 3, crmtest.Leads: 0, crmtest.Deals: 0, crmtest.Timelines: 0} {
		if got := p.CountIn(entity); got != want {
			t.Errorf("%d %s are there afterwards, want %d", got, entity, want)
		}
	}
	for _, entity := range []string{crmtest.Contacts, crmtest.Leads, crmtest.Deals} {
		if names := p.UserFieldsOf(entity); len(names) > 0 && names[0] != crmtest.OriginUserField {
			t.Errorf("user fields of %s are left: %v", entity, names)
		}
	}
}
