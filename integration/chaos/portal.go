package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/leadbridge/leadbridge/crmclient/crmtest"
	"github.com/leadbridge/leadbridge/integration/internal/leads"
)

// What the processes are told about the CRM, and what it does. docs/exceptions.md excepts writes that
// come later than the first two say, so that the faults stay within them, with room for a machine
// that is busy.
const (
	crmSettle     = 2 * time.Second
	crmQueueLimit = 3 * time.Second
	crmTimeout    = 4 * time.Second
	lateBy        = crmSettle / 2
	lookupLag     = crmSettle / 4
)

// matchBlind is how long a contact that one process makes can be missed by the look-up of another one for its person,
// whose create takes effect afterwards: the look-up's lag, and what lies between a look-up and its create.
const matchBlind = lookupLag + crmTimeout + lateBy + time.Second

// portal is the simulated CRM.
type portal struct {
	sim      *crmtest.Simulator
	server   *http.Server
	listener net.Listener
	traffic  *traffic
	keys     *keyring

	mu     sync.Mutex
	rates  crmtest.Faults
	random *rand.Rand
	turn   int      // of the rates
	blind  []string // fields and operators by which look-ups find nothing until the calm
	writes int      // the status of the answers to creates; 0: they work
}

// openPortal starts a CRM that holds event ids in one of three ways, by the seed.
func openPortal(seed uint64, dir string, keys *keyring) (*portal, error) {
	random := rand.New(rand.NewPCG(seed, 2<<32))
	o := crmtest.Options{
		Slots: 2, QueueLimit: crmQueueLimit, ServiceTime: 20 * time.Millisecond, ItemTime: 2 * time.Millisecond, Seed: seed,
	}
	switch random.IntN(5) {
	case 0, 1:
		o.NativeOriginID = true
	case 2, 3:
		o.UserFields, o.ExistingUserField = true, true
	}
	var listen net.ListenConfig
	listener, err := listen.Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("open the CRM: %w", err)
	}
	log, err := os.OpenFile(filepath.Join(dir, "crm.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("log of the CRM: %w", err)
	}
	p := &portal{sim: crmtest.New(o), listener: listener, random: random, keys: keys,
		traffic: &traffic{log: log, events: map[string][]sighting{}, sent: map[string][]sighting{}}}
	p.sim.Script(p.answer)
	p.server = &http.Server{Handler: p.sim, ReadHeaderTimeout: time.Minute}
	go func() {
		if err := p.server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			panic(err) // nothing can be said about a run without a CRM
		}
	}()
	return p, nil
}

func (p *portal) url() string { return "http://" + p.listener.Addr().String() }

func (p *portal) close() {
	_ = p.server.Close()
	p.sim.Close()
	p.traffic.close()
}

// marked are the faults that concern bad events only.
func marked() crmtest.Faults {
	f := leads.Troubles()
	f.LookupLag, f.LateBy = crmtest.Duration(lookupLag), crmtest.Duration(lateBy)
	return f
}

// newRates draws each fault's rate anew, from 1 to 10 %. All of them together fail more than half of the
// calls: the processes hold, and probe with one contact at a time. So that they get to send
// batches too, there are times with half of the faults, and times with few beside those of items.
func (p *portal) newRates() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	f := marked()
	f.Blind = p.blind
	share := []int{100, 50, 15}[p.turn%3]
	p.turn++
	var text strings.Builder
	for _, r := range []struct {
		name string
		to   *float64
	}{
		{"fail_before", &f.FailBefore}, {"apply_then_fail", &f.ApplyThenFail}, {"apply_late", &f.ApplyLate},
		{"batch_trickle", &f.BatchTrickle}, {"hang", &f.Hang}, {"reset", &f.Reset}, {"truncate", &f.Truncate},
		{"html", &f.HTML}, {"throttle", &f.Throttle}, {"bad_key", &f.BadKey},
		{"item_error", &f.ItemError}, {"item_missing", &f.ItemMissing},
	} {
		if p.random.IntN(100) >= share && !strings.HasPrefix(r.name, "item") {
			continue
		}
		*r.to = float64(10+p.random.IntN(91)) / 1000
		fmt.Fprintf(&text, " %s=%.1f%%", r.name, *r.to*100)
	}
	p.rates = f
	p.set(f)
	return text.String()
}

