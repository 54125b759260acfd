package consumer

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/leadbridge/leadbridge/crmclient"
)

// freshFirst is the configuration of these tests: a small window, so that few records make a backlog.
func freshFirst(c *Config) { c.FreshFirst, c.Window = .5, 8 }

// slowly has the CRM take so long for each create, one after another, and returns what ends that.
func (r *rig) slowly(each time.Duration) (quickly func()) {
	var quick atomic.Bool
	turn := make(chan struct{}, 1)
	r.crm.setAnswer(func(ctx context.Context, q crmclient.Request) (crmclient.Result, error, bool) {
		if quick.Load() || q.LookUpOnly {
			return crmclient.Result{}, nil, false
		}
		select {
		case turn <- struct{}{}:
			defer func() { <-turn }()
		case <-ctx.Done():
			return crmclient.Result{}, ctx.Err(), true
		case <-q.Stop:
			return crmclient.Result{}, crmclient.ErrStopped, true
		}
		select {
		case <-time.After(each):
			return crmclient.Result{}, nil, false
		case <-ctx.Done():
			return crmclient.Result{Unsettled: true}, ctx.Err(), true
		}
	})
	return func() { quick.Store(true) }
}

// awaitSplit waits until so many backlogs were set aside in all.
func (r *rig) awaitSplit(n int) {
	r.t.Helper()
	r.await("a backlog that is set aside", func() bool { return strings.Count(r.logs.String(), "a backlog is set aside") == n })
}

// withBacklog has a group that knows the topic, so that nothing is a suspect, and a backlog of n events that are a minute old.
func (r *rig) withBacklog(n int) {
	r.t.Helper()
	r.primed()
	r.produce(events("old", n)...)
	time.Sleep(backlogAge) // virtual
}

// doneBefore returns how many of the backlog were created before the event id.
func (r *rig) doneBefore(id string) int {
	created := r.crm.createdIDs()
	n := 0
	for _, c := range created[:max(slices.Index(created, id), 0)] {
		if strings.HasPrefix(c, "old") {
			n++
		}
	}
	return n
}

func (r *rig) awaitAll(n int) {
	r.t.Helper()
	r.await(fmt.Sprintf("%d contacts", n), func() bool { return len(r.crm.createdIDs()) >= n })
}

// What comes while a backlog waits is delivered before most of it, and all of the backlog is delivered, each once.
func TestNewEventOvertakesABacklog(t *testing.T) {
	bubble(t, 1, func(t *testing.T, r *rig) {
		r.withBacklog(300)
		quickly := r.slowly(100 * time.Millisecond)
		p := r.start(freshFirst)
		r.awaitSplit(1)
		r.produce(events("new", 5)...)
		r.awaitCreated("new0", "new1", "new2", "new3", "new4")
		if n := r.doneBefore("new4"); n > 60 {
			t.Errorf("%d of the backlog were delivered before it", n)
		}
		quickly()
		r.awaitAll(305)
		r.await("the commit", func() bool { return r.commits()[0].offset == 305 })
		p.shutdown(t)
		r.crm.once(t)
		if n := r.crm.suspects(); n != 0 {
			t.Errorf("%d look-ups", n)
		}
		for id, want := range map[string]bool{"new0": false, "new4": false, "old0": false, "old299": true} {
			if got := r.crm.asked(id)[0].Later; got != want {
				t.Errorf("%s gets what others leave of the budget: %v, want %v", id, got, want)
			}
		}
	})
}

// hold has the CRM take nothing, and say so, until the returned function is called.
func (r *rig) hold() (end func()) {
	back := make(chan struct{})
	r.crm.setHolds(crmclient.Hold{Cause: crmclient.HoldOutage, Held: true})
	r.crm.setAnswer(func(ctx context.Context, q crmclient.Request) (crmclient.Result, error, bool) {
		select {
		case <-back:
			return crmclient.Result{}, nil, false
		case <-ctx.Done():
			return crmclient.Result{}, ctx.Err(), true
		case <-q.Stop:
			return crmclient.Result{}, crmclient.ErrStopped, true
		}
	})
	return func() {
		r.crm.setHolds()
		close(back)
	}
}

