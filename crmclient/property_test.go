package crmclient_test

import (
	"fmt"
	"math/rand/v2"
	"regexp"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/leadbridge/leadbridge/crmclient"
	"github.com/leadbridge/leadbridge/crmclient/crmtest"
	"github.com/leadbridge/leadbridge/internal/seeds"
)

// The tests of this file show what holds whatever the portal does, each with many seeds of random trouble.

// withSeeds runs a test for each of so many seeds, or for fewer, see [seeds.Of].
func withSeeds(t *testing.T, n int, o crmtest.Options, change func(*crmclient.Config), test func(*world, *rand.Rand)) {
	t.Helper()
	for seed := range seeds.Of(n) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			o.Seed = seed
			inBubble(t, o, change, func(w *world) {
				w.prepare()
				test(w, rand.New(rand.NewPCG(seed, 1)))
			})
		})
	}
}

// someTime is a time between two, small ones as likely as great ones.
func someTime(r *rand.Rand, least, most time.Duration) time.Duration {
	f := r.Float64()
	return time.Duration(float64(least)*(1-f*f*f) + float64(most)*f*f*f)
}

// ownFaults strike single events, by the name of the person.
var ownFaults = crmtest.Faults{Poison: "Poison", Forbid: "Forbid", Refuse: "Refuse", Business: "Business"}

// badNames are the names of persons that are struck.
var badNames = []string{"Poison", "Forbid", "Refuse", "Business"}

// firstSends notes when the first create of each event arrives at the portal. Safe for concurrent use.
type firstSends struct {
	mu    sync.Mutex           // guards everything below
	at    map[string]time.Time // by origin id
	calls []time.Time          // of all requests for creates
}

var originIDs = regexp.MustCompile(`lb-[0-9a-f]{32}`)

// watch notes first sends; then decides what becomes of a create.
func (w *world) watch(decide func() crmtest.Action) *firstSends {
	f := &firstSends{at: map[string]time.Time{}}
	w.sim.Script(func(c crmtest.Call) crmtest.Action {
		if !c.Is(createCall) && !c.Is(batchPath) {
			return crmtest.Action{}
		}
		f.mu.Lock()
		defer f.mu.Unlock()
		f.calls = append(f.calls, c.At)
		for _, id := range originIDs.FindAllString(string(c.Body), -1) {
			if _, known := f.at[id]; !known {
				f.at[id] = c.At
			}
		}
		return decide()
	})
	return f
}

// around returns when the last request for creates before a time arrived, and the first from then on.
func (f *firstSends) around(at time.Time) (last, next time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, call := range f.calls {
		if !call.Before(at) {
			return last, call
		}
		last = call
	}
	return last, at.Add(time.Hour)
}

func pass() crmtest.Action { return crmtest.Action{} }

// mixed starts events at random times, apart by a gap at most that is random, too. A part of them is
// struck by a fault of its own. It returns when each event came.
func (w *world) mixed(r *rand.Rand, events int, leastGap time.Duration, badPart float64) (good, bad []<-chan ended, came map[string]time.Time) {
	w.t.Helper()
	came = map[string]time.Time{}
	gap := someTime(r, leastGap, 10*time.Second)
	n := -1
	good, bad = w.stream(events, 0, func(int) (crmclient.Request, bool) {
		later(someTime(r, 0, gap))
		n++
		req := lead(n)
		isBad := r.Float64() < badPart
		if isBad {
			req.Contact.Name = badNames[r.IntN(len(badNames))]
		}
		came[req.OriginID] = time.Now()
		return req, !isBad
	})
	return good, bad, came
}

// wantFirstSendsWithin checks how long events that were never tried waited.
func (w *world) wantFirstSendsWithin(f *firstSends, came map[string]time.Time, limit time.Duration) {
	w.t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	for id, at := range came {
		sent, ok := f.at[id]
		if !ok {
			sent = time.Now()
		}
		if waited := sent.Sub(at); waited > limit {
			w.t.Errorf("%s was never tried and waited for %v (sent then: %v), want %v at most", id, waited, ok, limit)
		}
	}
}

// endBad lets others pass until the bad ones are letters.
func (w *world) endBad(bad []<-chan ended) {
	w.t.Helper()
	for n := 0; countEnded(bad) < len(bad); n++ {
		if n == 2000 {
			w.t.Fatalf("%d of %d bad events are no letters after 2000 others", len(bad)-countEnded(bad), len(bad))
		}
		w.mustCreate(lead(100_000 + n))
		later(time.Second)
	}
	for n, done := range bad {
		if e := <-done; rejection(e.err) == nil {
			w.t.Errorf("bad event %d: %+v", n, e)
		}
	}
}

// Beside events that fail for themselves, and answers that are lost, an event that was never
// tried leaves soon; each good one becomes one contact, and each bad one a letter.
func TestFreshEventsWaitForNoOther(t *testing.T) {
	withSeeds(t, 60, productionPortal(), production, func(w *world, r *rand.Rand) {
		f := ownFaults
		lost := r.Float64() * .1
		f.ApplyThenFail, f.Truncate, f.Reset = lost/3, lost/3, lost/3
		w.setFaults(f)
		sends := w.watch(pass)
		good, bad, came := w.mixed(r, 100, time.Second/3, r.Float64()*.4)
		w.wantCreated(good)
		w.wantFirstSendsWithin(sends, came, 15*time.Second)
		w.setFaults(ownFaults)
		w.endBad(bad)
		if s := w.sim.Stats(); s.Duplicates != 0 {
			w.t.Errorf("%d duplicates", s.Duplicates)
		}
	})
}

