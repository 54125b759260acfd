//go:build integration

package integration

import (
	"bytes"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/leadbridge/leadbridge/crmclient/crmtest"
)

// What processes are told about the CRM. When another process may have sent an
// event, in a batch of 50 say, its absence counts no sooner than quiet after that: queue
// limit and run time, which are the timeout together, and 200 ms for each further item.
const (
	crmSettle     = 300 * time.Millisecond
	crmQueueLimit = time.Second
	crmTimeout    = 3 * time.Second
	quiet         = crmTimeout + 49*200*time.Millisecond
)

// portal is a simulated CRM that notes who asked for what.
type portal struct {
	sim *crmtest.Simulator
	url string

	mu     sync.Mutex
	seen   []sighting
	decide func(sighting) crmtest.Action // nil: everything passes
	number map[string]int                // of a lead, by its id in the CRM
}

// sighting is one call that names leads.
type sighting struct {
	at     time.Time
	who    string // process
	create bool   // else a look-up
	leads  []int
}

// keyPrefix of each process's key: the CRM tells by it who asks.
const keyPrefix = "vibe_api_"

func newPortal(t *testing.T, o crmtest.Options) *portal {
	t.Helper()
	p := &portal{sim: crmtest.New(o), number: map[string]int{}}
	p.sim.Script(p.see)
	server := httptest.NewServer(p.sim)
	t.Cleanup(server.Close)
	t.Cleanup(p.sim.Close) // first: it ends what hangs
	p.url = server.URL
	return p
}

var originIDs = regexp.MustCompile(`lb-[0-9a-f]{40}`)

// see notes a call and decides it.
func (p *portal) see(c crmtest.Call) crmtest.Action {
	ids := originIDs.FindAll(c.Body, -1)
	if len(ids) == 0 {
		return crmtest.Action{}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	s := sighting{
		at:     c.At,
		who:    strings.TrimPrefix(c.Header.Get("X-Api-Key"), keyPrefix),
		create: c.Is("POST /v1/contacts") || c.Is("POST /v1/batch") && bytes.Contains(c.Body, []byte(`"action":"create"`)),
	}
	for _, id := range ids {
		s.leads = append(s.leads, p.number[string(id)])
	}
	p.seen = append(p.seen, s)
	if p.decide == nil {
		return crmtest.Action{}
	}
	return p.decide(s)
}

// script lets f decide every call that names leads; nil lets them pass.
func (p *portal) script(f func(sighting) crmtest.Action) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.decide = f
}

// know tells the portal a lead's id.
func (p *portal) know(origin string, number int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.number[origin] = number
}

// sightings are those that keep wants, in their order.
func (p *portal) sightings(keep func(sighting) bool) []sighting {
	p.mu.Lock()
	defer p.mu.Unlock()
	var found []sighting
	for _, s := range p.seen {
		if keep(s) {
			found = append(found, s)
		}
	}
	return found
}

func lookups(s sighting) bool { return !s.create }

// madeOnce reports whether a lead was sent once since a time, before the first look-up that names it.
func (p *portal) madeOnce(number int, since time.Time) bool {
	creates := 0
	for _, s := range p.sightings(func(s sighting) bool { return slices.Contains(s.leads, number) && s.at.After(since) }) {
		if !s.create {
			return creates == 1
		}
		creates++
	}
	return creates == 1
}

// leadsOf are the leads that sightings name, with how often.
func leadsOf(seen []sighting) map[int]int {
	found := map[int]int{}
	for _, s := range seen {
		for _, n := range s.leads {
			found[n]++
		}
	}
	return found
}
