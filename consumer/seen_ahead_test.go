package consumer

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leadbridge/leadbridge/crmclient"
	"github.com/leadbridge/leadbridge/transform"
)

// hanging has the CRM answer nothing about an event until the returned function is called.
func (r *rig) hanging(id string) (end func()) {
	on := make(chan struct{})
	r.crm.setAnswer(func(ctx context.Context, q crmclient.Request) (crmclient.Result, error, bool) {
		if q.OriginID == id {
			select {
			case <-on:
			case <-ctx.Done():
				return crmclient.Result{}, ctx.Err(), true
			}
		}
		return crmclient.Result{}, nil, false
	})
	return func() { close(on) }
}

// contactsOf returns how many contacts an event became.
func (f *fakeCRM) contactsOf(id string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.contacts[id]
}

// An event that an earlier owner finished above the offset of its commit, and that comes again in another partition, is known
// before anything is dispatched: delivery may pass the first one late.
func TestEventFinishedAheadIsKnownInOtherPartitions(t *testing.T) {
	bubble(t, 2, func(t *testing.T, r *rig) {
		r.primed()
		r.produce(event("a"), event("b"), event("again"))
		again := event("again")
		again.partition = 1
		r.produce(again)
		r.crm.contacts["again"] = 1 // by the earlier owner
		r.commitAs(0, ledger{granted: 3, trial: -1, spans: []span{{0, 2, true}}}.encode(0))
		end := r.hanging("a")
		p := r.start(func(c *Config) { c.Window = 1 }) // so that nothing passes b
		r.await("the commit", func() bool { return r.commits()[1].offset == 1 })
		if n := r.crm.contactsOf("again"); n != 1 {
			t.Errorf("%d contacts of one event", n)
		}
		end()
		r.await("the commit", func() bool { return r.commits()[0].offset == 3 })
		p.shutdown(t)
		r.crm.once(t)
	})
}

// An unfinished event among those that an earlier owner finished is no repeat of itself: it stays new if it was. When one id
// came with two persons, the one that had it first keeps it, though the other one's event is finished already.
func TestUnfinishedEventAmongFinishedOnesIsNoRepeat(t *testing.T) {
	bubble(t, 2, func(t *testing.T, r *rig) {
		r.primed()
		first, second := eventOf("id", "+1"), eventOf("id", "+2")
		r.produce(first, second, event("c"))
		again := second
		again.partition = 1
		r.produce(again)
		own := OwnID("id", &crmclient.Contact{Phones: []crmclient.Multifield{{Value: "+2"}}})
		r.crm.contacts["c"], r.crm.contacts[transform.OriginID(own)] = 1, 1 // by the earlier owner
		r.commitAs(0, ledger{granted: 3, trial: -1, spans: []span{{0, 1, false}}}.encode(0))
		end := r.hanging("id")
		p := r.start(func(c *Config) { c.Window = 1 })
		r.await("the commit", func() bool { return r.commits()[1].offset == 1 })
		end()
		r.await("the commit", func() bool { return r.commits()[0].offset == 3 })
		p.shutdown(t)
		asked := r.crm.asked("id")
		if len(asked) == 0 || asked[0].Suspect {
			t.Errorf("%d requests, want a create without a look-up", len(asked))
		}
		r.crm.once(t)
		if n := len(r.crm.createdIDs()); n != 1 {
			t.Errorf("created %v, want the first person's event alone", r.crm.createdIDs())
		}
	})
}

// An event that may have been sent, and had its id before a finished one of another person, keeps it when reading ahead ends before
// it gets to the unfinished one: that is looked up by the id that it was sent with.
func TestIDOfAnEventThatIsNotReadAheadIsNotTaken(t *testing.T) {
	bubble(t, 1, func(t *testing.T, r *rig) {
		r.primed()
		r.produce(eventOf("id", "+1"))
		r.produce(events("a", 10)...)
		r.produce(eventOf("id", "+2"))
		own := OwnID("id", &crmclient.Contact{Phones: []crmclient.Multifield{{Value: "+2"}}})
		for _, id := range append(ids("a", 0, 10), "id", transform.OriginID(own)) {
			r.crm.contacts[id] = 1 // by the earlier owner
		}
		r.commitAs(0, ledger{granted: 12, trial: -1, spans: []span{{0, 1, true}}}.encode(0))
		p := r.start(func(c *Config) { c.DedupeWindow = 5 })
		r.await("the commit", func() bool { return r.commits()[0].offset == 12 })
		p.shutdown(t)
		if made := r.crm.createdIDs(); len(made) > 0 {
			t.Errorf("created %v, which are all there", made)
		}
	})
}

