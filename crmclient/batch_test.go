package crmclient_test

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/leadbridge/leadbridge/crmclient"
	"github.com/leadbridge/leadbridge/crmclient/crmtest"
)

const batchPath = "POST /v1/batch"

// oneSlot lets fifty creates into a request and one request leave at a time, so that all
// that is started together travels together.
func oneSlot(c *crmclient.Config) { c.Slots, c.BatchSize = 1, 50 }

// slowPortal takes a while for a request: what is started meanwhile waits together.
func slowPortal() crmtest.Options {
	o := portalWithField()
	o.ServiceTime = 100 * time.Millisecond
	return o
}

// plug keeps the only slot busy, with event 9999, until the next events wait together.
func (w *world) plug() {
	w.t.Helper()
	if err := w.creator.Prepare(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
	w.start(w.t.Context(), lead(9999))
	later(time.Millisecond)
}

// together starts events from..to-1 so that they wait for the same slot.
func (w *world) together(from, to int) []<-chan ended {
	w.t.Helper()
	w.plug()
	var all []<-chan ended
	for n := from; n < to; n++ {
		all = append(all, w.start(w.t.Context(), lead(n)))
		later(0) // in this order
	}
	return all
}

// wantCreated waits for creates, all of which have to work.
func (w *world) wantCreated(all []<-chan ended) []ended {
	w.t.Helper()
	var list []ended
	for n, done := range all {
		e := <-done
		if e.err != nil || e.result.ContactID == 0 {
			w.t.Errorf("event %d of %d: %+v", n, len(all), e)
		}
		list = append(list, e)
	}
	return list
}

// calls are the ids of the events of a batch, in the order of its calls.
func calls(t *testing.T, c crmtest.Call) []string {
	t.Helper()
	var body struct {
		Calls []struct {
			ID, Entity, Action string
			Params             map[string]any
		}
	}
	if err := json.Unmarshal(c.Body, &body); err != nil {
		t.Error(err)
	}
	var ids []string
	for _, call := range body.Calls {
		id := ""
		for _, v := range call.Params {
			if s, _ := v.(string); strings.HasPrefix(s, "lb-") {
				id = s
			}
		}
		if call.Entity != "contacts" || call.Action != "create" || id == "" {
			t.Errorf("call %+v", call)
		}
		ids = append(ids, id)
	}
	return ids
}

// sizes records how many creates each batch has.
func (w *world) sizes(f func(n int, c crmtest.Call) crmtest.Action) *[]int {
	var sizes []int
	w.script(batchPath, func(n int, c crmtest.Call) crmtest.Action {
		sizes = append(sizes, len(calls(w.t, c)))
		if f == nil {
			return crmtest.Action{}
		}
		return f(n, c)
	})
	return &sizes
}

// firstBatchOnly scripts the first batch; the others pass.
func (w *world) firstBatchOnly(a crmtest.Action) *[]int {
	return w.sizes(func(n int, _ crmtest.Call) crmtest.Action {
		if n == 1 {
			return a
		}
		return crmtest.Action{}
	})
}

// A free slot takes what waits, up to fifty; one alone is no batch; a batch is one request.
func TestBatchTakesWhatWaits(t *testing.T) {
	inBubble(t, slowPortal(), oneSlot, func(w *world) {
		sizes := w.sizes(nil)
		begun := time.Now()
		w.wantCreated(w.together(0, 121))
		if want := []int{50, 50, 21}; !slices.Equal(*sizes, want) {
			t.Errorf("batches of %v, want %v", *sizes, want)
		}
		s := w.sim.Stats()
		if n := s.Requests[createCall+" 201"]; n != 1 {
			t.Errorf("%d single creates, want that of the first", n)
		}
		if took := time.Since(begun); took > time.Second {
			t.Errorf("took %v: something lingers", took)
		}
		w.wantContacts(122)
		w.wantHolds("")
	})
}

func TestBatchSizeIsBounded(t *testing.T) {
	for name, test := range map[string]struct {
		size int
		want []int
	}{"off": {1, nil}, "few": {7, []int{7, 7, 6}}, "not given": {0, []int{20}}, "too many": {500, []int{20}}} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, slowPortal(), func(c *crmclient.Config) { c.Slots, c.BatchSize = 1, test.size }, func(w *world) {
				sizes := w.sizes(nil)
				w.wantCreated(w.together(0, 20))
				if !slices.Equal(*sizes, test.want) {
					t.Errorf("batches of %v, want %v", *sizes, test.want)
				}
				w.wantContacts(21)
			})
		})
	}
}