// All that comes during an outage is the backlog, however long that lasts, but for the last few events of the last minute: the
// CRM may have been back by then.
func TestBacklogIsWhatCameDuringAnOutage(t *testing.T) {
	bubble(t, 1, func(t *testing.T, r *rig) {
		r.primed()
		end := r.hold()
		p := r.start(freshFirst)
		for minute := range 10 {
			r.produce(events(fmt.Sprint("old", minute, "-"), 30)...)
			time.Sleep(backlogAge) // virtual
		}
		if strings.Contains(r.logs.String(), "a backlog is set aside") {
			t.Error("a backlog was set aside while nothing could be delivered")
		}
		r.produce(events("last", 3)...)
		quickly := r.slowly(100 * time.Millisecond)
		end()
		r.awaitSplit(1)
		r.produce(events("new", 2)...)
		r.awaitCreated("last2", "new1")
		for _, id := range []string{"last2", "new1"} {
			if n := r.doneBefore(id); n > 60 {
				t.Errorf("%d of the backlog were delivered before %s", n, id)
			}
		}
		quickly()
		r.await("the commit", func() bool { return r.commits()[0].offset == 305 })
		p.shutdown(t)
		r.crm.once(t)
	})
}

// What is left to the newer part is young, it is not much, and a backlog remains.
func TestYoungRecordsAreNotOfTheBacklog(t *testing.T) {
	for _, c := range []struct{ old, want int64 }{{0, 1090}, {1050, 1090}, {1095, 1095}, {1100, 1100}} {
		b := backlogReading{first: 1000, end: 1100, old: c.old}
		for offset := range uint32(100) {
			b.entries = append(b.entries, backlogEntry{offset: offset})
		}
		b.leaveYoung(20, 10)
		if last := b.first + int64(b.entries[len(b.entries)-1].offset); b.end != c.want || last != c.want-1 {
			t.Errorf("old up to %d: the backlog ends at %d, its keys at %d, want %d", c.old, b.end, last, c.want)
		}
	}
	b := backlogReading{first: 1000, end: 1100}
	if b.leaveYoung(200, 10); b.end != 1100 {
		t.Errorf("a small backlog ends at %d", b.end)
	}
}

// Without the setting the log's order decides.
func TestWithoutFreshFirstABacklogIsDeliveredInOrder(t *testing.T) {
	bubble(t, 1, func(t *testing.T, r *rig) {
		r.withBacklog(100)
		quickly := r.slowly(100 * time.Millisecond)
		p := r.start(freshFirst, func(c *Config) { c.FreshFirst = 0 })
		time.Sleep(5 * time.Second) // virtual
		r.produce(events("new", 1)...)
		quickly()
		r.awaitAll(101)
		p.shutdown(t)
		if n := r.doneBefore("new0"); n < 90 {
			t.Errorf("only %d of the backlog were delivered before it", n)
		}
	})
}

// A newer event of a person who has one in the backlog waits for it, and the later ones of that person for this one; those of
// others do not wait.
func TestOrderIsKeptOverTheBacklog(t *testing.T) {
	for _, by := range []OrderBy{OrderByPerson, OrderByKey, OrderByNone} {
		t.Run(string(by), func(t *testing.T) {
			bubble(t, 1, func(t *testing.T, r *rig) {
				r.primed()
				person := func(id string) message {
					m := eventOf(id, "+1")
					m.key = "person"
					return m
				}
				old := events("old", 200)
				old[100] = person("p-0")
				old[150] = person("p-1")
				r.produce(old...)
				time.Sleep(backlogAge)
				quickly := r.slowly(100 * time.Millisecond)
				p := r.start(freshFirst, func(c *Config) { c.OrderBy = by })
				r.awaitSplit(1)
				r.produce(person("p-2"), event("new0"), person("p-3"), event("new1"))
				r.awaitCreated("new1")
				if made := len(r.crm.asked("p-2")) > 0; made != (by == OrderByNone) {
					t.Errorf("the person's third event was sent: %v", made)
				}
				quickly()
				r.awaitAll(204)
				r.await("the commit", func() bool { return r.commits()[0].offset == 204 })
				p.shutdown(t)
				r.crm.once(t)
				ids := r.crm.createdIDs()
				ids = slices.DeleteFunc(ids, func(id string) bool { return !strings.HasPrefix(id, "p-") })
				if want := []string{"p-0", "p-1", "p-2", "p-3"}; by != OrderByNone && !slices.Equal(ids, want) {
					t.Errorf("created in the order %v", ids)
				}
			})
		})
	}
}

