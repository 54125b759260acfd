package consumer

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/leadbridge/leadbridge/crmclient"
)

// slowly makes each create take d.
func slowly(d time.Duration) func(context.Context, crmclient.Request) (crmclient.Result, error, bool) {
	return func(ctx context.Context, _ crmclient.Request) (crmclient.Result, error, bool) {
		select {
		case <-time.After(d):
			return crmclient.Result{}, nil, false
		case <-ctx.Done():
			return crmclient.Result{}, ctx.Err(), true
		}
	}
}

// Two consumers share the partitions and the budget. When one joins or leaves under load, no event is lost or delivered
// twice, and none is looked up.
func TestRebalanceBetweenTwoConsumers(t *testing.T) {
	bubble(t, 4, func(t *testing.T, r *rig) {
		r.primed()
		r.crm.setAnswer(slowly(300 * time.Millisecond))
		a := r.start()
		send := func(round int) {
			for partition := range 4 {
				var batch []message
				for i := range 50 {
					m := event(fmt.Sprintf("r%d-p%d-%d", round, partition, i))
					m.partition, m.key = partition, fmt.Sprint(i%7)
					batch = append(batch, m)
				}
				r.produce(batch...)
			}
		}
		send(0)
		r.awaitCreated("r0-p0-0")
		b := r.start()
		send(1)
		r.await("both to work", func() bool {
			return len(a.Status().Partitions) == 2 && len(b.Status().Partitions) == 2
		})
		send(2)
		time.Sleep(500 * time.Millisecond)
		a.shutdown(t)
		r.await("all committed", func() bool {
			for _, c := range r.commits() {
				if c.offset != 150 {
					return false
				}
			}
			return true
		})
		b.shutdown(t)
		r.crm.once(t)
		if got := len(r.crm.createdIDs()); got != 600 {
			t.Errorf("%d contacts, want 600", got)
		}
		if n := r.crm.suspects(); n != 0 {
			t.Errorf("%d look-ups, want none: every request was answered", n)
		}
		if !slices.Contains(r.crm.shares, 0.5) || !slices.Contains(r.crm.shares, 1.0) {
			t.Errorf("shares of the budget: %v", r.crm.shares)
		}
	})
}

// New partitions are noticed and read from their first record.
func TestNewPartitionsAreRead(t *testing.T) {
	bubble(t, 1, func(t *testing.T, r *rig) {
		p := r.start()
		r.await("the assignment", func() bool { return p.Status().Ready })
		req := kmsg.NewPtrCreatePartitionsRequest()
		topic := kmsg.NewCreatePartitionsRequestTopic()
		topic.Topic, topic.Count = testTopic, 3
		req.Topics = append(req.Topics, topic)
		r.request(req)
		r.await("the new partitions", func() bool { return len(p.Status().Partitions) == 3 })
		m := event("new")
		m.partition = 2
		r.produce(m)
		r.awaitCreated("new")
		p.shutdown(t)
	})
}

// A drain lets creates that were sent end, and commits them. Records that only wait are left to the next owner, and are no
// suspects.
func TestDrainFinishesWhatIsInFlight(t *testing.T) {
	bubble(t, 1, func(t *testing.T, r *rig) {
		r.primed()
		r.crm.setAnswer(slowly(3 * time.Second))
		p := r.start(byKey)
		first, second := event("first"), event("second")
		first.key, second.key = "k", "k"
		r.produce(first, second)
		r.await("the first request", func() bool { return len(r.crm.asked("first")) == 1 })
		p.shutdown(t)
		if got := r.commits()[0]; got.offset != 1 {
			t.Fatalf("committed %d, want 1", got.offset)
		}
		if n := len(r.crm.asked("second")); n != 0 {
			t.Error("work was begun during the drain")
		}
		r.crm.setAnswer(nil)
		q := r.start()
		r.awaitCreated("second")
		if r.crm.asked("second")[0].Suspect {
			t.Error("a record that was never sent is a suspect")
		}
		q.shutdown(t)
		r.crm.once(t)
	})
}

