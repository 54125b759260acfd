package consumer

import (
	"context"
	"testing"
	"time"

	"github.com/leadbridge/leadbridge/crmclient"
)

// untilStop holds a create back until it must stop, and never sends it.
func untilStop(_ context.Context, r crmclient.Request) (crmclient.Result, error, bool) { //nolint:revive // the shape of fakeCRM.answer
	<-r.Stop
	return crmclient.Result{}, crmclient.ErrStopped, true
}

// A stop waits for creates that hang, unless events wait for the next owner: then the drain ends after three seconds.
func TestDrainEndsWhenEventsWait(t *testing.T) {
	for name, comes := range map[string]time.Duration{"before the stop": -time.Second, "soon after it": time.Second, "late": 10 * time.Second} {
		t.Run(name, func(t *testing.T) {
			bubble(t, 1, func(t *testing.T, r *rig) {
				r.primed()
				r.crm.setAnswer(applyThenHang(r.crm, "hangs"))
				p := r.start()
				r.produce(event("hangs"))
				r.awaitCreated("hangs")
				if comes < 0 { // dispatched, and not sent
					r.crm.setAnswer(untilStop)
				}
				time.AfterFunc(comes+time.Second, func() { r.produce(event("waits")) })
				time.Sleep(time.Second)
				began := time.Now()
				p.shutdown(t)
				wanted := max(shortDrain, comes)
				if took := time.Since(began); took < wanted || took > wanted+2*drainInterval {
					t.Errorf("it stopped after %s, want about %s", took, wanted)
				}
				r.crm.setAnswer(nil)
				q := r.start()
				r.awaitCreated("waits")
				r.await("all committed", func() bool { return r.commits()[0].offset == 2 })
				if first := r.crm.asked("waits"); first[len(first)-1].Suspect {
					t.Error("what was never sent is a suspect")
				}
				r.crm.once(t)
				q.shutdown(t)
			})
		})
	}
}

// A process that stops ends its drain after three seconds when the group rebalances, as all others wait for it.
func TestDrainEndsWhenTheGroupRebalances(t *testing.T) {
	bubble(t, 2, func(t *testing.T, r *rig) {
		r.primed()
		r.crm.setAnswer(applyThenHang(r.crm, "hangs"))
		a := r.start()
		r.produce(event("hangs"))
		r.awaitCreated("hangs")
		b := r.start()
		began := time.Now()
		a.stop()
		r.awaitShared(2, b)
		if took := time.Since(began); took > shortDrain+2*drainInterval+time.Second {
			t.Errorf("the one that comes waited %s for the one that goes", took)
		}
		a.shutdown(t)
		b.shutdown(t)
	})
}
