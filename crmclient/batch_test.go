package crmclient_test

import (
	"encoding/json"
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

// slowPortal takes a while for a request, so that creates that start meanwhile wait together.
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

// A free slot takes all creates that wait, up to fifty, in one request. A single create is not sent as a batch.
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

// Under the documented limits batches reach the ceiling, 5 requests a second with 50 creates
// each, without a single 429. A batch that leaves with fewer, as it happens when callers are late,
// costs 1 % of the short one.
func TestBatchesReachTheCeiling(t *testing.T) {
	limits := func(c *crmclient.Config) {
		c.Slots, c.BatchSize, c.RequestsPerMinute, c.RequestsPerSecond = 2, 50, 300, crmclient.RateAuto
	}
	for name, events := range map[string]int{"20 seconds": 5000, "more than a minute": 17_500} {
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