// A drain that is cut short leaves suspects with the true time of the last write.
func TestDrainCutShort(t *testing.T) {
	bubble(t, 1, func(t *testing.T, r *rig) {
		r.primed()
		r.crm.setAnswer(applyThenHang(r.crm, "a1"))
		p := r.start()
		r.produce(events("a", 3)...)
		r.awaitCreated("a0", "a1", "a2")
		began := time.Now()
		p.shutdown(t)
		end := time.Now()
		if took := end.Sub(began); took < 20*time.Second || took > 25*time.Second {
			t.Errorf("took %v, want DRAIN_TIMEOUT (20s) and 5s at most", took)
		}
		r.crm.setAnswer(nil)
		time.Sleep(time.Hour)
		q := r.start()
		r.await("all committed", func() bool { return r.commits()[0].offset == 3 })
		asked := r.crm.asked("a1")
		if len(asked) != 2 || !asked[1].Suspect {
			t.Fatal("the aborted record is no suspect")
		}
		if before := asked[1].SentBefore(); before.After(end.Add(time.Second)) {
			t.Errorf("sent before %v, but the process had ended at %v", before, end)
		}
		r.crm.once(t)
		if n := r.crm.suspects(); n != 1 {
			t.Errorf("%d suspects, want 1", n)
		}
		q.shutdown(t)
	})
}

// Work that never returns does not keep the process from ending.
func TestExitLeavesHangingWorkBehind(t *testing.T) {
	bubble(t, 1, func(t *testing.T, r *rig) {
		release := make(chan struct{})
		r.crm.setAnswer(func(context.Context, crmclient.Request) (crmclient.Result, error, bool) {
			<-release // without regard to its context
			return crmclient.Result{ContactID: 1}, nil, true
		})
		p := r.start()
		r.produce(event("a"))
		r.await("the request", func() bool { return len(r.crm.asked("a")) == 1 })
		began := time.Now()
		p.shutdown(t)
		if took := time.Since(began); took > 25*time.Second {
			t.Errorf("took %v", took)
		}
		close(release)
		if got := r.commits()[0].offset; got != 0 {
			t.Errorf("committed %d, want 0", got)
		}
	})
}

// byKey keeps the order of records that have the same key.
func byKey(c *Config) { c.OrderBy = OrderByKey }

// Records of one key are delivered in their order, one at a time; records without this key overtake them.
func TestOneKeyAtATime(t *testing.T) {
	bubble(t, 1, func(t *testing.T, r *rig) {
		var inFlight, most atomic.Int32
		r.crm.setAnswer(func(ctx context.Context, q crmclient.Request) (crmclient.Result, error, bool) {
			if q.OriginID[0] != 'k' || q.LookUpOnly {
				return crmclient.Result{}, nil, false
			}
			most.Store(max(most.Load(), inFlight.Add(1)))
			defer inFlight.Add(-1)
			return slowly(time.Second)(ctx, q)
		})
		p := r.start(byKey)
		var batch []message
		for i := range 5 {
			m := event(fmt.Sprintf("k%d", i))
			m.key = "person"
			batch = append(batch, m)
		}
		batch = append(batch, event("free1"), event("free2"))
		r.produce(batch...)
		r.awaitCreated("k4")
		var keyed []string
		order := r.crm.createdIDs()
		for _, id := range order {
			if id[0] == 'k' {
				keyed = append(keyed, id)
			}
		}
		if !slices.Equal(keyed, []string{"k0", "k1", "k2", "k3", "k4"}) {
			t.Errorf("order %v", keyed)
		}
		if most.Load() != 1 {
			t.Errorf("%d of one key in flight together", most.Load())
		}
		if slices.Index(order, "free2") > slices.Index(order, "k1") {
			t.Error("a record without a key waited")
		}
		p.shutdown(t)
	})
}

// The window counts unfinished records only, so that a stuck record does not stop those after it. There are never more
// unfinished records than the window.
func TestWindowCountsUnfinishedRecords(t *testing.T) {
	bubble(t, 1, func(t *testing.T, r *rig) {
		r.primed()
		release := make(chan struct{})
		var inFlight, most atomic.Int32
		r.crm.setAnswer(func(ctx context.Context, q crmclient.Request) (crmclient.Result, error, bool) {
			most.Store(max(most.Load(), inFlight.Add(1)))
			defer inFlight.Add(-1)
			if q.OriginID == "stuck" {
				select {
				case <-release:
				case <-ctx.Done():
					return crmclient.Result{}, ctx.Err(), true
				}
			}
			return slowly(10*time.Millisecond)(ctx, q)
		})
		p := r.start(func(c *Config) { c.Window = 16 })
		r.produce(append([]message{event("stuck")}, events("a", 2000)...)...)
		r.awaitCreated("a1999")
		if got := most.Load(); got > 16 {
			t.Errorf("%d unfinished, window is 16", got)
		}
		c := r.commits()[0]
		if c.offset != 0 || len(c.metadata) > 200 {
			t.Errorf("committed %d with %d bytes of metadata", c.offset, len(c.metadata))
		}
		close(release)
		r.await("all committed", func() bool { return r.commits()[0].offset == 2001 })
		p.shutdown(t)
	})
}

