package consumer

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/leadbridge/leadbridge/crmclient"
)

type answer = func(context.Context, crmclient.Request) (crmclient.Result, error, bool)

// deferring defers events whose id begins with prefix by the pause, each time that they are tried.
func deferring(prefix string, by crmclient.Deferred, pause time.Duration) answer {
	return func(_ context.Context, q crmclient.Request) (crmclient.Result, error, bool) {
		if !strings.HasPrefix(q.OriginID, prefix) {
			return crmclient.Result{}, nil, false
		}
		d := by
		d.Pending, d.Until = new(crmclient.Pending), time.Now().Add(pause)
		return crmclient.Result{}, &d, true
	}
}

// parkedWhy returns how many records the partitions of a process have parked for each reason.
func (p *process) parkedWhy() map[crmclient.Wait]int {
	sum := map[crmclient.Wait]int{}
	for _, s := range p.Status().Partitions {
		for why, n := range s.ParkedWhy {
			sum[why] += n
		}
	}
	return sum
}

// A poison event delays no others of the same key: many producers use a form's id as the key, so that events with the
// same key have nothing else in common.
func TestLivePoisonOfOneKeyHoldsNobody(t *testing.T) {
	bubble(t, 1, func(t *testing.T, r *rig) {
		r.primed()
		poison := deferring("poison", crmclient.Deferred{Why: crmclient.WaitBackoff}, time.Minute)
		var inFlight, most atomic.Int32
		r.crm.setAnswer(func(ctx context.Context, q crmclient.Request) (crmclient.Result, error, bool) {
			most.Store(max(most.Load(), inFlight.Add(1)))
			defer inFlight.Add(-1)
			time.Sleep(200 * time.Millisecond)
			return poison(ctx, q)
		})
		p := r.start()
		batch := []message{eventOf("poison", "+7900")}
		for i := range 3000 {
			batch = append(batch, eventOf(fmt.Sprint("good", i), fmt.Sprintf("+79%04d", i)))
		}
		for i := range batch {
			batch[i].key = "form1"
		}
		began := time.Now()
		r.produce(batch...)
		r.awaitCreated("good2999")
		r.await("all", func() bool { return len(r.crm.createdIDs()) == 3000 })
		if took := time.Since(began); took > 10*time.Second {
			t.Errorf("3000 events took %v", took)
		}
		if most.Load() < 100 {
			t.Errorf("%d creates at once: no full batches", most.Load())
		}
		if got := p.parkedWhy()[crmclient.WaitBackoff]; got != 1 {
			t.Errorf("parked: %v", p.parkedWhy())
		}
		r.crm.setAnswer(nil)
		r.await("all committed", func() bool { return r.commits()[0].offset == 3001 })
		r.crm.once(t)
		p.shutdown(t)
	})
}

// Large events that are parked take no bytes of the buffer, neither of their partition nor of others.
func TestLiveLargeEventsThatWaitHoldNobody(t *testing.T) {
	bubble(t, 2, func(t *testing.T, r *rig) {
		r.primed()
		r.crm.setAnswer(deferring("poison", crmclient.Deferred{Why: crmclient.WaitBackoff}, 10*time.Second))
		p := r.start(func(c *Config) { c.MaxBuffer = 8 << 20 })
		padding := strings.Repeat(" ", 900<<10)
		for i := range 100 {
			r.produce(message{value: fmt.Sprintf(`{"id":"poison%d"}%s`, i, padding)})
		}
		r.await("the poison to be parked", func() bool { return p.parkedWhy()[crmclient.WaitBackoff] > 90 })
		began := time.Now()
		for partition := range 2 {
			for i := range 30 {
				m := event(fmt.Sprintf("good%d-%d", partition, i))
				m.partition = partition
				r.produce(m)
			}
		}
		r.await("the good ones", func() bool { return len(r.crm.createdIDs()) == 60 })
		if took := time.Since(began); took > 3*time.Second {
			t.Errorf("good events waited %v", took)
		}
		r.crm.setAnswer(nil)
		r.await("all committed", func() bool { c := r.commits(); return c[0].offset == 130 && c[1].offset == 30 })
		r.crm.once(t)
		p.shutdown(t)
		if n := p.deps.board.bytesInUse(); n != 0 {
			t.Errorf("%d bytes are held after the end", n)
		}
	})
}

