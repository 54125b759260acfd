package crmclient_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/leadbridge/leadbridge/crmclient"
	"github.com/leadbridge/leadbridge/crmclient/crmtest"
)

func TestSuspectFoundAtOnce(t *testing.T) {
	inBubble(t, portalWithField(), nil, func(w *world) {
		first := w.mustCreate(lead(1))
		r := suspect(1)
		sent := time.Now()
		r.SentBefore = func() time.Time { return sent.Add(time.Minute) }
		e := w.mustCreate(r)
		if !e.result.Found || e.result.ContactID != first.result.ContactID || e.result.Attempts != 0 || e.took > time.Second {
			t.Errorf("Create = %+v", e)
		}
		w.wantContacts(1)
	})
}

// Nobody's create can be on its way: looked up now and a settle later, then created.
func TestSuspectWithoutSentBefore(t *testing.T) {
	inBubble(t, portalWithField(), nil, func(w *world) {
		w.mustCreate(lead(99)) // look-ups can be tried with it
		later(settle)
		e := w.mustCreate(suspect(1))
		if e.result.Found || e.result.Attempts != 1 || e.took < settle || e.took > settle+time.Second {
			t.Errorf("Create = %+v", e)
		}
		if n := w.sim.Stats().Lookups; n != 2 {
			t.Errorf("%d look-ups, want 2", n)
		}
		w.wantContacts(2)
	})
}

// Absence counts only when what others may have sent cannot take effect any more.
func TestSuspectWaitsForWhatOthersSent(t *testing.T) {
	inBubble(t, portalWithField(), nil, func(w *world) {
		horizon := time.Now().Add(10 * time.Second)
		r := suspect(1)
		r.SentBefore = func() time.Time { return horizon }
		e := w.mustCreate(r)
		if least := 10*time.Second + batchLifetime + settle; e.result.Found || e.took < least || e.took > least+time.Second {
			t.Errorf("Create = %+v, want %v", e, least)
		}
		w.wantContacts(1)
	})
}

// The horizon may move while the event waits: it is asked again before each decision.
func TestSuspectHorizonMoves(t *testing.T) {
	for name, test := range map[string]struct {
		moves   time.Duration // to so long after the begin
		arrives time.Duration // when the predecessor's create takes effect
	}{
		"far":    {20 * time.Second, batchLifetime + 12*time.Second},
		"little": {3 * time.Second, batchLifetime + 7*time.Second}, // both look-ups were after the first horizon, one before the second
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, portalWithField(), nil, func(w *world) {
				var horizon atomic.Pointer[time.Time]
				begun := time.Now()
				horizon.Store(&begun)
				r := suspect(1)
				r.SentBefore = func() time.Time { return *horizon.Load() }
				done := w.start(w.t.Context(), r)
				later(batchLifetime + settle/2) // between the two look-ups
				moved := begun.Add(test.moves)
				horizon.Store(&moved)
				later(time.Until(begun.Add(test.arrives)))
				other := w.newCreator(func(c *crmclient.Config) { c.Metrics = nil })
				defer other.Close()
				if _, err := other.Create(w.t.Context(), lead(1)); err != nil {
					t.Fatal(err)
				}
				if e := <-done; !e.result.Found {
					t.Errorf("Create = %+v", e)
				}
				w.wantContacts(1)
			})
		})
	}
}

// A suspect that is refused is looked up again before it is.
func TestSuspectRefusedOnlyAfterLookUp(t *testing.T) {
	inBubble(t, portalWithField(), nil, func(w *world) {
		w.mustCreate(lead(99)) // look-ups can be tried with it
		w.setFaults(crmtest.Faults{Refuse: originID(1)})
		e := w.create(suspect(1))
		if r := rejection(e.err); r == nil || r.Reason != crmclient.ReasonRefused {
			t.Errorf("Create = %+v", e)
		}
		if n := w.sim.Stats().Lookups; n != 4 {
			t.Errorf("%d look-ups, want two before and two after the create", n)
		}
	})
}

func TestLookUpAlways(t *testing.T) {
	always := func(c *crmclient.Config) { c.LookupAlways = true }
	inBubble(t, portalWithField(), always, func(w *world) {
		first := w.mustCreate(lead(1))
		again := w.mustCreate(lead(1))
		if first.result.Found || !again.result.Found || again.result.ContactID != first.result.ContactID {
			t.Errorf("Creates = %+v, %+v", first, again)
		}
		if n := w.sim.Stats().Lookups; n != 2 {
			t.Errorf("%d look-ups, want one for each", n)
		}
		w.wantContacts(1)
	})
}