// The same while a part of all creates fails, whoever's they are, at most three in a row.
func TestHalfAnOutageRejectsNobody(t *testing.T) {
	withSeeds(t, 60, productionPortal(), production, func(w *world, r *rand.Rand) {
		fails, status := .2+.4*r.Float64(), []int{403, 422, 500, 502}[r.IntN(4)]
		inRow, portal := 0, rand.New(rand.NewPCG(r.Uint64(), 2)) // the portal's own chance
		sends := w.watch(func() crmtest.Action {
			if inRow++; inRow > 3 || portal.Float64() > fails {
				inRow = 0
			} else {
				return crmtest.Action{Status: status, Code: map[int]string{403: "BITRIX_ACCESS_DENIED", 422: "BITRIX_ERROR"}[status]}
			}
			return crmtest.Action{}
		})
		good, _, came := w.mixed(r, 100, 3*time.Second, 0) // as many as may pass
		w.wantCreated(good)
		w.wantFirstSendsWithin(sends, came, 15*time.Second)
		w.wantContacts(100)
	})
}

// One event's failures hold that event alone, however often it is tried.
func TestOneEventHoldsNobody(t *testing.T) {
	o := productionPortal()
	o.ErrorLoop = 0 // which blocks the key for what one event does alone
	withSeeds(t, 60, o, production, func(w *world, r *rand.Rand) {
		w.setFaults(ownFaults)
		bad := w.start(w.t.Context(), named(0, badNames[r.IntN(len(badNames))]))
		gap := someTime(r, time.Second, 5*time.Minute)
		for n := 0; len(bad) == 0; n++ {
			later(someTime(r, time.Millisecond, gap))
			w.wantHolds("")
			if e := w.mustCreate(lead(n + 1)); e.took > time.Second {
				w.t.Errorf("a good lead waited for %v", e.took)
			}
			if n == 1000 {
				w.t.Fatal("no letter after a thousand others")
			}
		}
		if e := <-bad; rejection(e.err) == nil || e.result.Attempts == 0 {
			w.t.Errorf("Create = %+v", e)
		}
		if n := w.logs.count("CRM held"); n != 0 {
			w.t.Errorf("%d holds", n)
		}
	})
}

// While no create passes nobody is charged, and with an event that comes five seconds after
// the last try there is another at once: its own, or in turn that of the one that waits longest. When creates pass again, all are created soon.
func TestOutageTriesFreshEventsAndChargesNobody(t *testing.T) {
	withSeeds(t, 60, productionPortal(), production, func(w *world, r *rand.Rand) {
		w.mustCreate(lead(99_999))
		status := []int{403, 404, 422, 500, 502}[r.IntN(5)]
		var mended atomic.Bool
		sends := w.watch(func() crmtest.Action {
			if mended.Load() {
				return crmtest.Action{}
			}
			return crmtest.Action{Status: status, Code: "BITRIX_UNAVAILABLE"}
		})
		good, _, came := w.mixed(r, 60, time.Second/3, 0)
		later(someTime(r, time.Minute, 3*time.Hour))
		if n := countEnded(good); n != 0 {
			w.t.Fatalf("%d ended while no create passed", n)
		}
		for id, at := range came {
			last, next := sends.around(at)
			if at.Sub(last) > 5*time.Second && next.Sub(at) > time.Second {
				w.t.Errorf("%s came %v after the last try, and the next followed %v later", id, at.Sub(last), next.Sub(at))
			}
		}
		mended.Store(true)
		ended := time.Now()
		w.wantCreated(good)
		if took := time.Since(ended); took > 90*time.Second {
			w.t.Errorf("the last was created %v after the outage", took)
		}
		w.wantContacts(61)
	})
}

// Refusals without a pass are a flood from the limit on, however they come: letters wait, sends
// of fresh events do not. A pass ends it, and each refused one becomes a letter.
func TestFloodHoldsLettersOnly(t *testing.T) {
	const limit = 10
	withSeeds(t, 100, productionPortal(), func(c *crmclient.Config) { production(c); c.FloodLimit = limit }, func(w *world, r *rand.Rand) {
		w.setFaults(ownFaults)
		sends := w.watch(pass)
		came := map[string]time.Time{}
		events := limit + r.IntN(60)
		slowest := someTime(r, time.Millisecond, 30*time.Second)
		_, bad := w.stream(events, 0, func(n int) (crmclient.Request, bool) {
			later(someTime(r, 0, slowest))
			req := named(n, "Refuse")
			req.Suspect = r.IntN(5) == 0
			if !req.Suspect {
				came[req.OriginID] = time.Now()
			}
			return req, false
		})
		later(someTime(r, time.Minute, time.Hour))
		w.wantHolds("flood")
		if n := countEnded(bad); n != limit {
			w.t.Errorf("%d letters of %d refused, want %d", n, events, limit)
		}
		w.wantFirstSendsWithin(sends, came, 15*time.Second)
		if e := w.mustCreate(lead(1000)); e.took > 2*time.Second {
			w.t.Errorf("a good lead waited for %v", e.took)
		}
		w.wantHolds("")
		w.wantLetters(bad, crmclient.ReasonRefused)
		w.wantContacts(1)
	})
}