// Letters and results that cannot be written delay no other event, and are written when their topic accepts them again.
func TestLiveTopicsThatAreAwayHoldNobody(t *testing.T) {
	for name, tt := range map[string]struct {
		topic string
		hold  crmclient.Cause
		why   crmclient.Wait
	}{
		"letters": {testLetters, HoldDeadLetters, waitLetter},
		"results": {testResults, HoldResults, waitResult},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, 1, func(t *testing.T, r *rig) {
				r.resultTopic(1, nil)
				r.primed()
				away := r.cluster.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Topic: tt.topic, Err: kerr.NotEnoughReplicas, Count: -1})
				p := r.start(withResults)
				var all []message
				for i := range 600 {
					if tt.why == waitLetter {
						all = append(all, message{value: fmt.Sprint("useless ", i)})
					} else {
						all = append(all, event(fmt.Sprint("early", i)))
					}
				}
				r.produce(all...)
				began := time.Now()
				r.produce(events("good", 50)...)
				r.awaitCreated("good0", "good49")
				if took := time.Since(began); took > 5*time.Second {
					t.Errorf("good events waited %v", took)
				}
				time.Sleep(3 * time.Minute)
				r.await("them to be parked", func() bool { return p.parkedWhy()[tt.why] >= 590 })
				if s := p.Status(); !s.Healthy || !hasHold(s, tt.hold) || s.Partitions[0].Lag > 60 {
					t.Errorf("after a while: %+v", s)
				}
				if tries := away.Hits(); tries > 150 {
					t.Errorf("%d writes were tried", tries)
				}
				away.Remove()
				r.await("all committed", func() bool { return r.commits()[0].offset == 650 })
				if hasHold(p.Status(), tt.hold) {
					t.Error("still held")
				}
				letters, results := len(r.deadLetters()), len(r.results())
				if tt.why == waitLetter && (letters != 600 || results != 50) || tt.why == waitResult && (letters != 0 || results != 650) {
					t.Errorf("%d letters, %d results", letters, results)
				}
				r.crm.once(t)
				p.shutdown(t)
			})
		})
	}
}

// suspectsWait defers suspects once by the pause, as the CRM client does before it looks them up.
func suspectsWait(pause time.Duration) answer {
	return func(_ context.Context, q crmclient.Request) (crmclient.Result, error, bool) {
		if !q.Suspect || q.Resume != nil {
			return crmclient.Result{}, nil, false
		}
		return crmclient.Result{}, &crmclient.Deferred{
			Pending: new(crmclient.Pending), Why: crmclient.WaitSuspect, Until: time.Now().Add(pause), Sent: true,
		}, true
	}
}

// After a kill in the middle of a backlog only the granted records are looked up, and no others wait for them.
func TestLiveKillInABacklog(t *testing.T) {
	bubble(t, 1, func(t *testing.T, r *rig) {
		r.primed()
		r.crm.setAnswer(func(ctx context.Context, q crmclient.Request) (crmclient.Result, error, bool) {
			select {
			case <-time.After(time.Second):
			case <-ctx.Done():
				return crmclient.Result{Unsettled: true}, ctx.Err(), true
			}
			return crmclient.Result{}, nil, false
		})
		link := r.line()
		killed := r.start(link.use)
		r.produce(events("a", 3000)...)
		r.await("some", func() bool { return len(r.crm.createdIDs()) > 300 })
		link.sever()
		r.crm.setAnswer(suspectsWait(time.Minute))
		heir := r.start()
		r.await("the take-over", func() bool { return heir.Status().Ready && len(heir.Status().Partitions) == 1 })
		began := time.Now()
		r.produce(event("new"))
		r.awaitCreated("new", "a2999")
		if took := time.Since(began); took > 5*time.Second {
			t.Errorf("events that nobody can have sent waited %v", took)
		}
		if n := r.crm.suspects(); n > 2*256 {
			t.Errorf("%d events are suspects, a window is 256", n)
		}
		r.await("all committed", func() bool { return r.commits()[0].offset == 3001 })
		r.crm.once(t)
		heir.shutdown(t)
		killed.shutdown(t)
	})
}