// H13: each item has its own outcome, and none holds the others or is sent again blindly.
func TestH13OutcomePerItem(t *testing.T) {
	for name, test := range map[string]struct {
		item  crmtest.ItemError
		alone bool // sent alone before anything else
		found bool // by a look-up, not created again
	}{
		"refused":           {crmtest.ItemError{Code: "VALIDATION_ERROR", Skip: true}, true, false},
		"conflict":          {crmtest.ItemError{Code: "CONFLICT", Skip: true}, true, false},
		"business":          {crmtest.ItemError{Code: "BITRIX_ERROR", Skip: true}, true, false},
		"scope":             {crmtest.ItemError{Code: "SCOPE_NOT_ALLOWED", Skip: true}, true, false},
		"forbidden":         {crmtest.ItemError{Code: "BITRIX_ACCESS_DENIED", Skip: true}, true, false},
		"throttled":         {crmtest.ItemError{Code: "RATE_LIMITED", Skip: true}, true, false},
		"missing, made":     {crmtest.ItemError{}, false, true},
		"missing, not made": {crmtest.ItemError{Skip: true}, false, false},
		"unknown, made":     {crmtest.ItemError{Code: "NEVER_SEEN"}, false, true},
		"failed, made":      {crmtest.ItemError{Code: "BITRIX_UNAVAILABLE"}, false, true},
		"failed, not made":  {crmtest.ItemError{Code: "INTERNAL_ERROR", Skip: true}, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, slowPortal(), oneSlot, func(w *world) {
				sizes := w.firstBatchOnly(crmtest.Action{Items: map[string]crmtest.ItemError{"3": test.item, "4": test.item, "5": test.item}})
				all := w.together(0, 10)
				later(250 * time.Millisecond) // right after the batch
				w.wantHolds("")
				for n, e := range w.wantCreated(all) {
					if n < 3 || n > 5 {
						if e.took > time.Second || e.result.Attempts != 1 {
							t.Errorf("event %d: %+v", n, e)
						}
						continue
					}
					if e.result.Found != test.found || test.alone != (e.took < settle) {
						t.Errorf("event %d: %+v", n, e)
					}
				}
				if test.alone && len(*sizes) != 1 && name != "throttled" {
					t.Errorf("batches of %v: not alone", *sizes)
				}
				if looks := w.sim.Stats().Lookups; (looks == 0) != test.alone {
					t.Errorf("%d look-ups", looks)
				}
				w.wantContacts(11)
			})
		})
	}
}

// An item that is refused is sent once alone, and its letter has the reason of that.
func TestRefusedItemIsSentAloneFirst(t *testing.T) {
	for name, test := range map[string]struct {
		faults   crmtest.Faults
		want     crmclient.Rejection
		attempts int
	}{
		"refused":  {crmtest.Faults{Refuse: originID(3)}, crmclient.Rejection{Reason: crmclient.ReasonRefused, Status: 400, Code: "VALIDATION_ERROR", Attempts: 1}, 2},
		"conflict": {crmtest.Faults{Conflict: originID(3)}, crmclient.Rejection{Reason: crmclient.ReasonRefused, Status: 409, Code: "ALREADY_EXISTS", Attempts: 1}, 2},
		"business": {crmtest.Faults{Business: originID(3)}, crmclient.Rejection{Reason: crmclient.ReasonRefused, Status: 422, Code: "BITRIX_ERROR", Attempts: 6}, 7},
		"forbid":   {crmtest.Faults{Forbid: originID(3)}, crmclient.Rejection{Reason: crmclient.ReasonRetriesExhausted, Status: 403, Code: "BITRIX_ACCESS_DENIED", Attempts: 6}, 7},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, slowPortal(), oneSlot, func(w *world) {
				w.setFaults(test.faults)
				for n, done := range w.together(0, 10) {
					e := <-done
					if n != 3 {
						if e.err != nil {
							t.Errorf("event %d: %+v", n, e)
						}
						continue
					}
					r := rejection(e.err)
					if r == nil {
						t.Fatalf("Create = %+v", e)
					}
					test.want.Message = r.Message
					if *r != test.want || e.result.Attempts != test.attempts || r.Message == "" {
						t.Errorf("rejection %+v after %d creates, want %+v after %d", *r, e.result.Attempts, test.want, test.attempts)
					}
				}
				w.wantContacts(10)
				w.wantHolds("")
			})
		})
	}
}

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

