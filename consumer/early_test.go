package consumer

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/leadbridge/leadbridge/crmclient"
)

// lookingUpFor defers each suspect once for the pause before it is found or absent, as if it took two look-ups.
func lookingUpFor(pause time.Duration) answer {
	return func(_ context.Context, q crmclient.Request) (crmclient.Result, error, bool) {
		if !q.Suspect || q.Resume != nil {
			return crmclient.Result{}, nil, false
		}
		until := time.Now().Add(pause)
		return crmclient.Result{}, &crmclient.Deferred{Pending: new(crmclient.Pending), Why: crmclient.WaitSuspect, Until: until, Sent: true}, true
	}
}

// Suspects that stand in one line are looked up at the same time, and those that an earlier owner has not made are
// created one after another, in the log's order.
func TestSuspectsOfOneLineAreLookedUpSideBySide(t *testing.T) {
	const suspects, pause = 110, 5 * time.Second
	for name, by := range map[string]OrderBy{"person": OrderByPerson, "key": OrderByKey} {
		t.Run(name, func(t *testing.T) {
			bubble(t, 1, func(t *testing.T, r *rig) {
				r.crm.setAnswer(lookingUpFor(pause))
				var all []message
				for n := range suspects {
					m := eventOf(fmt.Sprintf("p-%d", n), "+79160000001")
					m.key = "one"
					all = append(all, m)
				}
				r.produce(all...)
				r.commitAs(0, "not our ledger") // everything up to the log's end is suspect
				for n := range suspects {
					if n < 60 && n%3 == 0 {
						r.crm.contacts[fmt.Sprintf("p-%d", n)] = 1
					}
				}
				p := r.start(func(c *Config) { c.OrderBy = by })
				r.await("the take-over", func() bool { return p.Status().Ready })
				began := time.Now()
				r.await("all committed", func() bool { return r.commits()[0].offset == suspects })
				took := time.Since(began)
				r.crm.once(t)
				r.crm.inOrder(t)
				if took > 6*pause {
					t.Errorf("took %v", took)
				}
				p.shutdown(t)
			})
		})
	}
}

// A suspect with the same id as an earlier record is not looked up before that record is done: it would be found absent, and
// created again.
func TestRepeatIsNotLookedUpBeforeItsTurn(t *testing.T) {
	bubble(t, 1, func(t *testing.T, r *rig) {
		r.crm.setAnswer(lookingUpFor(5 * time.Second))
		r.produce(eventOf("a", "+79160000001"), eventOf("b", "+79160000001"), eventOf("b", "+79160000001"))
		r.commitAs(0, "not our ledger")
		p := r.start()
		r.await("all committed", func() bool { return r.commits()[0].offset == 3 })
		r.crm.once(t)
		early := 0
		for _, q := range r.crm.asked("b") {
			if q.LookUpOnly {
				early++
			}
		}
		if ids := r.crm.createdIDs(); !slices.Equal(ids, []string{"a", "b"}) || early == 0 || early > 2 {
			t.Errorf("created %s, %d early look-ups", strings.Join(ids, " "), early)
		}
		p.shutdown(t)
	})
}

// When an event waits only for its comment or fill, its contact and deal exist, so that later events of the same person
// or key do not wait. When an event waits for its contact, they do.
func TestOptionalPartKeepsNoLine(t *testing.T) {
	for name, optional := range map[string]bool{"a comment": true, "a contact": false} {
		t.Run(name, func(t *testing.T) {
			bubble(t, 1, func(t *testing.T, r *rig) {
				r.primed()
				r.crm.setAnswer(deferring("p-0", crmclient.Deferred{Why: crmclient.WaitBackoff, Sent: true, Optional: optional}, 5*time.Minute))
				p := r.start()
				r.produce(eventOf("p-0", "+79160000001"), eventOf("p-1", "+79160000001"))
				r.await("parked", func() bool { return p.parkedWhy()[crmclient.WaitBackoff] == 1 })
				r.produce(eventOf("p-2", "+79160000001"))
				time.Sleep(time.Minute)
				if n := len(r.crm.createdIDs()); (n == 2) != optional || !optional && n != 0 {
					t.Errorf("%d later events are delivered", n)
				}
				r.crm.setAnswer(nil)
				r.await("all committed", func() bool { return r.commits()[0].offset == 3 })
				r.crm.once(t)
				p.shutdown(t)
			})
		})
	}
}

// A record that is found before its turn shows the exploration at once that there was an earlier owner, whose last
// requests may still be in flight.
func TestEarlyFindTellsTheExploration(t *testing.T) {
	bubble(t, 1, func(t *testing.T, r *rig) {
		r.produce(eventOf("a", "+79160000001"), eventOf("b", "+79160000001"), eventOf("c", "+79160000001"))
		r.crm.contacts["b"] = 1
		var knowsOwner bool
		deferred := func(why crmclient.Wait, until time.Duration) *crmclient.Deferred {
			return &crmclient.Deferred{Pending: new(crmclient.Pending), Why: why, Until: time.Now().Add(until), Sent: true}
		}
		r.crm.setAnswer(func(_ context.Context, q crmclient.Request) (crmclient.Result, error, bool) {
			switch {
			case q.OriginID == "a" && !q.LookUpOnly && q.Resume == nil:
				return crmclient.Result{}, deferred(crmclient.WaitBackoff, time.Minute), true
			case q.OriginID == "b" && q.LookUpOnly:
				return crmclient.Result{ContactID: 1, Found: true}, deferred(crmclient.WaitOrder, 0), true
			case q.OriginID == "c" && q.LookUpOnly && q.Resume == nil:
				return crmclient.Result{}, deferred(crmclient.WaitSuspect, 5*time.Second), true
			case q.OriginID == "c" && q.LookUpOnly:
				knowsOwner = !q.SentBefore().IsZero()
			}
			return crmclient.Result{}, nil, false
		})
		p := r.start()
		r.await("all", func() bool { return r.commits()[0].offset == 3 })
		p.shutdown(t)
		if !knowsOwner {
			t.Error("b was found before c was looked up again, and SentBefore said that there was no earlier owner")
		}
	})
}

// After a panic of the CRM client the event is looked up from the beginning, as a suspect: its pending request is not
// resumed.
func TestPanicForgetsWhatWasLookedUp(t *testing.T) {
	bubble(t, 1, func(t *testing.T, r *rig) {
		r.produce(eventOf("a", "+79160000001"), eventOf("b", "+79160000001"))
		r.commitAs(0, "not our ledger")
		panicked := false
		r.crm.setAnswer(func(_ context.Context, q crmclient.Request) (crmclient.Result, error, bool) {
			switch {
			case q.OriginID == "a" && q.Resume == nil:
				return crmclient.Result{}, &crmclient.Deferred{Pending: new(crmclient.Pending), Why: crmclient.WaitSuspect, Until: time.Now().Add(5 * time.Second), Sent: true}, true
			case q.OriginID != "b" || q.LookUpOnly:
			case !panicked:
				panicked = true
				panic("once")
			case q.Resume != nil || !q.Suspect:
				t.Errorf("after a panic: resumed %v, suspect %v", q.Resume != nil, q.Suspect)
			}
			return crmclient.Result{}, nil, false
		})
		p := r.start()
		r.await("all", func() bool { return r.commits()[0].offset == 2 })
		p.shutdown(t)
		if !panicked {
			t.Error("nothing panicked")
		}
	})
}