// Events that are produced after a kill are no suspects, whether the dead owner was busy or idle.
func TestLiveWhatComesAfterAKillIsNoSuspect(t *testing.T) {
	for name, idle := range map[string]bool{"busy": false, "idle": true} {
		t.Run(name, func(t *testing.T) {
			bubble(t, 1, func(t *testing.T, r *rig) {
				r.primed()
				link := r.line()
				killed := r.start(link.use)
				for i := range 100 {
					r.produce(event(fmt.Sprint("before", i)))
					time.Sleep(50 * time.Millisecond)
				}
				if idle {
					time.Sleep(8 * time.Second)
				}
				link.sever()
				r.crm.setAnswer(suspectsWait(time.Minute))
				heir := r.start()
				for i := range 500 {
					r.produce(event(fmt.Sprint("after", i)))
					time.Sleep(50 * time.Millisecond)
				}
				r.await("the take-over", func() bool { return len(heir.Status().Partitions) == 1 })
				began := time.Now()
				r.awaitCreated("after0", "after499")
				if took := time.Since(began); took > 2*time.Second {
					t.Errorf("waited %v", took)
				}
				for i := range 500 {
					if r.crm.asked(fmt.Sprint("after", i))[0].Suspect {
						t.Fatalf("after%d is a suspect", i)
					}
				}
				r.await("all committed", func() bool { return r.commits()[0].offset == 600 })
				r.crm.once(t)
				heir.shutdown(t)
				killed.shutdown(t)
			})
		})
	}
}

// A repeat of an event that this process has just delivered takes no request, and delays no other event.
func TestLiveRepeatsCostNothing(t *testing.T) {
	bubble(t, 1, func(t *testing.T, r *rig) {
		r.resultTopic(1, nil)
		r.primed()
		r.crm.setAnswer(slowly(time.Second))
		p := r.start(withResults)
		var all []message
		for range 3000 {
			all = append(all, eventOf("same", "+7900"))
		}
		r.produce(all...)
		r.produce(events("other", 60)...)
		began := time.Now()
		r.await("all committed", func() bool { return r.commits()[0].offset == 3060 })
		if took := time.Since(began); took > 20*time.Second {
			t.Errorf("took %v", took)
		}
		if n := len(r.crm.asked("same")); n != 1 {
			t.Errorf("%d requests for one event", n)
		}
		found := 0
		for _, one := range r.results() {
			if one.EventID == "same" && one.HowKnown == "lookedUp" && one.ContactID != 0 {
				found++
			}
		}
		if found != 2999 {
			t.Errorf("%d of 2999 repeats have a result with the contact", found)
		}
		r.crm.once(t)
		p.shutdown(t)
	})
}

// A sender that gives the events of four persons the same id gets four contacts, and a warning.
func TestLiveOneIDOfSeveralPersons(t *testing.T) {
	bubble(t, 2, func(t *testing.T, r *rig) {
		r.primed()
		first := r.start()
		r.produce(eventOf("form", "+1"), eventOf("form", "+2"), eventOf("form", "+1"))
		r.await("both committed", func() bool { return r.commits()[0].offset == 3 })
		if got := len(r.crm.createdIDs()); got != 2 {
			t.Fatalf("%d contacts of two persons", got)
		}
		first.shutdown(t)
		// The next owner reads the ids and contact points of the earlier records back from the log.
		second := r.start()
		elsewhere := eventOf("form", "+4")
		elsewhere.partition = 1
		r.produce(eventOf("form", "+3"), eventOf("form", "+1"), elsewhere, eventOf("form", "+2"))
		r.await("all committed", func() bool { c := r.commits(); return c[0].offset == 6 && c[1].offset == 1 })
		created := r.crm.createdIDs()
		if len(created) != 4 {
			t.Errorf("%v are contacts of four persons", created)
		}
		plain := slices.DeleteFunc(created, func(id string) bool { return strings.HasPrefix(id, "lb-") })
		if len(plain) != 1 || plain[0] != "form" {
			t.Errorf("%v have the id as it came", plain)
		}
		if n := strings.Count(r.logs.String(), "one event id came with other contact points"); n == 0 || n > 2 {
			t.Errorf("%d warnings, want one a minute and process", n)
		}
		if got := counterValue(t, second.deps.metrics.reused); got != 3 {
			t.Errorf("%v counted by the second owner, want 3", got)
		}
		r.crm.once(t)
		second.shutdown(t)
	})
}