// H4: a batch that was not answered may run until queue limit and run time, which grows
// with its items, have passed since it was written.
func TestH4LifetimeOfABatchGrows(t *testing.T) {
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

// H4: the portal goes on with a batch after its 502. While one of it shows up after the
// other, nothing of it is created again.
func TestH4TricklingBatch(t *testing.T) {
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
func TestH4TricklingBatchInSeveralLookUps(t *testing.T) {
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

// One bad item cannot hold the others: those that failed with it go again in halves, apart
// from bystanders, until it is alone; only then is it charged.
func TestH22OneBadItemOfABatch(t *testing.T) {
	inBubble(t, slowPortal(), oneSlot, func(w *world) {
		var with []int
		w.sim.Script(func(c crmtest.Call) crmtest.Action {
			if !concerns(c, 7) || c.Is(searchCall) {
				return crmtest.Action{}
			}
			if c.Is(batchPath) {
				with = append(with, len(calls(t, c)))
			}
			return crmtest.Action{Status: 500, Code: "INTERNAL_ERROR"}
		})
		all := w.together(0, 50)
		for n := range 300 { // bystanders
			w.mustCreate(lead(100 + n))
			later(time.Second)
		}
		for n, done := range all {
			e := <-done
			if n != 7 && e.err != nil {
				t.Errorf("event %d: %+v", n, e)
			}
			if r := rejection(e.err); n == 7 && (r == nil || r.Reason != crmclient.ReasonRetriesExhausted || r.Attempts != 6) {
				t.Errorf("event %d: %+v", n, e)
			}
		}
		if len(with) < 2 || with[0] != 50 || len(with) > 8 {
			t.Errorf("batches of %v with the bad one", with)
		}
		for i := 2; i < len(with); i++ {
			if with[i] > (with[i-1]+1)/2 {
				t.Errorf("batches of %v with the bad one: not in halves", with)
			}
		}
		w.wantContacts(350)
	})
}

// What failed together goes again without bystanders.
func TestFailedBatchGoesAgainAlone(t *testing.T) {
	inBubble(t, slowPortal(), oneSlot, func(w *world) {
		var all []<-chan ended
		bystanders := func(from int) {
			for n := range 5 {
				all = append(all, w.start(w.t.Context(), lead(from+n)))
			}
		}
		var sizes []int
		looks := 0
		w.sim.Script(func(c crmtest.Call) crmtest.Action {
			if c.Is(searchCall) {
				if looks++; looks == 2 { // after it the failed ones wait
					bystanders(100)
				}
			}
			if c.Is(batchPath) {
				sizes = append(sizes, len(calls(t, c)))
				switch len(sizes) {
				case 1:
					return crmtest.Action{Status: 502, Code: "BITRIX_UNAVAILABLE"}
				case 2:
					bystanders(200)
				}
			}
			return crmtest.Action{}
		})
		failed := w.together(0, 10)
		w.wantCreated(failed)
		later(time.Second)
		w.wantCreated(all)
		slices.Sort(sizes) // which of two waits longer is chance
		if want := []int{5, 5, 10, 10}; !slices.Equal(sizes, want) {
			t.Errorf("batches of %v, want %v", sizes, want)
		}
		w.wantContacts(21)
	})
}

// Every call failed validation: a 400 for the whole that is read per item.
func TestWholeBatchInvalidIsReadPerItem(t *testing.T) {
	inBubble(t, slowPortal(), oneSlot, func(w *world) {
		sizes := w.sizes(nil)
		all := w.together(0, 10)
		w.setFaults(crmtest.Faults{Refuse: "Name"})
		for n, done := range all {
			e := <-done
			if r := rejection(e.err); r == nil || r.Code != "VALIDATION_ERROR" || e.result.Attempts != 2 {
				t.Errorf("event %d: %+v", n, e)
			}
		}
		s := w.sim.Stats()
		if len(*sizes) != 1 || s.Lookups != 0 || s.Requests[batchPath+" 400"] != 1 {
			t.Errorf("batches of %v, stats %+v", *sizes, s)
		}
	})
}

// H22: any other 4xx for the whole is no word about its items: they go in halves, without doubt.
func TestH22WholeBatch4xxSplits(t *testing.T) {
	for name, a := range map[string]crmtest.Action{
		"413":       {Status: 413, Body: "<html>"},
		"400":       {Status: 400, Code: "INVALID_REQUEST"},
		"409":       {Status: 409, Code: "CONFLICT"},
		"422":       {Status: 422, Code: "BITRIX_ERROR"},
		"no errors": {Status: 400, Body: `{"success":false,"error":{"code":"INVALID_REQUEST"},"data":{"errors":{}}}`},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, slowPortal(), oneSlot, func(w *world) {
				sizes := w.sizes(func(_ int, c crmtest.Call) crmtest.Action {
					if len(calls(t, c)) > 10 {
						return a
					}
					return crmtest.Action{}
				})
				for n, e := range w.wantCreated(w.together(0, 40)) {
					if e.took > 5*time.Second {
						t.Errorf("event %d: %+v", n, e)
					}
				}
				if s := w.sim.Stats(); s.Lookups != 0 || len(*sizes) > 12 {
					t.Errorf("batches of %v, %d look-ups", *sizes, s.Lookups)
				}
				w.wantContacts(41)
				w.wantHolds("")
			})
		})
	}
}