// An event whose id stands in the backlog, too, waits for that record, whatever the order is by, and is no second contact;
// with other contact points it is another event.
func TestIDInBothPartsIsOneContact(t *testing.T) {
	bubble(t, 1, func(t *testing.T, r *rig) {
		r.primed()
		old := events("old", 200)
		old[100] = eventOf("same", "+1")
		r.produce(old...)
		time.Sleep(backlogAge)
		quickly := r.slowly(100 * time.Millisecond)
		p := r.start(freshFirst, func(c *Config) { c.OrderBy = OrderByNone })
		r.awaitSplit(1)
		r.produce(eventOf("same", "+1"), eventOf("same", "+2"), event("new"))
		r.awaitCreated("new")
		if len(r.crm.asked("same")) > 0 {
			t.Error("it did not wait for the backlog")
		}
		quickly()
		r.await("the commit", func() bool { return r.commits()[0].offset == 203 })
		p.shutdown(t)
		r.crm.once(t)
		if n := len(r.crm.createdIDs()); n != 202 {
			t.Errorf("%d contacts, want 202: one of the id, and one of its other person", n)
		}
	})
}

// A backlog that an earlier owner set aside is one for the next owner, too, after a crash and after a clean stop: what came
// after it and was on its way is not behind it, and what was done is not done again.
func TestBacklogIsTakenOver(t *testing.T) {
	for _, crash := range []bool{true, false} {
		t.Run(fmt.Sprint("crash ", crash), func(t *testing.T) {
			bubble(t, 1, func(t *testing.T, r *rig) {
				r.withBacklog(300)
				r.slowly(100 * time.Millisecond)
				way := r.line()
				first := r.start(freshFirst, way.use)
				r.awaitSplit(1)
				r.produce(events("new", 20)...)
				r.awaitCreated("new9")
				time.Sleep(time.Second) // a commit
				slow, lost := r.crm.answer, applyThenHang(r.crm, "new19", "old30", "old31", "old32")
				r.crm.setAnswer(func(ctx context.Context, q crmclient.Request) (crmclient.Result, error, bool) {
					if result, err, ok := lost(ctx, q); ok {
						return result, err, ok
					}
					return slow(ctx, q)
				})
				r.awaitCreated("new19")
				if crash {
					way.sever()
				} else {
					first.shutdown(t)
				}
				quickly := r.slowly(100 * time.Millisecond)
				if n := len(r.crm.createdIDs()); n > 200 {
					t.Fatalf("only %d of the backlog are left", 320-n)
				}
				second := r.start(freshFirst)
				r.awaitSplit(2)
				r.produce(events("later", 1)...)
				r.awaitCreated("later0")
				if n := r.doneBefore("later0"); n > 250 {
					t.Errorf("%d of the backlog were delivered before it", n)
				}
				quickly()
				r.await("the commit", func() bool { return r.commits()[0].offset == 321 })
				second.shutdown(t)
				if crash {
					first.shutdown(t)
				}
				r.crm.once(t)
				if n := len(r.crm.createdIDs()); n != 321 {
					t.Errorf("%d contacts", n)
				}
			})
		})
	}
}

// The next owner knows the ids of newer events that are done before it dispatches anything: they may come again in another
// partition.
func TestIDsAboveABacklogAreReadBack(t *testing.T) {
	bubble(t, 2, func(t *testing.T, r *rig) {
		r.withBacklog(200)
		r.slowly(100 * time.Millisecond)
		way := r.line()
		first := r.start(freshFirst, way.use)
		r.awaitSplit(1)
		r.produce(event("again"))
		r.awaitCreated("again")
		time.Sleep(time.Second) // a commit
		way.sever()
		again := event("again")
		again.partition = 1
		r.produce(again)
		r.crm.setAnswer(nil)
		second := r.start(freshFirst)
		r.await("the commits", func() bool { c := r.commits(); return c[0].offset == 201 && c[1].offset == 1 })
		second.shutdown(t)
		first.shutdown(t)
		r.crm.once(t)
	})
}

