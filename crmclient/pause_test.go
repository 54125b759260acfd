package crmclient_test

import (
	"testing"
	"time"

	"github.com/leadbridge/leadbridge/crmclient"
)

// TestPausedCreatesWait and doubts are looked up: what is found ends, what is absent waits for the pause's end.
func TestPausedCreatesWait(t *testing.T) {
	inBubble(t, portalWithField(), func(c *crmclient.Config) { c.BatchSize = 50 }, func(w *world) {
		first := w.mustCreate(lead(1))
		w.creator.SetPaused(true)
		w.creator.SetPaused(true)
		var waiting []<-chan ended
		for n := 2; n < 12; n++ {
			waiting = append(waiting, w.start(w.t.Context(), lead(n)))
		}
		absent := w.start(w.t.Context(), suspect(20))
		if found := w.mustCreate(suspect(1)); !found.result.Found || found.result.ContactID != first.result.ContactID || found.took > time.Minute {
			t.Errorf("a doubt while paused: %+v", found)
		}
		later(time.Hour)
		w.wantContacts(1)
		if n := w.sim.Stats().Lookups; n < 2 {
			t.Errorf("%d look-ups while paused", n)
		}
		w.creator.SetPaused(false)
		began := time.Now()
		w.wantCreated(append(waiting, absent))
		if took := time.Since(began); took > 10*time.Second {
			t.Errorf("after the pause they took %v", took)
		}
		w.wantContacts(12)
	})
}