// An item that is too large for its batch is told from its mates, and refused when it is alone.
func TestH22TooLargeItem(t *testing.T) {
	o := slowPortal()
	o.MaxBody = 4096
	inBubble(t, o, oneSlot, func(w *world) {
		w.plug()
		var all []<-chan ended
		for n := range 20 {
			r := lead(n)
			if n == 7 {
				r.Contact.Comments = strings.Repeat("x", 5000)
			}
			all = append(all, w.start(w.t.Context(), r))
		}
		for n, done := range all {
			e := <-done
			if r := rejection(e.err); n == 7 && (r == nil || r.Reason != crmclient.ReasonTooLarge) || n != 7 && e.err != nil {
				t.Errorf("event %d: %+v", n, e)
			}
		}
		w.wantContacts(20)
	})
}

// 429 for a batch: nothing was applied, all stay, nobody is in doubt.
func TestThrottledBatch(t *testing.T) {
	inBubble(t, slowPortal(), oneSlot, func(w *world) {
		w.firstBatchOnly(crmtest.Action{Status: 429, Code: "RATE_LIMITED", RetryAfter: 30})
		all := w.together(0, 30)
		later(time.Second)
		w.wantHolds("throttle")
		for n, e := range w.wantCreated(all) {
			if e.took < 30*time.Second || e.took > 33*time.Second {
				t.Errorf("event %d: %+v", n, e)
			}
		}
		if n := w.sim.Stats().Lookups; n != 0 {
			t.Errorf("%d look-ups", n)
		}
		w.wantContacts(31)
		w.wantHolds("")
	})
}

// Credentials: a batch is held like a single create, and the probes are single.
func TestCredentialsHoldABatch(t *testing.T) {
	for name, a := range map[string]crmtest.Action{
		"401": {Status: 401, Code: "KEY_EXPIRED"},
		"402": {Status: 402, Code: "BILLING_REQUIRED"},
		"403": {Status: 403, Code: "SCOPE_DENIED"},
		"404": {Status: 404, Body: "<html>"},
		"405": {Status: 405, Code: "METHOD_NOT_ALLOWED"},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, slowPortal(), oneSlot, func(w *world) {
				all := w.together(0, 30)
				w.sim.Script(func(crmtest.Call) crmtest.Action { return a })
				later(time.Hour)
				w.wantHolds("credentials")
				if n := w.sim.Stats().Requests[batchPath+" "+name]; n > 1 {
					t.Errorf("%d batches while held", n)
				}
				w.sim.Script(nil)
				w.wantCreated(all)
				w.wantContacts(31)
				w.wantHolds("")
				if n := w.logs.count("offers no batches"); n != 0 {
					t.Errorf("batches given up")
				}
				if n := w.sim.Stats().Batches; n == 0 {
					t.Error("no batch after the hold")
				}
			})
		})
	}
}

