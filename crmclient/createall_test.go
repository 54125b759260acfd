package crmclient_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/leadbridge/leadbridge/crmclient"
	"github.com/leadbridge/leadbridge/crmclient/crmtest"
)

// together is what a CreateAll came to.
type together struct {
	ended map[int]ended
	later map[int]<-chan ended
	done  <-chan struct{} // closed when it returned; before that the rest is not to be read
}

// startAll runs a CreateAll beside the test.
func (w *world) startAll(ctx context.Context, requests ...crmclient.Request) *together {
	done, begun := make(chan struct{}), time.Now()
	all := &together{map[int]ended{}, map[int]<-chan ended{}, done}
	w.calls.Go(func() {
		defer close(done)
		w.creator.CreateAll(ctx, requests,
			func(i int, r crmclient.Result, err error) { all.ended[i] = ended{r, err, time.Since(begun)} },
			func(i int, finish func() (crmclient.Result, error)) {
				end := make(chan ended, 1)
				all.later[i] = end
				w.calls.Go(func() {
					r, err := finish()
					end <- ended{r, err, time.Since(begun)}
				})
			})
	})
	return all
}

// prepare has the portal known, so that what comes next is no probe.
func (w *world) prepare() {
	w.t.Helper()
	if err := w.creator.Prepare(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
}

func leads(n int) []crmclient.Request {
	requests := make([]crmclient.Request, n)
	for i := range requests {
		requests[i] = lead(i)
	}
	return requests
}

func TestAllLeaveInOneBatch(t *testing.T) {
	inBubble(t, slowPortal(), oneSlot, func(w *world) {
		w.prepare()
		sizes := w.sizes(nil)
		all := w.startAll(w.t.Context(), leads(50)...)
		<-all.done
		if want := []int{50}; !slices.Equal(*sizes, want) {
			t.Errorf("batches of %v arrived, want %v", *sizes, want)
		}
		ids := map[int64]bool{}
		for i, e := range all.ended {
			if e.err != nil || e.result.Attempts != 1 {
				t.Errorf("event %d: %+v", i, e)
			}
			ids[e.result.ContactID] = true
		}
		if len(ids) != 50 || len(all.later) > 0 {
			t.Errorf("%d contacts, %d later", len(ids), len(all.later))
		}
		w.wantContacts(50)
	})
}

// What takes longer does not hold the others up: a suspect, one that is refused, one in doubt.
func TestSomeOfAllTakeLonger(t *testing.T) {
	inBubble(t, slowPortal(), oneSlot, func(w *world) {
		w.mustCreate(lead(1))
		w.firstBatchOnly(crmtest.Action{Items: map[string]crmtest.ItemError{
			"1": {Code: "INVALID_PARAMS", Skip: true}, "2": {},
		}})
		requests := leads(5)
		requests[1].Suspect = true
		all := w.startAll(w.t.Context(), requests...)
		<-all.done
		for _, i := range []int{0, 4} {
			if e := all.ended[i]; e.err != nil || e.took > 2*time.Second {
				t.Errorf("event %d: %+v", i, e)
			}
		}
		if len(all.ended) != 2 || len(all.later) != 3 {
			t.Fatalf("%d ended, %d later", len(all.ended), len(all.later))
		}
		if e := <-all.later[1]; e.err != nil || !e.result.Found || e.result.Attempts != 0 {
			t.Errorf("the suspect: %+v", e)
		}
		if e := <-all.later[2]; e.err != nil || e.result.Attempts != 2 {
			t.Errorf("refused in the batch: %+v", e)
		}
		if e := <-all.later[3]; e.err != nil || !e.result.Found || e.took < settle {
			t.Errorf("in doubt: %+v", e)
		}
		w.wantContacts(5)
	})
}

// After a stop what is in the air is waited for, and what waits is let go.
func TestStopOfAll(t *testing.T) {
	inBubble(t, slowPortal(), oneSlot, func(w *world) {
		w.prepare()
		w.firstBatchOnly(crmtest.Action{Apply: crmtest.Now, Delay: 10 * time.Second})
		stop := make(chan struct{})
		requests := leads(60)
		for i := range requests {
			requests[i].Stop = stop
		}
		all := w.startAll(w.t.Context(), requests...)
		later(5 * time.Second)
		close(stop)
		<-all.done
		made, stopped := 0, 0
		for i, e := range all.ended {
			switch {
			case e.err == nil && e.took >= 10*time.Second:
				made++
			case errors.Is(e.err, crmclient.ErrStopped) && !e.result.Unsettled && e.took == 5*time.Second:
				stopped++
			default:
				t.Errorf("event %d: %+v", i, e)
			}
		}
		if made != 50 || stopped != 10 {
			t.Errorf("%d made, %d stopped", made, stopped)
		}
		w.wantContacts(50)
	})
}

// When ctx ends only what was sent is unsettled.
func TestAllAreLeft(t *testing.T) {
	inBubble(t, slowPortal(), oneSlot, func(w *world) {
		w.prepare()
		w.firstBatchOnly(crmtest.Action{Apply: crmtest.Now, Delay: 10 * time.Second})
		ctx, cancel := context.WithCancel(w.t.Context())
		defer cancel()
		all := w.startAll(ctx, leads(60)...)
		later(5 * time.Second)
		cancel()
		<-all.done
		unsettled := 0
		for i, e := range all.ended {
			if !errors.Is(e.err, context.Canceled) || e.took != 5*time.Second {
				t.Errorf("event %d: %+v", i, e)
			}
			if e.result.Unsettled {
				unsettled++
			}
		}
		if len(all.ended) != 60 || unsettled != 50 {
			t.Errorf("%d ended, %d of them unsettled", len(all.ended), unsettled)
		}
		later(0)
		if s := w.creator.Status(); s.InFlight != 0 || s.Waiting != 0 {
			t.Errorf("left behind: %+v", s)
		}
	})
}

func TestNoneOfAllBegins(t *testing.T) {
	stopped := make(chan struct{})
	close(stopped)
	over, cancel := context.WithCancel(t.Context())
	cancel()
	for name, test := range map[string]struct {
		ctx  context.Context //nolint:containedctx // of the one call
		stop chan struct{}
		want error
	}{"stopped": {t.Context(), stopped, crmclient.ErrStopped}, "over": {over, nil, context.Canceled}} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, slowPortal(), oneSlot, func(w *world) {
				requests := leads(3)
				requests[0].Stop = test.stop
				all := w.startAll(test.ctx, requests...)
				<-all.done
				for i, e := range all.ended {
					if !errors.Is(e.err, test.want) || e.result.Unsettled {
						t.Errorf("event %d: %+v", i, e)
					}
				}
				if n := w.sim.Stats().Calls; len(all.ended) != 3 || n != 0 {
					t.Errorf("%d ended after %d calls", len(all.ended), n)
				}
			})
		})
	}
}