// A replayed letter keeps the id of its event, even if its contact points were corrected.
func TestReplayedEventsKeepTheirID(t *testing.T) {
	bubble(t, 1, func(t *testing.T, r *rig) {
		r.primed()
		p := r.start()
		corrected := eventOf("a", "+2")
		corrected.headers = []kafka.Header{{Key: "dlt-event-id", Value: []byte("a")}, {Key: "dlt-replays", Value: []byte("1")}}
		r.produce(eventOf("a", "+1"), corrected)
		r.await("all committed", func() bool { return r.commits()[0].offset == 2 })
		if got := r.crm.asked("a"); len(got) != 2 || !got[1].Suspect {
			t.Errorf("%d requests for the event and its replay", len(got))
		}
		r.crm.once(t)
		p.shutdown(t)
	})
}

// After a crash, those parked records are suspects for which a create may have been sent, and no others.
func TestLiveCrashWithParkedRecords(t *testing.T) {
	bubble(t, 1, func(t *testing.T, r *rig) {
		r.primed()
		away := r.cluster.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Topic: testLetters, Err: kerr.NotEnoughReplicas, Count: -1})
		sent := deferring("sent", crmclient.Deferred{Why: crmclient.WaitDoubt, Sent: true}, time.Hour)
		waits := deferring("waits", crmclient.Deferred{Why: crmclient.WaitBackoff}, time.Hour)
		r.crm.setAnswer(func(ctx context.Context, q crmclient.Request) (crmclient.Result, error, bool) {
			if q.OriginID == "refused" {
				return crmclient.Result{}, &crmclient.Rejection{Reason: crmclient.ReasonRefused}, true
			}
			if result, err, ok := sent(ctx, q); ok {
				return result, err, ok
			}
			return waits(ctx, q)
		})
		link := r.line()
		killed := r.start(link.use)
		r.produce(eventOf("sent", "+1"), eventOf("waits", "+2"), event("refused"), eventOf("inline", "+2"), eventOf("done", "+5"))
		r.awaitCreated("done")
		time.Sleep(2 * time.Second) // a commit
		want := map[crmclient.Wait]int{crmclient.WaitDoubt: 1, crmclient.WaitBackoff: 1, waitLetter: 1, waitOrder: 1}
		if got := killed.parkedWhy(); fmt.Sprint(got) != fmt.Sprint(want) {
			t.Fatalf("parked %v, want %v", got, want)
		}
		link.sever()
		away.Remove()
		r.crm.setAnswer(nil)
		heir := r.start()
		r.await("all committed", func() bool { return r.commits()[0].offset == 5 })
		for id, suspect := range map[string]bool{"sent": true, "waits": false, "refused": false, "inline": false} {
			asked := r.crm.asked(id)
			if last := asked[len(asked)-1]; last.Suspect != suspect || last.Resume != nil {
				t.Errorf("%s: suspect %v, want %v", id, last.Suspect, suspect)
			}
		}
		r.crm.once(t)
		heir.shutdown(t)
		killed.shutdown(t)
	})
}

// Before a create may be sent for a record that the ledger calls untouched, a commit calls it sent.
func TestParkedRecordIsSentOnlyAfterACommitThatSaysSo(t *testing.T) {
	bubble(t, 1, func(t *testing.T, r *rig) {
		r.primed()
		r.crm.setAnswer(func(ctx context.Context, q crmclient.Request) (crmclient.Result, error, bool) {
			if q.OriginID == "waits" && q.Resume != nil {
				commit := r.commits()[0]
				left, err := decodeLedger(commit.offset, commit.metadata)
				if err != nil {
					t.Error(err)
				}
				if _, sent := unfinishedIn(left.spans, 0); !sent {
					t.Error("a create may leave for a record that the acknowledged ledger calls untouched")
				}
				return crmclient.Result{}, nil, false
			}
			return deferring("waits", crmclient.Deferred{Why: crmclient.WaitBackoff}, 5*time.Second)(ctx, q)
		})
		p := r.start()
		r.produce(event("waits"))
		r.await("parked", func() bool { return p.parkedWhy()[crmclient.WaitBackoff] == 1 })
		time.Sleep(3 * time.Second)
		commit := r.commits()[0]
		left, err := decodeLedger(commit.offset, commit.metadata)
		if unfinished, sent := unfinishedIn(left.spans, 0); err != nil || !unfinished || sent {
			t.Errorf("while it is parked it is unfinished %v, sent %v, %v", unfinished, sent, err)
		}
		r.awaitCreated("waits")
		r.await("all committed", func() bool { return r.commits()[0].offset == 1 })
		p.shutdown(t)
	})
}