// What was read ahead is forgotten when delivery has passed it, and so remembers it as it does all other events.
func TestReadAheadIsForgottenWhenPassed(t *testing.T) {
	bubble(t, 1, func(t *testing.T, r *rig) {
		r.primed()
		r.produce(events("a", 50)...)
		r.commitAs(0, ledger{granted: 40, trial: -1, spans: []span{{0, 1, true}, {5, 7, true}}}.encode(0))
		end := r.hanging("a0")
		p := r.start(func(c *Config) { c.Window = 1 })
		r.await("the first", func() bool { return len(r.crm.asked("a0")) > 0 })
		rings := func() int {
			s := p.deps.board.currentGeneration().seen
			s.mu.Lock()
			defer s.mu.Unlock()
			return len(s.memory.rings)
		}
		if n := rings(); n != 2 {
			t.Errorf("%d memories before", n)
		}
		end()
		r.await("the commit", func() bool { return r.commits()[0].offset == 50 })
		s := p.deps.board.currentGeneration().seen
		if n := rings(); n != 1 || !s.remembers("a39") || !s.remembers("a0") {
			t.Errorf("%d memories, want the partition's own, with all ids", n)
		}
		p.shutdown(t)
	})
}

// An event that an earlier owner finished within what is a backlog now stays known to those that overtake it, until the backlog
// has passed it.
func TestIDsWithinABacklogStayKnown(t *testing.T) {
	bubble(t, 1, func(t *testing.T, r *rig) {
		r.primed()
		r.produce(append(events("old", 50), events("done", 10)...)...)
		r.produce(events("more", 140)...)
		for _, e := range ids("done", 0, 10) {
			r.crm.contacts[e] = 1 // by the earlier owner
		}
		r.commitAs(0, ledger{granted: 200, trial: -1, spans: []span{{0, 50, false}, {60, 200, false}}}.encode(0))
		time.Sleep(backlogAge) // virtual
		quickly := r.slowly(100 * time.Millisecond)
		p := r.start(freshFirst)
		r.awaitSplit(1)
		end := r.laterHangs()
		r.produce(event("new"))
		r.awaitCreated("new")
		r.produce(event("done5"))
		r.await("the second of done5", func() bool {
			newest := p.deps.board.currentGeneration().partitions[0].newest().records
			return newest.nextOffset() == 202 && newest.status(time.Now()).Unfinished == 0
		})
		if n := r.crm.contactsOf("done5"); n != 1 {
			t.Errorf("%d contacts of one event", n)
		}
		end()
		quickly()
		r.await("the commit", func() bool { return r.commits()[0].offset == 202 })
		p.shutdown(t)
		r.crm.once(t)
	})
}

func TestWhatIsReadAhead(t *testing.T) {
	for _, c := range []struct {
		name    string
		start   int64
		granted int64
		end     int64
		spans   []span
		want    []span
	}{
		{"nothing is left", 10, 10, 100, nil, nil},
		{"all is unfinished", 10, 40, 100, []span{{10, 40, true}}, nil},
		{"finished above unfinished ones", 10, 40, 100, []span{{10, 20, true}}, []span{{from: 10, to: 40}}},
		{"between and below them", 10, 60, 100, []span{{10, 20, true}, {25, 30, false}, {50, 60, true}}, []span{{from: 10, to: 50}}},
		{"above a backlog", 10, 9000, 10_000, []span{{10, 12, true}, {15, 8000, false}, {8100, 8200, true}},
			[]span{{from: 10, to: 15}, {from: 8000, to: 9000}}},
		{"a backlog alone", 10, 9000, 10_000, []span{{10, 9000, false}}, nil},
		{"granted beyond the log's end", 10, 120, 100, []span{{10, 20, true}, {30, 120, true}}, []span{{from: 10, to: 30}}},
		{"retention took some", 50, 80, 100, []span{{10, 20, true}, {40, 60, true}}, []span{{from: 50, to: 80}}},
	} {
		o := opening{start: c.start, log: bounds{0, c.end}, inherited: ledger{granted: c.granted, spans: c.spans}}
		if diff := cmp.Diff(c.want, o.finishedAhead(), cmp.AllowUnexported(span{})); diff != "" {
			t.Errorf("%s: -want +got:\n%s", c.name, diff)
		}
	}
}