// An owner without the setting, be it an older version, delivers what one with it left: in the log's order, once.
func TestBacklogIsTakenOverWithoutTheSetting(t *testing.T) {
	bubble(t, 1, func(t *testing.T, r *rig) {
		r.withBacklog(200)
		r.slowly(100 * time.Millisecond)
		way := r.line()
		first := r.start(freshFirst, way.use)
		r.awaitSplit(1)
		r.produce(events("new", 20)...)
		r.awaitCreated("new9")
		way.sever()
		r.crm.setAnswer(nil)
		second := r.start(freshFirst, func(c *Config) { c.FreshFirst = 0 })
		r.await("the commit", func() bool { return r.commits()[0].offset == 220 })
		second.shutdown(t)
		first.shutdown(t)
		r.crm.once(t)
		if n := r.crm.suspects(); n > 40 {
			t.Errorf("%d look-ups: the backlog is not suspect", n)
		}
	})
}

// When the backlog is delivered, another one can be set aside by the same owner.
func TestASecondBacklogIsSetAside(t *testing.T) {
	bubble(t, 1, func(t *testing.T, r *rig) {
		r.withBacklog(100)
		quickly := r.slowly(100 * time.Millisecond)
		p := r.start(freshFirst)
		r.awaitSplit(1)
		quickly()
		r.await("the end of the first", func() bool { return strings.Contains(r.logs.String(), "the backlog is delivered") })
		quickly = r.slowly(300 * time.Millisecond)
		var more []message
		for i := range 400 {
			more = append(more, event(fmt.Sprint("older", i)))
		}
		r.produce(more...)
		r.awaitSplit(2)
		r.produce(events("new", 1)...)
		r.awaitCreated("new0")
		if n := len(r.crm.createdIDs()); n > 100+400*9/10 {
			t.Errorf("%d were delivered before it", n)
		}
		quickly()
		r.await("the commit", func() bool { return r.commits()[0].offset == 501 })
		p.shutdown(t)
		r.crm.once(t)
	})
}

// A process that ended several times while it read the keys of the backlog does not read them again: a record of it may be
// the cause.
func TestKeysAreNotReadAgainAfterSeveralEnds(t *testing.T) {
	for begun := range maxReadings + 1 {
		bubble(t, 1, func(t *testing.T, r *rig) {
			r.primed()
			r.produce(events("old", 200)...)
			r.commitAs(0, ledger{granted: 0, trial: readingKeys, trials: begun}.encode(0))
			time.Sleep(backlogAge)
			quickly := r.slowly(100 * time.Millisecond)
			p := r.start(freshFirst)
			time.Sleep(5 * time.Second) // virtual
			if split := strings.Contains(r.logs.String(), "a backlog is set aside"); split != (begun < maxReadings) {
				t.Errorf("after %d times a backlog was set aside: %v", begun, split)
			}
			quickly()
			r.await("the commit", func() bool { return r.commits()[0].offset == 200 })
			time.Sleep(time.Minute)
			left, err := decodeLedger(200, r.commits()[0].metadata)
			if err != nil || left.trial == readingKeys {
				t.Errorf("the ledger after the backlog: %+v, %v", left, err)
			}
			p.shutdown(t)
		})
	}
}

// What would make the order unknown, or take too much memory, keeps the backlog from being overtaken, and is tried again
// later.
func TestBacklogThatCannotBeReadIsNotSetAside(t *testing.T) {
	for _, c := range []struct {
		name string
		keys int
		want error
	}{{"too many keys", 50, errBacklogTooLarge}, {"a record without a schema", 1000, errBacklogUnreadable}, {"in order", 1000, nil}} {
		t.Run(c.name, func(t *testing.T) {
			bubble(t, 1, func(t *testing.T, r *rig) {
				r.withBacklog(100)
				schemas := newFakeSchemas()
				if c.want == errBacklogUnreadable { //nolint:errorlint // it is this one
					r.produce(event("framed"))
				}
				quickly := r.slowly(time.Second)
				p := r.startReading(schemas, r.crm, freshFirst, func(c *Config) { c.FreshFirst = 0 }) // so that it has no splitter
				r.await("the first", func() bool { return len(r.crm.createdIDs()) > 0 })
				sp := newSplitter(p.deps.board.currentGeneration().partitions[0], 0)
				sp.keys = c.keys
				sp.moves = movement{freeAt: time.Now().Add(-freeFor), endedAt: time.Now()}
				read, err := sp.read(t.Context(), noEnd)
				if !errors.Is(err, c.want) {
					t.Errorf("read %+v, %v", read, err)
				}
				if split := sp.trySplit(t.Context(), time.Now()); split != (c.want == nil) {
					t.Errorf("set aside: %v", split)
				}
				if again := sp.trySplit(t.Context(), time.Now()); again {
					t.Error("set aside at once again")
				}
				quickly()
				schemas.come()
				r.await("the rest", func() bool { return len(r.crm.createdIDs()) >= 100 })
				p.shutdown(t)
				r.crm.once(t)
			})
		})
	}
}