// H34: a portal without /v1/batch gets singles, the log says so once, and it is asked again when
// the portal is looked at the next time.
func TestH34NoBatch(t *testing.T) {
	o := slowPortal()
	o.NoBatch = true
	inBubble(t, o, oneSlot, func(w *world) {
		w.wantCreated(w.together(0, 100))
		s := w.sim.Stats()
		if n := s.Requests[batchPath+" 404"]; n != 1 {
			t.Errorf("%d batches were tried", n)
		}
		if n := w.logs.count(`"warn"`, "offers no batches"); n != 1 || s.Lookups != 0 {
			t.Errorf("logged %d times, %d look-ups", n, s.Lookups)
		}
		w.wantContacts(101)
		w.wantHolds("")

		w.sim.Update(func(o *crmtest.Options) { o.NoBatch = false })
		w.script(searchCall, func(n int, _ crmtest.Call) crmtest.Action {
			if n == 1 { // which makes the Creator ask what the portal offers
				return crmtest.Action{Status: 400, Code: "INVALID_FILTER_FIELD"}
			}
			return crmtest.Action{}
		})
		w.mustCreate(suspect(1))
		w.sim.Script(nil)
		w.sim.Reset()
		w.wantCreated(w.together(200, 250))
		if n := w.sim.Stats().Batches; n != 1 {
			t.Errorf("%d batches", n)
		}
	})
}

// What a batch that was not offered held was not sent: who leaves then is not unsettled.
func TestH34CallerLeavesAfterNoBatch(t *testing.T) {
	o := slowPortal()
	o.NoBatch = true
	inBubble(t, o, oneSlot, func(w *world) {
		w.plug()
		ctx, cancel := context.WithCancel(w.t.Context())
		var all []<-chan ended
		for n := range 9 {
			all = append(all, w.start(w.t.Context(), lead(n)))
			later(0)
		}
		left := w.start(ctx, lead(9))
		later(500 * time.Millisecond)
		cancel()
		if e := <-left; !errors.Is(e.err, context.Canceled) || e.result.Unsettled {
			t.Errorf("left: %+v", e)
		}
		w.wantCreated(all)
		w.wantContacts(10)
	})
}

// The lease of each item counts: one that is lost before the request is left out.
func TestLeaseOfEachItem(t *testing.T) {
	for name, loses := range map[string]int{"before": 1, "in Write": 2} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, slowPortal(), oneSlot, func(w *world) {
				sizes := w.sizes(nil)
				w.plug()
				var all []<-chan ended
				for n := range 10 {
					r := lead(n)
					if n == 3 {
						asked := 0
						r.Lease = func() error {
							if asked++; asked >= loses {
								return errGone
							}
							return nil
						}
					}
					all = append(all, w.start(w.t.Context(), r))
				}
				for n, done := range all {
					e := <-done
					if n == 3 && (!errors.Is(e.err, crmclient.ErrLeaseLost) || !errors.Is(e.err, errGone) || e.result.Unsettled) {
						t.Errorf("event %d: %+v", n, e)
					}
					if n != 3 && (e.err != nil || e.took > time.Second || e.result.Found || e.result.Attempts != 1) {
						t.Errorf("event %d: %+v", n, e)
					}
				}
				if want := []int{9}; !slices.Equal(*sizes, want) {
					t.Errorf("batches of %v arrived, want %v", *sizes, want)
				}
				w.wantContacts(10)
			})
		})
	}
}

// One caller's end does not break the batch of the others off.
func TestOneCallerLeavesABatch(t *testing.T) {
	inBubble(t, slowPortal(), oneSlot, func(w *world) {
		w.firstBatchOnly(crmtest.Action{Apply: crmtest.Now, Delay: 10 * time.Second})
		w.plug()
		ctx, cancel := context.WithCancel(w.t.Context())
		defer cancel()
		stop := make(chan struct{})
		stopped := lead(1)
		stopped.Stop = stop
		all := []<-chan ended{w.start(ctx, lead(0)), w.start(w.t.Context(), stopped)}
		for n := 2; n < 10; n++ {
			all = append(all, w.start(w.t.Context(), lead(n)))
		}
		later(time.Second)
		cancel()
		close(stop)
		if e := <-all[0]; !errors.Is(e.err, context.Canceled) || !e.result.Unsettled || e.took > 2*time.Second {
			t.Errorf("left: %+v", e)
		}
		w.wantCreated(all[1:]) // who was asked to stop gets the answer that was on its way
		w.wantContacts(11)
	})
}