// Parked records that wait until creates pass again are tried at once when one passes.
func TestParkedRecordsGoEarlyWhenCreatesPass(t *testing.T) {
	bubble(t, 1, func(t *testing.T, r *rig) {
		r.primed()
		r.crm.setAnswer(deferring("early", crmclient.Deferred{Why: crmclient.WaitBackoff, Ready: r.crm.ready()}, time.Hour))
		p := r.start()
		r.produce(append(events("early", 10), event("other"))...)
		r.await("parked", func() bool { return p.parkedWhy()[crmclient.WaitBackoff] == 10 })
		r.crm.setAnswer(nil)
		time.Sleep(time.Minute)
		if got := p.parkedWhy()[crmclient.WaitBackoff]; got != 10 {
			t.Fatalf("%d are parked before anything passed", got)
		}
		began := time.Now()
		r.crm.open()
		r.await("all committed", func() bool { return r.commits()[0].offset == 11 })
		if took := time.Since(began); took > 2*time.Second {
			t.Errorf("took %v", took)
		}
		p.shutdown(t)
	})
}

// While the first event of a person is parked, the person's later events wait for it; events of others are delivered.
func TestPersonsOrderIsKeptThroughParking(t *testing.T) {
	bubble(t, 1, func(t *testing.T, r *rig) {
		r.primed()
		r.crm.setAnswer(deferring("p0", crmclient.Deferred{Why: crmclient.WaitBackoff}, 30*time.Second))
		p := r.start()
		r.produce(
			eventOf("p0", "+1"), eventOf("p1", "+1", "+2"), eventOf("p2", "+2"), eventOf("p3", "+1"),
			eventOf("q0", "+3"), eventOf("q1", "+3"),
		)
		r.awaitCreated("q0", "q1")
		r.await("parked", func() bool { return p.parkedWhy()[waitOrder] == 3 })
		if got := r.crm.createdIDs(); !slices.Equal(got, []string{"q0", "q1"}) {
			t.Errorf("created %v", got)
		}
		time.Sleep(time.Minute)
		r.crm.setAnswer(nil)
		r.await("all committed", func() bool { return r.commits()[0].offset == 6 })
		order := slices.DeleteFunc(r.crm.createdIDs(), func(id string) bool { return id[0] != 'p' })
		if slices.Index(order, "p1") < slices.Index(order, "p0") || slices.Index(order, "p2") < slices.Index(order, "p1") || slices.Index(order, "p3") < slices.Index(order, "p1") {
			t.Errorf("the order is %v", order)
		}
		p.shutdown(t)
		if n := len(p.Status().Partitions); n != 0 {
			t.Errorf("%d partitions after the end", n)
		}
	})
}

// A record that retention deletes while it is parked is counted as lost, and does not stop those behind it.
func TestParkedRecordThatTheLogLosesIsCounted(t *testing.T) {
	bubble(t, 1, func(t *testing.T, r *rig) {
		r.primed()
		r.crm.setAnswer(deferring("gone", crmclient.Deferred{Why: crmclient.WaitBackoff}, time.Minute))
		p := r.start()
		r.produce(eventOf("gone0", "+1"), eventOf("after", "+1"), event("gone1"), event("kept"))
		r.awaitCreated("kept")
		if err := r.cluster.DeleteRecords(testTopic, 0, 1); err != nil {
			t.Fatal(err)
		}
		r.awaitCreated("after")
		r.crm.setAnswer(nil)
		r.await("all committed", func() bool { return r.commits()[0].offset == 4 })
		if got := counterValue(t, p.deps.metrics.lost); got != 1 {
			t.Errorf("%v records counted as lost, want 1", got)
		}
		p.shutdown(t)
	})
}

