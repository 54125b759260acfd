package crmclient_test

import (
	"context"
	"errors"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/leadbridge/leadbridge/crmclient"
	"github.com/leadbridge/leadbridge/crmclient/crmtest"
)

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

// The batch is broken off as well when some of its events had their answer before it left.
func TestAllWhoWaitLeaveABatch(t *testing.T) {
	portal := slowPortal()
	portal.ExistingFields = []string{"UF_CRM_KNOWN"}
	for name, early := range map[string]func(*crmclient.Request){
		"lease lost":  func(r *crmclient.Request) { r.Lease = func() error { return errGone } },
		"unencodable": func(r *crmclient.Request) { r.Contact.UserFields = map[string]any{"ufCrm_KNOWN": math.NaN()} },
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, portal, oneSlot, func(w *world) {
				w.firstBatchOnly(crmtest.Action{End: crmtest.Hang})
				w.plug()
				ctx, cancel := context.WithCancel(w.t.Context())
				refused := lead(0)
				early(&refused)
				first := w.start(w.t.Context(), refused)
				all := []<-chan ended{w.start(ctx, lead(1)), w.start(ctx, lead(2))}
				later(time.Second)
				if e := <-first; e.err == nil || e.took > time.Second {
					t.Errorf("refused before: %+v", e)
				}
				cancel()
				for n, done := range all {
					if e := <-done; !errors.Is(e.err, context.Canceled) {
						t.Errorf("event %d: %+v", n, e)
					}
				}
				if e := <-w.start(w.t.Context(), lead(3)); e.err != nil || e.took > 2*time.Second {
					t.Errorf("the next one, which needs the slot: %+v", e)
				}
			})
		})
	}
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
