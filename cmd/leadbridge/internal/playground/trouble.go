package playground

import (
	"bytes"
	"slices"
	"sync"
	"time"

	"github.com/leadbridge/leadbridge/crmclient/crmtest"
)

// trouble is something that goes wrong in the simulated CRM while it is on.
type trouble struct {
	ID    string
	Title string
	Does  string // what the CRM does, and what that looks like, for people
	begin func(p *portal, f *crmtest.Faults)
}

// throttledFor is the pause that a throttled CRM asks for, in seconds.
const throttledFor = 3

// slowness is how long a slow CRM takes for each request: less than the service's timeout.
const slowness = 800 * time.Millisecond

// troubles are all kinds of trouble, one of which may be on at a time.
var troubles = []trouble{
	{"key", "Revoke the key", "Every request gets 401. Delivery holds, with all leads waiting, until the key is good again.",
		func(p *portal, f *crmtest.Faults) { f.Revoked = []string{p.key} }},
	{"outage", "Outage", "Every request gets 503. Delivery holds and probes; nothing becomes a dead letter.",
		func(_ *portal, f *crmtest.Faults) { f.Down = "503" }},
	{"throttle", "Throttle", "Every request gets 429 with a pause to keep. Delivery keeps it, and counts no attempts.",
		func(_ *portal, f *crmtest.Faults) { f.Throttle, f.RetryAfter = 1, throttledFor }},
	{"lost", "Lose the answers", "Each create takes effect, and its connection is cut instead of an answer. Nobody knows what happened: the lead is looked up, found, and not made twice.",
		func(p *portal, _ *crmtest.Faults) { p.sim.Script(loseAnswers) }},
	{"refuse", "Require a field", "The CRM refuses every card without a position. Leads without one become dead letters: edit one on the page and add a field “position”, or end the trouble and replay it.",
		func(_ *portal, f *crmtest.Faults) { f.Mandatory = []string{"post", "leads.post"} }},
	{"slow", "Slow down", "Each request takes most of a second. Leads wait for their turn and are made in batches.",
		func(p *portal, _ *crmtest.Faults) {
			p.sim.Update(func(o *crmtest.Options) { o.ServiceTime = slowness })
		}},
}

// loseAnswers resets the connections of creates that took effect.
func loseAnswers(c crmtest.Call) crmtest.Action {
	creates := c.Is("POST /v1/contacts") || c.Is("POST /v1/leads") || c.Is("POST /v1/deals") ||
		c.Is("POST /v1/batch") && bytes.Contains(c.Body, []byte(`"action":"create"`))
	if creates {
		return crmtest.Action{Apply: crmtest.Now, End: crmtest.Reset}
	}
	return crmtest.Action{}
}

// portal is the simulated CRM with the trouble that is on.
type portal struct {
	sim   *crmtest.Simulator
	key   string
	calm  crmtest.Faults // that it always has
	usual time.Duration  // how long a request takes without trouble

	mu sync.Mutex
	on string // the id of the trouble; "": there is none
}

// current returns the trouble that is on; its ID is "" when there is none.
func (p *portal) current() trouble {
	p.mu.Lock()
	defer p.mu.Unlock()
	return troubleOf(p.on)
}

// troubleOf returns the trouble of an id; the zero value when there is none of it.
func troubleOf(id string) trouble {
	if i := slices.IndexFunc(troubles, func(t trouble) bool { return t.ID == id }); i >= 0 {
		return troubles[i]
	}
	return trouble{}
}

// set ends the trouble that is on and begins another; with "" it only ends it.
func (p *portal) set(id string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.sim.Script(nil)
	p.sim.Update(func(o *crmtest.Options) { o.ServiceTime = p.usual })
	f := p.calm
	if t := troubleOf(id); t.ID != "" {
		t.begin(p, &f)
	}
	p.on = id
	return p.sim.SetFaults(f)
}