// An event on an idle topic takes one commit before its create: the one that grants it.
func TestIdleEventCostsOneCommit(t *testing.T) {
	bubble(t, 1, func(t *testing.T, r *rig) {
		r.primed()
		p := r.start()
		r.await("the assignment", func() bool { return p.Status().Ready })
		commits := r.cluster.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.OffsetCommit}, Observe: true, Count: -1})
		time.Sleep(time.Minute)
		if n := commits.Hits(); n > 10 {
			t.Errorf("%d commits in an idle minute, want the renewals of the send horizon only", n)
		}
		idle := commits.Hits()
		var before int
		r.crm.setAnswer(func(context.Context, crmclient.Request) (crmclient.Result, error, bool) {
			before = commits.Hits() - idle
			return crmclient.Result{}, nil, false
		})
		r.produce(event("a"))
		r.awaitCreated("a")
		if before != 1 {
			t.Errorf("%d commits before the create, want the one that grants it", before)
		}
		p.shutdown(t)
	})
}

// While the dead-letter topic refuses writes, the offset of the letter's record is not committed, the hold is shown, and
// other events are delivered. When it accepts writes again, everything is delivered.
func TestDeadLetterTopicUnavailable(t *testing.T) {
	bubble(t, 1, func(t *testing.T, r *rig) {
		fault := r.cluster.Fault(kfake.Fault{
			Keys: []kmsg.Key{kmsg.Produce}, Topic: testLetters, Err: kerr.NotEnoughReplicas, Count: -1,
		})
		p := r.start()
		r.produce(event("a"), message{value: "no json"}, event("b"))
		r.awaitCreated("a", "b")
		r.await("the hold", func() bool { return hasHold(p.Status(), HoldDeadLetters) })
		time.Sleep(time.Hour)
		if got := r.commits()[0].offset; got != 1 {
			t.Errorf("committed %d, want 1", got)
		}
		if s := p.Status(); !s.Healthy || !s.Ready {
			t.Errorf("a deliberate hold is healthy: %+v", s)
		}
		fault.Remove()
		r.await("all committed", func() bool { return r.commits()[0].offset == 3 })
		if n := len(r.deadLetters()); n != 1 {
			t.Errorf("%d letters", n)
		}
		if len(p.Status().Holds) != 0 {
			t.Error("still held")
		}
		r.crm.once(t)
		p.shutdown(t)
	})
}

// A lag without progress and without a hold is unhealthy.
func TestNoProgressIsUnhealthy(t *testing.T) {
	bubble(t, 1, func(t *testing.T, r *rig) {
		r.crm.setAnswer(func(ctx context.Context, _ crmclient.Request) (crmclient.Result, error, bool) { return hang(ctx) })
		p := r.start()
		r.produce(event("a"))
		r.await("the request", func() bool { return len(r.crm.asked("a")) == 1 })
		if !p.Status().Healthy {
			t.Error("unhealthy at once")
		}
		time.Sleep(stuckAfter + time.Minute)
		if s := p.Status(); s.Healthy || s.Reason == nil {
			t.Errorf("healthy without progress: %+v", s)
		}
		p.shutdown(t)
	})
}

// Tombstones are skipped; an empty value is not one.
func TestTombstonesAreSkipped(t *testing.T) {
	bubble(t, 1, func(t *testing.T, r *rig) {
		p := r.start()
		r.produce(message{key: "k", null: true}, message{key: "k", value: ""}, event("a"))
		r.awaitCreated("a")
		r.await("all committed", func() bool { return r.commits()[0].offset == 3 })
		if n := len(r.deadLetters()); n != 1 {
			t.Errorf("%d letters, want 1 for the empty value", n)
		}
		if got := counterValue(t, p.deps.metrics.skipped.WithLabelValues("tombstone")); got != 1 {
			t.Errorf("%v tombstones counted", got)
		}
		p.shutdown(t)
	})
}

// A process that has lost the brokers for longer than its session delivers again when they are back.
func TestBrokersAwayAndBack(t *testing.T) {
	bubble(t, 2, func(t *testing.T, r *rig) {
		r.primed()
		link := r.line()
		p := r.start(link.use)
		r.produce(event("a"))
		r.awaitCreated("a")
		link.sever()
		r.await("the hold", func() bool { return hasHold(p.Status(), HoldBrokers) })
		if p.Status().Ready {
			t.Error("ready without brokers")
		}
		time.Sleep(10 * time.Minute)
		r.produce(event("b"))
		link.restore()
		r.awaitCreated("b")
		r.await("readiness", func() bool { return p.Status().Ready })
		r.crm.once(t)
		p.shutdown(t)
	})
}