// Who leaves before the request is written is not in it, and knows that.
func TestCallerLeavesBeforeItsBatch(t *testing.T) {
	inBubble(t, slowPortal(), oneSlot, func(w *world) {
		sizes := w.sizes(nil)
		w.plug()
		ctx, cancel := context.WithCancel(w.t.Context())
		left, gone := w.start(ctx, lead(0)), make(chan ended, 1)
		r := lead(1)
		r.Lease = func() error { // asked after the batch was put together
			if ctx.Err() == nil {
				cancel()
				gone <- <-left
			}
			return nil
		}
		w.wantCreated([]<-chan ended{w.start(w.t.Context(), r), w.start(w.t.Context(), lead(2))})
		if e := <-gone; !errors.Is(e.err, context.Canceled) || e.result.Unsettled {
			t.Errorf("left: %+v", e)
		}
		if want := []int{2}; !slices.Equal(*sizes, want) {
			t.Errorf("batches of %v, want %v", *sizes, want)
		}
		w.wantContacts(3)
	})
}

// All callers leave: the batch is broken off.
func TestAllCallersLeaveABatch(t *testing.T) {
	inBubble(t, slowPortal(), oneSlot, func(w *world) {
		w.firstBatchOnly(crmtest.Action{End: crmtest.Hang})
		w.plug()
		ctx, cancel := context.WithCancel(w.t.Context())
		var all []<-chan ended
		for n := range 10 {
			all = append(all, w.start(ctx, lead(n)))
		}
		later(time.Second)
		cancel()
		for n, done := range all {
			if e := <-done; !errors.Is(e.err, context.Canceled) || !e.result.Unsettled || e.took > time.Second {
				t.Errorf("event %d: %+v", n, e)
			}
		}
		later(time.Second)
		if s := w.creator.Status(); s.InFlight != 0 || s.Waiting != 0 {
			t.Errorf("left behind: %+v", s)
		}
	})
}

// One of a batch in doubt leaves while the others prove theirs: nobody waits for it.
func TestOneCallerLeavesABatchInDoubt(t *testing.T) {
	inBubble(t, slowPortal(), oneSlot, func(w *world) {
		w.firstBatchOnly(crmtest.Action{Status: 502, Code: "BITRIX_UNAVAILABLE"})
		w.plug()
		ctx, cancel := context.WithCancel(w.t.Context())
		left := w.start(ctx, lead(0))
		var all []<-chan ended
		for n := 1; n < 10; n++ {
			all = append(all, w.start(w.t.Context(), lead(n)))
		}
		later(settle + 2*time.Second)
		cancel()
		if e := <-left; !errors.Is(e.err, context.Canceled) || !e.result.Unsettled {
			t.Errorf("left: %+v", e)
		}
		for n, e := range w.wantCreated(all) {
			if e.took > 2*settle+2*time.Second {
				t.Errorf("event %d: %+v", n, e)
			}
		}
		w.wantContacts(10)
	})
}

// An outage strikes batches: held, nobody charged, probed by single creates, gone on by batches.
func TestOutageOfBatches(t *testing.T) {
	inBubble(t, slowPortal(), oneSlot, func(w *world) {
		all := w.together(0, 120)
		w.sim.Script(func(crmtest.Call) crmtest.Action { return crmtest.Action{Status: 502, Code: "BITRIX_UNAVAILABLE"} })
		later(3 * time.Hour)
		w.wantHolds("outage")
		if n := w.sim.Stats().Requests[batchPath+" 502"]; n != 1 {
			t.Errorf("%d batches in the outage, want the one that met it", n)
		}
		w.sim.Script(nil)
		w.wantCreated(all)
		w.wantContacts(121)
		w.wantHolds("")
		if n := w.sim.Stats().Batches; n < 2 || n > 10 {
			t.Errorf("%d batches after the outage", n)
		}
	})
}

