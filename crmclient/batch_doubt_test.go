package crmclient_test

import (
	"context"
	"testing"
	"time"

	"github.com/leadbridge/leadbridge/crmclient"
	"github.com/leadbridge/leadbridge/crmclient/crmtest"
)

// Every way for a batch to fail without telling: what worked is found, only what did not is
// created again, and nothing is there twice.
func TestBatchInDoubt(t *testing.T) {
	for name, a := range map[string]crmtest.Action{
		"500":         {Status: 500, Code: "INTERNAL_ERROR"},
		"502":         {Status: 502, Code: "BITRIX_UNAVAILABLE"},
		"504":         {Status: 504, Code: "QUEUE_TIMEOUT", RetryAfter: 7},
		"html":        {Status: 502, Body: "<html>"},
		"unknown 400": {Status: 400, Code: "NEVER_SEEN"},
		"not json":    {Status: 200, Body: "<html>"},
		"no data":     {Status: 200, Body: `{"success":true}`},
		"no results":  {Status: 200, Body: `{"success":true,"data":[]}`},
		"null":        {Status: 200, Body: `{"success":true,"data":null}`},
		"no error":    {Status: 400, Body: `{"success":false,"data":{"errors":{"49":{"code":"INVALID_REQUEST"}}}}`},
		"truncated":   {End: crmtest.Truncate},
		"reset":       {End: crmtest.Reset},
		"closed":      {End: crmtest.Close},
		"hang":        {End: crmtest.Hang},
	} {
		for effect, apply := range map[string]crmtest.Apply{"applied": crmtest.Now, "not applied": crmtest.Never, "late": crmtest.Late} {
			t.Run(name+" "+effect, func(t *testing.T) {
				a := a
				a.Apply = apply
				if apply == crmtest.Late {
					a.After = settle + 2*time.Second // between the two look-ups after an answer
				}
				inBubble(t, slowPortal(), oneSlot, func(w *world) {
					sizes := w.firstBatchOnly(a)
					for n, e := range w.wantCreated(w.together(0, 30)) {
						if e.result.Found != (apply != crmtest.Never) {
							t.Errorf("event %d: %+v", n, e)
						}
					}
					if apply != crmtest.Never && len(*sizes) != 1 {
						t.Errorf("batches of %v", *sizes)
					}
					w.wantContacts(31)
				})
			})
		}
	}
}

// A batch that was not answered may run until queue limit and run time, which grows
// with its items, have passed since it was written.
func TestLifetimeOfABatchGrowsWithItsItems(t *testing.T) {
	const items = 30
	whole := lifetime + (items-1)*200*time.Millisecond
	for name, test := range map[string]struct {
		action crmtest.Action
		found  bool
	}{
		"reset, applied late": {crmtest.Action{Apply: crmtest.Late, After: whole - time.Second, End: crmtest.Reset}, true},
		"hang, applied late":  {crmtest.Action{Apply: crmtest.Late, After: whole - time.Second, End: crmtest.Hang}, true},
		"reset, not applied":  {crmtest.Action{Apply: crmtest.Never, End: crmtest.Reset}, false},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, slowPortal(), oneSlot, func(w *world) {
				w.firstBatchOnly(test.action)
				for n, e := range w.wantCreated(w.together(0, items)) {
					if e.result.Found != test.found || e.took < whole-time.Second || !test.found && e.took < whole+settle {
						t.Errorf("event %d: %+v", n, e)
					}
				}
				w.wantContacts(items + 1)
			})
		})
	}
}

// The answer to a batch is waited for longer than that to a single create.
func TestBatchIsWaitedForLonger(t *testing.T) {
	inBubble(t, slowPortal(), oneSlot, func(w *world) {
		w.firstBatchOnly(crmtest.Action{Apply: crmtest.Now, Delay: lifetime + 9*time.Second})
		for n, e := range w.wantCreated(w.together(0, 50)) {
			if e.result.Found || e.took < lifetime+9*time.Second {
				t.Errorf("event %d: %+v", n, e)
			}
		}
	})
}