// Whether delivery goes on is judged by records that end, and not sooner than some seconds after a hold.
func TestMovement(t *testing.T) {
	at := func(s float64) time.Time { return time.Unix(0, 0).Add(time.Duration(s * float64(time.Second))) }
	type look struct {
		at    float64
		ended int
		held  bool
		want  bool
	}
	for _, c := range []struct {
		name  string
		looks []look
	}{
		{"what ended before the first look counts for nothing", []look{{0, 5, false, false}, {60, 5, false, false}}},
		{"after some seconds", []look{{0, 5, false, false}, {1, 6, false, false}, {3, 7, false, true}}},
		{"the last end is long ago", []look{{0, 5, false, false}, {1, 6, false, false}, {11, 6, false, true}, {12, 6, false, false}, {13, 7, false, true}}},
		{"an event that passes during an outage", []look{{0, 5, true, false}, {1, 6, false, false}, {2, 7, true, false}, {3, 8, false, false}, {5, 9, false, false}, {6, 9, false, true}}},
		{"nothing since a hold", []look{{0, 5, false, false}, {3, 7, false, true}, {4, 8, true, false}, {5, 9, false, false}, {9, 9, false, false}}},
	} {
		var m movement
		for _, l := range c.looks {
			m.look(at(l.at), l.ended, l.held)
			if got := m.goesOn(at(l.at)); got != l.want {
				t.Errorf("%s: after %v s it goes on: %v, want %v", c.name, l.at, got, l.want)
			}
		}
	}
}

// A process that starts in an outage of which it knows nothing yet, as the CRM just does not answer, sets nothing aside before
// events pass: what came until then is the backlog.
func TestNothingIsSetAsideWhileTheCRMDoesNotAnswer(t *testing.T) {
	bubble(t, 1, func(t *testing.T, r *rig) {
		r.withBacklog(100)
		back := r.hold()
		r.crm.setHolds() // nobody says so
		p := r.start(freshFirst)
		time.Sleep(time.Minute) // virtual
		r.produce(events("more", 100)...)
		time.Sleep(backlogAge) // virtual
		if strings.Contains(r.logs.String(), "a backlog is set aside") {
			t.Error("a backlog was set aside while nothing was delivered")
		}
		quickly := r.slowly(100 * time.Millisecond)
		back()
		r.awaitSplit(1)
		r.produce(events("new", 1)...)
		r.awaitCreated("new0")
		if n := len(r.crm.createdIDs()); n > 120 {
			t.Errorf("%d were delivered before it", n)
		}
		quickly()
		r.await("the commit", func() bool { return r.commits()[0].offset == 201 })
		p.shutdown(t)
		r.crm.once(t)
	})
}

// When the CRM only throttles, events pass between, and newer ones overtake the backlog.
func TestThrottleKeepsNoBacklogFromBeingSetAside(t *testing.T) {
	bubble(t, 1, func(t *testing.T, r *rig) {
		r.withBacklog(100)
		quickly := r.slowly(time.Second)
		r.crm.setHolds(crmclient.Hold{Cause: crmclient.HoldThrottle, Held: true})
		p := r.start(freshFirst)
		r.awaitSplit(1)
		quickly()
		r.await("the commit", func() bool { return r.commits()[0].offset == 100 })
		p.shutdown(t)
	})
}

// Reading the keys of a backlog takes bytes of the partition's own, and waits until some are free.
func TestKeysAreReadWithinThePartitionsBytes(t *testing.T) {
	bubble(t, 1, func(t *testing.T, r *rig) {
		r.withBacklog(100)
		quickly := r.slowly(time.Second)
		p := r.start(freshFirst, func(c *Config) { c.FreshFirst = 0 }) // so that it has no splitter
		r.await("the first", func() bool { return len(r.crm.createdIDs()) > 0 })
		part := p.deps.board.currentGeneration().partitions[0]
		all := part.reader.bytes.room()
		if err := part.reader.bytes.reserve(t.Context(), all); err != nil {
			t.Fatal(err)
		}
		read := make(chan error, 1)
		go func() {
			_, err := newSplitter(part, 0).read(t.Context(), noEnd)
			read <- err
		}()
		time.Sleep(5 * time.Second) // virtual
		if len(read) > 0 {
			t.Error("it was read without room for it")
		}
		part.reader.bytes.release(all)
		if err := <-read; err != nil {
			t.Error(err)
		}
		if n := part.reader.bytes.inUse(); n != 0 {
			t.Errorf("%d bytes are kept", n)
		}
		quickly()
		r.await("the commit", func() bool { return r.commits()[0].offset == 100 })
		p.shutdown(t)
	})
}

