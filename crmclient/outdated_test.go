package crmclient_test

import (
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/leadbridge/leadbridge/crmclient"
	"github.com/leadbridge/leadbridge/crmclient/crmtest"
)

// earlierOwnersCreate has the portal take a create that an earlier owner had sent.
func earlierOwnersCreate(w *world, r crmclient.Request) {
	w.t.Helper()
	other := w.newCreator(func(c *crmclient.Config) { c.Metrics = nil })
	defer other.Close()
	if _, err := other.Create(w.t.Context(), r); err != nil {
		w.t.Fatal(err)
	}
}

// TestAbsenceBeforeTheTurnIsOutdated: an event is shown to be absent before its turn, while no earlier owner is known.
// There was one, as SentBefore says at its turn, and its create took effect meanwhile: the event is looked up again.
func TestAbsenceBeforeTheTurnIsOutdated(t *testing.T) {
	inBubble(t, portalWithField(), nil, func(w *world) {
		w.mustCreate(lead(99))
		later(settle)
		takeover := time.Now()
		var horizon atomic.Pointer[time.Time] // zero until it is known that there was an earlier owner
		horizon.Store(&time.Time{})
		r := suspect(1)
		r.SentBefore = func() time.Time { return *horizon.Load() }
		r = w.lookUpEarly(r)
		later(time.Until(takeover.Add(20 * time.Second)))
		earlierOwnersCreate(w, lead(1))
		horizon.Store(&takeover)
		if e := w.create(r); !e.result.Found {
			t.Errorf("%+v", e)
		}
		w.wantContacts(2)
	})
}

// TestAbsenceDuringAHoldIsOutdated: the same, while the event waits for the end of a hold at its turn.
func TestAbsenceDuringAHoldIsOutdated(t *testing.T) {
	inBubble(t, portalWithField(), nil, func(w *world) {
		w.mustCreate(lead(99))
		later(settle)
		takeover := time.Now()
		var horizon atomic.Pointer[time.Time]
		horizon.Store(&time.Time{})
		var mended atomic.Bool
		w.script(createCall, func(int, crmtest.Call) crmtest.Action {
			if !mended.Load() {
				return crmtest.Action{Status: 401, Code: "INVALID_API_KEY"}
			}
			return crmtest.Action{}
		})
		holding := w.start(w.t.Context(), lead(50))
		r := suspect(1)
		r.SentBefore = func() time.Time { return *horizon.Load() }
		done := w.start(w.t.Context(), r)
		later(20 * time.Second)
		horizon.Store(&takeover)
		mended.Store(true)
		earlierOwnersCreate(w, lead(1))
		<-holding
		if e := <-done; !e.result.Found {
			t.Errorf("%+v; second contacts: %d", e, w.sim.Stats().Duplicates)
		}
	})
}

// TestHeadOfALineWaitsForNoYoungerOne: in a portal that holds none of ours, what a look-up before its turn shows absent is
// not created, so that the bound of readings is not chosen by it.
func TestHeadOfALineWaitsForNoYoungerOne(t *testing.T) {
	inBubble(t, portalWithField(), nil, func(w *world) {
		w.addStrangers(crmtest.Contacts, 120)
		later(time.Hour)
		head := suspect(1)
		later(time.Second)
		behind := suspect(2)
		behind.LookUpOnly = true
		later(time.Second)
		done := w.start(w.t.Context(), head)
		w.calls.Go(func() {
			for {
				_, err := w.creator.Create(w.t.Context(), behind)
				wait, _ := errors.AsType[*crmclient.Deferred](err)
				behind.Resume = wait.Pending
				if wait.Why == crmclient.WaitOrder {
					return
				}
				timer := time.NewTimer(time.Until(wait.Until))
				select {
				case <-timer.C:
				case <-wait.Ready:
				}
				timer.Stop()
			}
		})
		if e := <-done; e.err != nil || e.took > time.Minute {
			t.Errorf("%+v", e)
		}
	})
}

// TestHurryIsForOneCreate: a hold has ended between a look-up before the turn and the turn. The create leaves at once; when
// it fails, the next one waits for its backoff.
func TestHurryIsForOneCreate(t *testing.T) {
	inBubble(t, portalWithField(), nil, func(w *world) {
		w.mustCreate(lead(99))
		later(settle)
		var mended atomic.Bool
		w.script(createCall, func(int, crmtest.Call) crmtest.Action {
			if !mended.Load() {
				return crmtest.Action{Status: 401, Code: "INVALID_API_KEY"}
			}
			return crmtest.Action{}
		})
		r := w.lookUpEarly(suspect(1))
		holding := w.start(w.t.Context(), lead(50))
		later(time.Second)
		mended.Store(true)
		<-holding
		var mu sync.Mutex
		var at []time.Time // guarded by mu
		w.script(createCall, func(n int, c crmtest.Call) crmtest.Action {
			if !concerns(c, 1) {
				return crmtest.Action{}
			}
			mu.Lock()
			defer mu.Unlock()
			at = append(at, time.Now())
			if n == 1 {
				return crmtest.Action{Status: 422, Code: "BITRIX_ERROR"}
			}
			return crmtest.Action{}
		})
		w.create(r)
		mu.Lock()
		defer mu.Unlock()
		if len(at) < 2 || at[1].Sub(at[0]) < 100*time.Millisecond {
			t.Errorf("creates at %v", at)
		}
	})
}