// The portal goes on with a batch after its 502. While one of it shows up after the
// other, nothing of it is created again.
func TestTricklingBatchIsNotCreatedAgain(t *testing.T) {
	for name, every := range map[string]time.Duration{"fast": 50 * time.Millisecond, "slow": time.Second, "as slow as can be told": settle - 200*time.Millisecond} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, slowPortal(), oneSlot, func(w *world) {
				sizes := w.firstBatchOnly(crmtest.Action{Apply: crmtest.Trickle, After: every, Status: 502, Code: "BITRIX_UNAVAILABLE"})
				for n, e := range w.wantCreated(w.together(0, 50)) {
					if !e.result.Found {
						t.Errorf("event %d: %+v", n, e)
					}
				}
				if len(*sizes) != 1 {
					t.Errorf("batches of %v", *sizes)
				}
				w.wantContacts(51)
			})
		})
	}
}

// The look-ups of a trickling batch may take several requests, some of which are slow: an
// absence counts only together with what all the others say.
func TestTricklingBatchInSeveralLookUps(t *testing.T) {
	inBubble(t, slowPortal(), func(c *crmclient.Config) { c.Slots = 4; c.BatchSize = 50 }, func(w *world) {
		looks, batches := 0, 0
		w.sim.Script(func(c crmtest.Call) crmtest.Action {
			switch {
			case c.Is(searchCall):
				if looks++; looks%2 == 0 {
					return crmtest.Action{Delay: 9 * time.Second}
				}
			case c.Is(batchPath):
				if batches++; batches == 1 {
					return crmtest.Action{Apply: crmtest.Trickle, After: settle - time.Second, Status: 502, Code: "BITRIX_UNAVAILABLE"}
				}
			case c.Is(createCall):
				return crmtest.Action{Delay: time.Second}
			}
			return crmtest.Action{}
		})
		if err := w.creator.Prepare(w.t.Context()); err != nil {
			t.Fatal(err)
		}
		var all []<-chan ended
		for n := range 54 { // four alone, fifty together
			all = append(all, w.start(w.t.Context(), lead(n)))
			later(0)
		}
		later(4 * time.Second)
		for n := range 60 { // pages are shared with others
			all = append(all, w.start(w.t.Context(), suspect(1000+n)))
			later(40 * time.Millisecond)
		}
		w.wantCreated(all)
		w.wantContacts(114)
	})
}

// A caller that has gone before its batch was answered keeps nobody of the batch in doubt.
func TestCallerThatHasGoneKeepsNobodyInDoubt(t *testing.T) {
	inBubble(t, slowPortal(), oneSlot, func(w *world) {
		w.firstBatchOnly(crmtest.Action{Delay: 3 * time.Second, Status: 502, Code: "BITRIX_UNAVAILABLE"})
		ctx, cancel := context.WithCancel(w.t.Context())
		all := w.together(0, 30)
		gone := w.start(ctx, lead(500))
		later(2 * time.Second) // the batch is in the air
		cancel()
		<-gone
		for n, e := range w.wantCreated(all) {
			if e.took > 3*time.Minute {
				t.Errorf("event %d: %+v", n, e)
			}
		}
	})
}

// Only what is missing is created again.
func TestOnlyTheMissingOnesAgain(t *testing.T) {
	inBubble(t, slowPortal(), oneSlot, func(w *world) {
		missing := map[string]crmtest.ItemError{}
		for _, id := range []string{"4", "17", "29"} {
			missing[id] = crmtest.ItemError{Skip: true}
		}
		sizes := w.firstBatchOnly(crmtest.Action{Apply: crmtest.Now, Status: 502, Code: "BITRIX_UNAVAILABLE", Items: missing})
		for n, e := range w.wantCreated(w.together(0, 30)) {
			if e.result.Found == (n == 4 || n == 17 || n == 29) {
				t.Errorf("event %d: %+v", n, e)
			}
		}
		again := w.sim.Stats().Requests[createCall+" 201"] - 1
		for _, size := range (*sizes)[1:] {
			again += size
		}
		if again != 3 {
			t.Errorf("%d created again, batches of %v", again, *sizes)
		}
		w.wantContacts(31)
	})
}