// change sets a fault on top of the rates.
func (p *portal) change(with func(*crmtest.Faults)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	f := p.rates
	with(&f)
	p.set(f)
}

// calm leaves only the troubles of bad events.
func (p *portal) calm() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.rates = marked()
	p.set(p.rates)
}

func (p *portal) set(f crmtest.Faults) {
	if err := p.sim.SetFaults(f); err != nil {
		panic(err) // the rates stand in this file
	}
}

// failWrites has all creates answered with a status, until it is called with 0.
func (p *portal) failWrites(status int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.writes = status
}

// answer is the simulator's script.
func (p *portal) answer(c crmtest.Call) crmtest.Action {
	creates := p.traffic.see(c)
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case !p.keys.good(c.Header.Get("X-Api-Key")):
		return crmtest.Action{Status: http.StatusUnauthorized, Code: "INVALID_API_KEY", Message: "The key is not valid"}
	case !creates || p.writes == 0:
		return crmtest.Action{}
	case p.writes == http.StatusForbidden:
		return crmtest.Action{Status: p.writes, Code: "BITRIX_ACCESS_DENIED", Message: "Access denied"}
	}
	return crmtest.Action{Status: p.writes, Code: "INTERNAL_ERROR", Message: "Internal error"}
}

// traffic notes who asked the CRM for which event. It decides nothing.
type traffic struct {
	mu     sync.Mutex
	log    *os.File
	events map[string][]sighting // by origin id
	sent   map[string][]sighting // creates, by process
}

// sighting is one call that names an event.
type sighting struct {
	at   time.Time
	who  string // process
	what string // create, look-up
	call int
}

// createPaths are those of single creates.
var createPaths = map[string]bool{"/v1/contacts": true, "/v1/leads": true, "/v1/deals": true, "/v1/timelines": true}

var originIDs = regexp.MustCompile(`lb-[0-9a-f]{40}`)

// see notes a call and reports whether it creates something.
func (t *traffic) see(c crmtest.Call) (creates bool) {
	ids := originIDs.FindAll(c.Body, -1)
	s := sighting{at: c.At, who: holderOf(c.Header.Get("X-Api-Key")), what: "look-up", call: c.N}
	if c.Method == http.MethodPost && createPaths[c.Path] || c.Is("POST /v1/batch") && bytes.Contains(c.Body, []byte(`"action":"create"`)) {
		s.what = "create"
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(ids) == 0 && !strings.HasPrefix(c.Path, "/v1/batch") {
		s.what = c.Method + " " + c.Path
	}
	if s.what == "create" {
		t.sent[s.who] = append(t.sent[s.who], s)
	}
	for _, id := range ids {
		t.events[string(id)] = append(t.events[string(id)], s)
	}
	_, _ = fmt.Fprintf(t.log, "%s %-12s %-8s %s (call %d, %d ids)\n", s.at.UTC().Format(clock), s.who, s.what, bytes.Join(ids, []byte(" ")), s.call, len(ids))
	return s.what == "create"
}

// story is all that was asked about an event.
func (t *traffic) story(origin string) []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	var lines []string
	for _, s := range t.events[origin] {
		lines = append(lines, fmt.Sprintf("%s %-12s %-8s call %d", s.at.UTC().Format(clock), s.who, s.what, s.call))
	}
	return lines
}

// creates tells whether a process has sent a create since a time.
func (t *traffic) creates(who string, since time.Time) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	sent := t.sent[who]
	return len(sent) > 0 && sent[len(sent)-1].at.After(since)
}

// created are the creates of one process from from until to.
func (t *traffic) created(who string, from, to time.Time) []sighting {
	t.mu.Lock()
	defer t.mu.Unlock()
	var found []sighting
	for _, s := range t.sent[who] {
		if !s.at.Before(from) && s.at.Before(to) {
			found = append(found, s)
		}
	}
	return found
}

// forget drops what was noted of the events of a round that was found right. The log keeps it.
func (t *traffic) forget() {
	t.mu.Lock()
	defer t.mu.Unlock()
	clear(t.events)
	clear(t.sent)
}

func (t *traffic) close() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.log.Close()
}
