package consumer

import (
	"context"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"

	"github.com/leadbridge/leadbridge/consumer/header"
	"github.com/leadbridge/leadbridge/crmclient"
)

// Work that hangs does not keep the member of a dead generation in the group: the partition gets its next owner, who looks
// the record up.
func TestHangingWorkDoesNotHoldTheGroup(t *testing.T) {
	bubble(t, 1, func(t *testing.T, r *rig) {
		r.primed()
		release := make(chan struct{})
		var first sync.Once
		r.crm.setAnswer(func(context.Context, crmclient.Request) (crmclient.Result, error, bool) {
			hung := false
			first.Do(func() { hung = true })
			if hung {
				<-release // without regard to its context
			}
			return crmclient.Result{ContactID: 1}, nil, true
		})
		a := r.start()
		r.produce(event("x"))
		r.await("the request", func() bool { return len(r.crm.asked("x")) == 1 })
		began := time.Now()
		b := r.start()
		r.await("the next owner's request", func() bool { return len(r.crm.asked("x")) == 2 })
		if took := time.Since(began); took > 45*time.Second {
			t.Errorf("the next owner came after %v", took)
		}
		if !r.crm.asked("x")[1].Suspect {
			t.Error("the record is no suspect")
		}
		close(release)
		r.await("the commit", func() bool { return r.commits()[0].offset == 1 })
		a.shutdown(t)
		b.shutdown(t)
	})
}

// After a crash between a letter and its commit the letter is written twice. Both have the same event id, by which readers
// recognize the second one.
func TestLetterWrittenTwiceHasOneEventID(t *testing.T) {
	bubble(t, 1, func(t *testing.T, r *rig) {
		r.primed()
		link := r.line()
		crashed := r.start(link.use)
		r.await("the assignment", func() bool { return crashed.Status().Ready })
		written := r.cluster.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Topic: testLetters, Observe: true, Count: -1})
		var stopped atomic.Bool
		r.cluster.ControlKey(int16(kmsg.OffsetCommit), func(kmsg.Request) (kmsg.Response, error, bool) {
			if written.Hits() == 0 || stopped.Load() {
				r.cluster.KeepControl()
				return nil, nil, false
			}
			stopped.Store(true)
			return nil, context.Canceled, true // the connection is closed, nothing is committed
		})
		r.produce(message{value: "no json"})
		r.await("the letter", stopped.Load)
		link.sever()
		next := r.start()
		r.await("the commit", func() bool { return r.commits()[0].offset == 1 })
		letters := r.deadLetters()
		if len(letters) != 2 {
			t.Fatalf("%d letters, want 2", len(letters))
		}
		a, b := header.Text(letters[0].Headers, header.EventID), header.Text(letters[1].Headers, header.EventID)
		if a == "" || a != b {
			t.Errorf("event ids %q and %q", a, b)
		}
		next.shutdown(t)
		crashed.shutdown(t)
	})
}

// A generation that is dead already when kafka-go returns it does no work, and the next one is joined.
func TestDeadGenerationDoesNoWork(t *testing.T) {
	bubble(t, 1, func(t *testing.T, r *rig) {
		r.primed()
		r.produce(event("x"))
		before := r.commits()[0]
		r.cluster.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Heartbeat}, Group: testGroup, Err: kerr.IllegalGeneration, Count: 1})
		commits := r.cluster.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.OffsetCommit}, Group: testGroup, Observe: true, Count: -1})
		p := r.start()
		r.await("the dead generation's end", func() bool { return strings.Contains(r.logs.String(), "heartbeat refused") })
		if commits.Hits() != 0 || len(r.crm.asked("x")) != 0 {
			t.Errorf("%d commits and %d requests under the dead generation; stood at %+v", commits.Hits(), len(r.crm.asked("x")), before)
		}
		r.awaitCreated("x")
		r.crm.once(t)
		p.shutdown(t)
	})
}

// Connections that never answer are replaced by new ones.
func TestStuckConnectionsAreReplaced(t *testing.T) {
	bubble(t, 2, func(t *testing.T, r *rig) {
		r.primed()
		link := r.line()
		p := r.start(link.use)
		r.produce(event("a"))
		r.awaitCreated("a")
		link.stall()
		r.produce(event("b"))
		began := time.Now()
		r.awaitCreated("b")
		if took := time.Since(began); took > time.Minute {
			t.Errorf("stuck for %v", took)
		}
		r.crm.once(t)
		p.shutdown(t)
	})
}

// Brokers before Kafka 2.1 fail the preflight, as they keep a commit for a day only.
func TestOldBrokersFailThePreflight(t *testing.T) {
	bubble(t, 1, func(t *testing.T, r *rig) {
		got := levels(Preflight(t.Context(), r.config(), false))
		if !strings.Contains(got, "fail kafka version") {
			t.Errorf("got\n%s", got)
		}
	}, kfake.MaxVersions(kversion.V2_0_0()))
}