// Suspects are looked up fifty to a request.
func TestSuspectsAreLookedUpTogether(t *testing.T) {
	inBubble(t, portalWithField(), func(c *crmclient.Config) { c.Slots = 1 }, func(w *world) {
		if err := w.creator.Prepare(w.t.Context()); err != nil {
			t.Fatal(err)
		}
		for n := range 100 {
			w.mustCreate(lead(n))
		}
		var all []<-chan ended
		for n := range 120 {
			all = append(all, w.start(w.t.Context(), suspect(n)))
		}
		for n, done := range all {
			if e := <-done; e.err != nil || e.result.Found != (n < 100) {
				t.Errorf("event %d: %+v", n, e)
			}
		}
		w.wantContacts(120)
		// The first leaves alone as the slot is free; two full ones and the rest follow.
		if n := w.sim.Stats().Requests[searchCall+" 200"]; n > 6 {
			t.Errorf("%d look-up requests for 120 suspects", n)
		}
	})
}

// The end of ctx ends Create at once, whatever it waits for, and nothing stays behind
// (the bubble fails when a goroutine does).
func TestContextEndsEveryState(t *testing.T) {
	hang := func(methodPath string) func(*world) {
		return func(w *world) {
			w.script(methodPath, func(int, crmtest.Call) crmtest.Action { return crmtest.Action{End: crmtest.Hang} })
		}
	}
	always := func(methodPath string, a crmtest.Action) func(*world) {
		return func(w *world) {
			w.script(methodPath, func(int, crmtest.Call) crmtest.Action { return a })
		}
	}
	for name, test := range map[string]struct {
		setUp   func(*world)
		request crmclient.Request
	}{
		"preparing":          {hang("GET /v1/me"), lead(1)},
		"request in the air": {hang(createCall), lead(1)},
		"settling":           {always(createCall, crmtest.Action{Status: 502}), lead(1)},
		"look-up in the air": {hang(searchCall), suspect(1)},
		"between look-ups":   {func(*world) {}, suspect(1)},
		"throttled":          {always(createCall, crmtest.Action{Status: 429, RetryAfter: 60}), lead(1)},
		"bad key":            {always("GET /v1/me", crmtest.Action{Status: 401}), lead(1)},
		"neutral call":       {hang(fieldsCall), lead(1)},
		"unreachable":        {func(w *world) { w.server.Refuse(errors.New("down")) }, lead(1)},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, portalWithField(), nil, func(w *world) {
				test.setUp(w)
				ctx, cancel := context.WithCancel(w.t.Context())
				done := w.start(ctx, test.request)
				other := w.start(ctx, lead(2))
				later(3 * time.Second)
				cancel()
				ended := time.Now()
				if e := <-done; !errors.Is(e.err, context.Canceled) || !time.Now().Equal(ended) {
					t.Errorf("Create = %+v, %v after the end", e, time.Since(ended))
				}
				<-other
				later(0)
				if s := w.creator.Status(); s.InFlight != 0 || s.Waiting != 0 {
					t.Errorf("left behind: %+v", s)
				}
			})
		})
	}
}

// A waiting Create leaves the others alone when it ends.
func TestContextEndOfOneLeavesSharedLookUp(t *testing.T) {
	inBubble(t, portalWithField(), func(c *crmclient.Config) { c.Slots = 1 }, func(w *world) {
		w.mustCreate(lead(1))
		w.mustCreate(lead(2))
		w.script(searchCall, func(int, crmtest.Call) crmtest.Action { return crmtest.Action{Delay: time.Second} })
		blocker := w.start(w.t.Context(), suspect(3)) // takes the slot
		later(100 * time.Millisecond)
		ctx, cancel := context.WithCancel(w.t.Context())
		gone, stays := w.start(ctx, suspect(1)), w.start(w.t.Context(), suspect(2))
		later(1500 * time.Millisecond)
		cancel()
		if e := <-gone; !errors.Is(e.err, context.Canceled) {
			t.Errorf("Create = %+v", e)
		}
		if e := <-stays; !e.result.Found || e.took > 3*time.Second {
			t.Errorf("Create = %+v", e)
		}
		<-blocker
	})
}

// Where creates have use for every request, look-ups that come one after another wait for each
// other; else the first of them hardly does.
func TestLookUpsGatherBesideCreates(t *testing.T) {
	for name, test := range map[string]struct{ creates, most int }{"beside creates": {100, 2}, "alone": {0, 10}} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, slowPortal(), func(c *crmclient.Config) { c.Slots, c.BatchSize = 1, 1 }, func(w *world) {
				w.mustCreate(lead(999)) // look-ups can be tried with it
				ctx, cancel := context.WithCancel(w.t.Context())
				var all []<-chan ended
				for n := range test.creates {
					all = append(all, w.start(ctx, lead(n)))
				}
				for n := range 10 {
					later(100 * time.Millisecond)
					all = append(all, w.start(ctx, suspect(1000+n)))
				}
				later(1500 * time.Millisecond)
				if n := w.sim.Stats().Lookups; n == 0 || n > test.most || test.creates == 0 && n < test.most/2 {
					t.Errorf("%d look-ups", n)
				}
				cancel()
				for _, done := range all {
					<-done
				}
			})
		})
	}
}