// After a long outage a new lead waits for little more than a second for the process to connect again, each time.
func TestBrokersThatAreBackAreFoundSoon(t *testing.T) {
	bubble(t, 1, func(t *testing.T, r *rig) {
		r.primed()
		link := r.line()
		p := r.start(link.use)
		for i := range 6 {
			r.await("readiness", func() bool { return p.Status().Ready })
			link.sever()
			time.Sleep(10 * time.Minute)
			id := fmt.Sprintf("lead-%d", i)
			r.produce(event(id))
			link.restore()
			restored := time.Now()
			r.awaitCreated(id)
			if wait := time.Since(restored); wait > 3*time.Second {
				t.Errorf("%s waited %s", id, wait)
			}
		}
		r.crm.once(t)
		p.shutdown(t)
	})
}

// The buffer bounds the bytes in memory, and records larger than the whole buffer are delivered nonetheless.
func TestBufferIsABound(t *testing.T) {
	bubble(t, 1, func(t *testing.T, r *rig) {
		r.primed()
		r.crm.setAnswer(slowly(100 * time.Millisecond))
		p := r.start(func(c *Config) { c.MaxBuffer = 64 << 10 })
		big := make([]byte, 200<<10)
		for i := range big {
			big[i] = ' '
		}
		for i := range 30 {
			r.produce(message{value: fmt.Sprintf(`{"id":"a%d","x":"%s"}`, i, big)})
		}
		var most int64
		r.await("all committed", func() bool {
			most = max(most, p.deps.board.bytesInUse())
			return r.commits()[0].offset == 30
		})
		if most > 2*(200<<10)+64<<10 {
			t.Errorf("%d bytes held", most)
		}
		if used := p.deps.board.bytesInUse(); used > 64<<10 {
			t.Errorf("%d bytes still held", used)
		}
		p.shutdown(t)
		if used := p.deps.board.bytesInUse(); used != 0 {
			t.Errorf("%d bytes held after the end", used)
		}
	})
}

// The gauges show the partitions that are owned at the time of a scrape.
func TestGaugesFollowThePartitions(t *testing.T) {
	bubble(t, 2, func(t *testing.T, r *rig) {
		registry := prometheus.NewRegistry()
		r.crm.setAnswer(func(ctx context.Context, _ crmclient.Request) (crmclient.Result, error, bool) { return hang(ctx) })
		p := r.start(func(c *Config) { c.Metrics = registry })
		r.produce(events("a", 3)...)
		r.await("the requests", func() bool { return len(r.crm.asked("a2")) == 1 })
		time.Sleep(30 * time.Second)
		want := map[string]float64{
			"leadbridge_lag_records": 3, "leadbridge_window_used_records": 3, "leadbridge_lag_seconds": 30,
			"leadbridge_window_size_records": 256, "leadbridge_records_consumed_total": 3,
		}
		for name, value := range want {
			if got := sumOf(t, registry, name); got < value || got > value+5 {
				t.Errorf("%s is %v, want %v", name, got, value)
			}
		}
		p.shutdown(t)
		if got := sumOf(t, registry, "leadbridge_lag_records"); got != 0 {
			t.Errorf("lag of partitions that are not owned: %v", got)
		}
	})
}

func sumOf(t *testing.T, registry *prometheus.Registry, name string) float64 {
	t.Helper()
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	sum := 0.0
	for _, f := range families {
		for _, m := range f.GetMetric() {
			if f.GetName() == name {
				sum += m.GetGauge().GetValue() + m.GetCounter().GetValue()
			}
		}
	}
	return sum
}

// Nothing at or above the acknowledged grant is dispatched: while commits hang, delivery stops at the last acknowledged
// grant.
func TestNothingIsDispatchedBeyondTheAcknowledgedLimit(t *testing.T) {
	bubble(t, 1, func(t *testing.T, r *rig) {
		r.primed()
		p := r.start(func(c *Config) { c.Window = 16 })
		r.await("the assignment", func() bool { return p.Status().Ready })
		release := make(chan struct{})
		commits := 0
		r.cluster.ControlKey(int16(kmsg.OffsetCommit), func(kmsg.Request) (kmsg.Response, error, bool) {
			r.cluster.KeepControl()
			if commits++; commits > 1 { // the first grants a window
				r.cluster.SleepControl(func() { <-release })
			}
			return nil, nil, false
		})
		r.produce(events("a", 100)...)
		time.Sleep(5 * time.Second)
		synctest.Wait()
		if got := len(r.crm.createdIDs()); got != 16 {
			t.Errorf("%d contacts, want the 16 of the acknowledged grant", got)
		}
		close(release)
		r.awaitCreated("a99")
		p.shutdown(t)
		r.crm.once(t)
	})
}