// When parking is full, the partition stops and its status says so. In a flood one letter a second is written, to make room.
func TestParkingFullInAFlood(t *testing.T) {
	bubble(t, 2, func(t *testing.T, r *rig) {
		r.primed()
		r.crm.setAnswer(func(_ context.Context, q crmclient.Request) (crmclient.Result, error, bool) {
			if !strings.HasPrefix(q.OriginID, "bad") {
				return crmclient.Result{}, nil, false
			}
			return crmclient.Result{}, &crmclient.Deferred{
				Pending: new(crmclient.Pending), Why: crmclient.WaitFlood, Until: time.Now().Add(time.Hour), Ready: r.crm.ready(),
				Refusal: &crmclient.Rejection{Reason: crmclient.ReasonRefused, Status: 400, Flood: "f1"},
			}, true
		})
		const bad = maxParked + 300
		for at := 0; at < bad; at += 1000 {
			r.produce(events(fmt.Sprintf("bad%d-", at), min(1000, bad-at))...)
		}
		p := r.start()
		time.Sleep(30 * time.Second)
		r.produce(events("good", 20)...)
		elsewhere := event("elsewhere")
		elsewhere.partition = 1
		r.produce(elsewhere)
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if s := p.Status(); !hasHold(s, HoldParking) || !s.Partitions[0].ParkingFull || s.Partitions[1].ParkingFull || !s.Healthy {
			t.Errorf("%+v, %+v", s.Holds, s.Partitions)
		}
		if got := r.crm.createdIDs(); !slices.Equal(got, []string{"elsewhere"}) {
			t.Errorf("created %v", got)
		}
		letters := r.deadLetters()
		if len(letters) < 30 || len(letters) > 42 {
			t.Errorf("%d letters in about forty seconds", len(letters))
		}
		if got := headerOf(letters[0], "dlt-flood"); got != "f1" {
			t.Errorf("dlt-flood is %q", got)
		}
		if got := headerOf(letters[0], "dlt-event-id"); got != "bad0-0" {
			t.Errorf("the first letter is that of %s, want the oldest", got)
		}
		time.Sleep(5 * time.Minute)
		r.awaitCreated("good19")
		r.crm.setAnswer(nil)
		r.crm.open()
		time.Sleep(5 * time.Minute)
		if s := p.Status(); hasHold(s, HoldParking) || r.commits()[0].offset != bad+20 {
			t.Errorf("after the flood: %+v, %+v, commits %+v", s.Holds, s.Partitions, r.commits())
		}
		r.crm.once(t)
		p.shutdown(t)
	})
}

// The records that a partition has at the CRM take no bytes of another partition.
func TestNoPartitionTakesAnothersBytes(t *testing.T) {
	bubble(t, 2, func(t *testing.T, r *rig) {
		r.primed()
		r.crm.setAnswer(func(ctx context.Context, q crmclient.Request) (crmclient.Result, error, bool) {
			if strings.HasPrefix(q.OriginID, "hangs") {
				return hang(ctx)
			}
			return crmclient.Result{}, nil, false
		})
		p := r.start(func(c *Config) { c.MaxBuffer, c.DrainTimeout = 8<<20, time.Second })
		padding := strings.Repeat(" ", 900<<10)
		for i := range 20 {
			r.produce(message{value: fmt.Sprintf(`{"id":"hangs%d"}%s`, i, padding)})
		}
		time.Sleep(30 * time.Second)
		if held, most := p.deps.board.bytesInUse(), int64(2<<20+900<<10); held > most {
			t.Errorf("a partition holds %d bytes, its part for fresh records is 2 MiB", held)
		}
		for i := range 5 {
			r.produce(message{partition: 1, value: fmt.Sprintf(`{"id":"good%d"}%s`, i, padding)})
		}
		time.Sleep(30 * time.Second)
		synctest.Wait()
		if got := len(r.crm.createdIDs()); got != 5 {
			t.Errorf("%d of 5 events of the other partition were delivered", got)
		}
		p.shutdown(t)
	})
}