// A new mandatory field: as many letters as the limit says, whatever the size of a batch.
func TestFloodOfBatches(t *testing.T) {
	inBubble(t, slowPortal(), func(c *crmclient.Config) { oneSlot(c); c.FloodLimit = 10 }, func(w *world) {
		w.plug()
		w.setFaults(crmtest.Faults{Mandatory: []string{"post"}})
		var all []<-chan ended
		for n := range 120 {
			all = append(all, w.start(w.t.Context(), lead(n)))
		}
		later(6 * time.Hour)
		w.wantHolds("flood")
		w.setFaults(crmtest.Faults{})
		refused := 0
		for _, done := range all {
			e := <-done
			if rejection(e.err) != nil {
				refused++
			} else if e.err != nil {
				t.Errorf("Create = %+v", e)
			}
		}
		if refused < 10 || refused > 11 { // the first of all may have met it too
			t.Errorf("%d letters, want 10", refused)
		}
		w.wantHolds("")
	})
}

// A contact in a batch whose answer lacks our id stops everything, as for a single one.
func TestBatchDoesNotKeepOurID(t *testing.T) {
	o := slowPortal()
	inBubble(t, o, oneSlot, func(w *world) {
		w.script(batchPath, func(n int, c crmtest.Call) crmtest.Action {
			if n > 1 {
				return crmtest.Action{}
			}
			results := map[string]any{}
			for i := range calls(t, c) {
				results[string(rune('0'+i))] = map[string]any{"id": 1000 + i}
			}
			body, _ := json.Marshal(map[string]any{"success": true, "data": map[string]any{"results": results}})
			return crmtest.Action{Apply: crmtest.Now, Status: 200, Body: string(body)}
		})
		w.wantCreated(w.together(0, 10))
		later(time.Minute)
		w.mustCreate(lead(10))
		w.wantHolds("")
		if n := w.logs.count("without repeating it"); n != 1 {
			t.Errorf("terse answers were noticed %d times", n)
		}
		w.wantContacts(12)
	})
}

// One item's failure in a look-up by tags holds nobody.
func TestItemOfALookUpHoldsNobody(t *testing.T) {
	o := slowPortal()
	o.ExistingUserField = false
	inBubble(t, o, oneSlot, func(w *world) {
		for n := range 10 {
			w.mustCreate(lead(n))
		}
		w.script(batchPath, func(n int, _ crmtest.Call) crmtest.Action {
			if n <= 3 {
				return crmtest.Action{Items: map[string]crmtest.ItemError{"0": {Code: "SCOPE_NOT_ALLOWED"}}}
			}
			return crmtest.Action{}
		})
		var all []<-chan ended
		for n := range 10 {
			all = append(all, w.start(w.t.Context(), suspect(n)))
		}
		later(200 * time.Millisecond)
		w.wantHolds("")
		for n, e := range w.wantCreated(all) {
			if !e.result.Found || e.took > time.Minute {
				t.Errorf("event %d: %+v", n, e)
			}
		}
		if n := w.logs.count("CRM held"); n != 0 {
			t.Errorf("held %d times", n)
		}
	})
}

// Under the documented limits batches reach the ceiling, 5 requests a second with 50 creates
// each, without a single 429.
func TestBatchesReachTheCeiling(t *testing.T) {
	limits := func(c *crmclient.Config) {
		c.Slots, c.BatchSize, c.RequestsPerMinute, c.RequestsPerSecond = 2, 50, 300, crmclient.RateAuto
	}
	for name, events := range map[string]int{"1,000": 1000, "two minutes": 30_000} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, crmtest.Defaults(), limits, func(w *world) {
				if err := w.creator.Prepare(w.t.Context()); err != nil {
					t.Fatal(err)
				}
				later(5 * time.Second)
				begun := time.Now()
				next := make(chan int)
				for range 256 { // as many as a partition's window
					w.calls.Go(func() {
						for n := range next {
							w.mustCreate(lead(n))
						}
					})
				}
				for n := range events {
					next <- n
				}
				close(next)
				w.calls.Wait()
				s := w.sim.Stats()
				perSecond := float64(events) / time.Since(begun).Seconds()
				if perSecond < .95*250 {
					t.Errorf("%.1f contacts a second, want %v of 250", perSecond, .95)
				}
				if s.Throttled+s.OverPerSecond+s.QueueTimeouts != 0 || w.logs.count("CRM held") != 0 {
					t.Errorf("stats %+v", s)
				}
				t.Logf("%.1f contacts a second by %d requests", perSecond, s.Calls)
				w.wantContacts(events)
			})
		})
	}
}