// laterHangs has the CRM answer nothing about a backlog until the returned function is called, and everything else at once.
func (r *rig) laterHangs() (end func()) {
	on := make(chan struct{})
	r.crm.setAnswer(func(ctx context.Context, q crmclient.Request) (crmclient.Result, error, bool) {
		if !q.Later {
			return crmclient.Result{}, nil, false
		}
		select {
		case <-on:
			return crmclient.Result{}, nil, false
		case <-q.Stop:
			return crmclient.Result{}, crmclient.ErrStopped, true
		case <-ctx.Done():
			return crmclient.Result{}, ctx.Err(), true
		}
	})
	return func() { close(on) }
}

// Events that stand behind a backlog may fill the ledger. Then the newer ones wait for the backlog, and nothing is to be
// mended: no hold says so.
func TestEventsBehindABacklogRaiseNoHold(t *testing.T) {
	bubble(t, 1, func(t *testing.T, r *rig) {
		r.primed()
		old := events("old", 200)
		old[199] = eventOf("last", "+1")
		r.produce(old...)
		time.Sleep(backlogAge)
		quickly := r.slowly(100 * time.Millisecond)
		p := r.start(freshFirst)
		r.awaitSplit(1)
		quickly()
		end := r.laterHangs()
		var mixed []message
		for i := range 1200 {
			mixed = append(mixed, event(fmt.Sprint("new", i)), eventOf(fmt.Sprint("behind", i), "+1"))
		}
		r.produce(mixed...)
		r.await("a full ledger", func() bool { return p.Status().Partitions[0].ParkingFull })
		time.Sleep(2 * WaitingAfter) // virtual
		if holds := p.Status().Holds; len(holds) > 0 {
			t.Errorf("holds %+v", holds)
		}
		found := map[Why]bool{}
		for _, w := range p.Status().Waiting {
			found[w.Why] = true
		}
		if !found[WhyTurn] || !found[WhyBacklog] || !found[Why(waitOrder)] || found[Why(HoldParking)] {
			t.Errorf("waiting: %+v", p.Status().Waiting)
		}
		end()
		r.await("the commit", func() bool { return r.commits()[0].offset == 2600 })
		p.shutdown(t)
		r.crm.once(t)
	})
}

// Retention may delete a part of a backlog after newer events were delivered: what is lost of it is counted, and the rest is
// delivered.
func TestRetentionDeletesAPartOfABacklog(t *testing.T) {
	for _, deleted := range []int64{150, 310} { // within the backlog, and beyond it
		bubble(t, 1, func(t *testing.T, r *rig) {
			r.withBacklog(300)
			r.slowly(100 * time.Millisecond)
			first := r.start(freshFirst)
			r.awaitSplit(1)
			r.produce(events("new", 20)...)
			r.awaitCreated("new19")
			first.shutdown(t)
			done := len(r.crm.createdIDs())
			if err := r.cluster.DeleteRecords(testTopic, 0, deleted); err != nil {
				t.Fatal(err)
			}
			quickly := r.slowly(100 * time.Millisecond)
			second := r.start(freshFirst)
			if deleted < 300 {
				r.awaitSplit(2)
			}
			r.produce(events("later", 1)...)
			r.awaitCreated("later0")
			quickly()
			r.await("the commit", func() bool { return r.commits()[0].offset == 321 })
			second.shutdown(t)
			r.crm.once(t)
			created := r.crm.createdIDs()
			if counted := int(counterValue(t, second.deps.metrics.lost)); done > 100 || len(created)+counted != 321 {
				t.Errorf("%d contacts, %d of them at first, and %d counted as lost, of 321 events", len(created), done, counted)
			}
			for i := deleted; i < 300; i++ {
				if !slices.Contains(created, fmt.Sprint("old", i)) {
					t.Errorf("old%d was not deleted, and is no contact", i)
				}
			}
		})
	}
}
