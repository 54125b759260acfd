package consumer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/leadbridge/leadbridge/crmclient"
)

// adviceOf returns the advice of the hold for a cause; "" when there is no such hold.
func adviceOf(s Status, cause crmclient.Cause) string {
	for _, h := range s.Holds {
		if h.Cause == cause {
			return h.Advice.String()
		}
	}
	return ""
}

// A refusal of the brokers that lasts until somebody acts is a hold, whose advice says what to do. Delivery goes on by itself
// afterwards.
func TestRefusedByTheBrokersIsHeld(t *testing.T) {
	for name, test := range map[string]struct {
		keys   []kmsg.Key
		err    *kerr.Error
		cause  crmclient.Cause
		advice string
	}{
		"no right to read the topic":     {[]kmsg.Key{kmsg.Fetch, kmsg.OffsetCommit}, kerr.TopicAuthorizationFailed, HoldGroup, "grant READ and DESCRIBE"},
		"no right to describe the topic": {[]kmsg.Key{kmsg.Metadata, kmsg.Fetch, kmsg.OffsetCommit}, kerr.TopicAuthorizationFailed, HoldTopic, "grant READ and DESCRIBE"},
		"no right to use the group":      {[]kmsg.Key{kmsg.OffsetCommit, kmsg.Heartbeat, kmsg.JoinGroup, kmsg.SyncGroup}, kerr.GroupAuthorizationFailed, HoldGroup, "grant READ on it"},
		"offsets without replicas":       {[]kmsg.Key{kmsg.OffsetCommit}, kerr.CoordinatorNotAvailable, HoldGroup, "__consumer_offsets"},
		"no coordinator":                 {[]kmsg.Key{kmsg.OffsetCommit, kmsg.JoinGroup}, kerr.NotCoordinator, HoldGroup, "__consumer_offsets"},
		"no room for metadata":           {[]kmsg.Key{kmsg.OffsetCommit}, kerr.OffsetMetadataTooLarge, HoldGroup, "offset.metadata.max.bytes to 4096"},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, 2, func(t *testing.T, r *rig) {
				r.primed()
				p := r.start()
				r.produce(event("before"))
				r.await("the commit", func() bool { return r.commits()[0].offset == 1 })

				refused := r.cluster.Fault(kfake.Fault{Keys: test.keys, Err: test.err, Count: -1, When: ofOurs})
				r.produce(event("meanwhile"))
				r.await("the hold", func() bool { return hasHold(p.Status(), test.cause) })
				if advice := adviceOf(p.Status(), test.cause); !strings.Contains(advice, test.advice) {
					t.Errorf("the advice is %q", advice)
				}
				time.Sleep(time.Minute)
				if s := p.Status(); s.Ready || !s.Healthy || !hasHold(s, test.cause) {
					t.Errorf("after a minute ready %v, healthy %v, holds %+v", s.Ready, s.Healthy, s.Holds)
				}
				refused.Remove()
				r.produce(event("after"))
				r.await("the commit", func() bool { return r.commits()[0].offset == 3 })
				r.await("the end of the hold", func() bool { return len(p.Status().Holds) == 0 })
				r.crm.once(t)
				p.shutdown(t)
			})
		})
	}
}

// ofOurs reports whether a request is the consumer's: the test's own requests for metadata name several topics, or none.
func ofOurs(req kmsg.Request) bool {
	m, ok := req.(*kmsg.MetadataRequest)
	return !ok || len(m.Topics) == 1
}

// A coordinator that moves causes no hold, as nobody needs to act.
func TestCoordinatorThatMovesHoldsNobody(t *testing.T) {
	bubble(t, 1, func(t *testing.T, r *rig) {
		r.primed()
		p := r.start()
		r.await("the assignment", func() bool { return p.Status().Ready })
		r.cluster.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.OffsetCommit}, Err: kerr.CoordinatorNotAvailable, Count: 2})
		r.produce(event("x"))
		r.await("the commit", func() bool { return r.commits()[0].offset == 1 })
		if strings.Contains(r.logs.String(), `"held"`) {
			t.Errorf("it was held:\n%s", r.logs)
		}
		r.crm.once(t)
		p.shutdown(t)
	})
}

// Brokers that accept less metadata than Kafka's default get shorter commits. Delivery goes on, and the records that a commit
// cannot name are looked up after a crash.
func TestCommitsAreShortenedForBrokersThatTakeLess(t *testing.T) {
	bubble(t, 1, func(t *testing.T, r *rig) {
		r.primed()
		const accepted = 150 // bytes
		var longest, refused atomic.Int64
		r.cluster.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.OffsetCommit}, Err: kerr.OffsetMetadataTooLarge, Count: -1, When: func(req kmsg.Request) bool {
			n := int64(len(*req.(*kmsg.OffsetCommitRequest).Topics[0].Partitions[0].Metadata)) //nolint:forcetypeassert // of this key
			if n > accepted {
				refused.Add(1)
				return true
			}
			longest.Store(max(longest.Load(), n))
			return false
		}})
		var lost []string // every second event, whose answer is lost
		batch := events("e", 200)
		for i := 0; i < len(batch); i += 2 {
			lost = append(lost, fmt.Sprintf("e%d", i))
		}
		r.crm.setAnswer(applyThenHang(r.crm, lost...))
		link := r.line()
		p := r.start(link.use)
		r.await("the assignment", func() bool { return p.Status().Ready })
		generation := p.Status().Generation
		r.produce(batch...)
		r.awaitCreated("e198", "e199")
		time.Sleep(time.Minute) // commits, and heartbeats
		if got := p.Status().Generation; got != generation || refused.Load() == 0 {
			t.Errorf("generation %d became %d, %d commits were refused", generation, got, refused.Load())
		}
		if n := refused.Load(); n > 20 {
			t.Errorf("%d commits were refused: the size that the brokers accept is not remembered", n)
		}
		if !strings.Contains(r.logs.String(), "set their offset.metadata.max.bytes to 4096") {
			t.Errorf("the log does not say what to set:\n%s", r.logs)
		}
		link.sever()
		r.crm.setAnswer(nil)
		next := r.start()
		r.await("the commit", func() bool { return r.commits()[0].offset == 200 })
		r.crm.once(t)
		for _, id := range lost {
			if asked := r.crm.asked(id); !asked[len(asked)-1].Suspect {
				t.Fatalf("%s was not looked up", id)
			}
		}
		next.shutdown(t)
		p.shutdown(t)
	})
}

// A shortened ledger, even with a single span, covers all records that may have been sent.
func TestShortenedLedgerLosesNothing(t *testing.T) {
	l := ledger{granted: 1000, horizon: time.UnixMilli(1 << 40), trial: -1, originField: "ufCrm_LEADBRIDGE_ID"}
	for at := int64(0); at < 1000; at += 10 {
		l.spans = append(l.spans, span{from: at, to: at + 1 + at%7, sent: at%20 == 0})
	}
	for _, most := range []int{4096, 512, 256, 128, 64, 0} {
		text := l.encodeWithin(0, most)
		got, err := decodeLedger(0, text)
		if err != nil {
			t.Fatalf("%d bytes: %v", most, err)
		}
		if least := len(l.encodeSpans(0, []span{{0, 997, true}})); len(text) > max(most, least) {
			t.Errorf("%d bytes, want %d at most", len(text), most)
		}
		for _, s := range l.spans {
			if !slices.ContainsFunc(got.spans, func(wide span) bool {
				return wide.from <= s.from && s.to <= wide.to && (wide.sent || !s.sent)
			}) {
				t.Fatalf("%d bytes: %+v is covered by none of %+v", most, s, got.spans)
			}
		}
	}
}

// The advice on a refused write depends on the brokers' error.
func TestAdviceOnRefusedWrites(t *testing.T) {
	w := topicWriter{target: target{topic: "leads.dlt", setting: "KAFKA_DLT_TOPIC"}}
	for _, test := range []struct {
		err  error
		want string
	}{
		{errNoTopic, "check --fix"},
		{kafka.TopicAuthorizationFailed, "(KAFKA_DLT_TOPIC): grant WRITE and DESCRIBE on it"},
		{fmt.Errorf("writing: %w", kafka.NotEnoughReplicas), "min.insync.replicas"},
		{kafka.NotEnoughReplicasAfterAppend, "min.insync.replicas"},
		{kafka.UnsupportedForMessageFormat, "look at its settings"},
		{context.DeadlineExceeded, "look at its brokers"},
	} {
		if got := w.advice(test.err); !strings.Contains(got.String(), `"leads.dlt"`) || !strings.Contains(got.String(), test.want) {
			t.Errorf("%v: %q, want %q in it", test.err, got, test.want)
		}
	}
}

// The error of reading a topic without the right to names that right.
func TestLogNamesTheRight(t *testing.T) {
	bubble(t, 1, func(t *testing.T, r *rig) {
		for name, test := range map[string]struct {
			key  kmsg.Key
			call func(*Log) error
		}{
			"bounds": {kmsg.ListOffsets, func(l *Log) error { _, err := l.Bounds(t.Context()); return err }},
			"topic":  {kmsg.Metadata, func(l *Log) error { _, err := l.Written(t.Context()); return err }},
			"read":   {kmsg.Fetch, func(l *Log) error { _, _, err := l.Read(t.Context(), 0, 0, 1<<10); return err }},
		} {
			log := NewLog(r.config().Brokers, testLetters) // a new one, which has no metadata of the topic yet
			refused := r.cluster.Fault(kfake.Fault{Keys: []kmsg.Key{test.key}, Err: kerr.TopicAuthorizationFailed, Count: -1})
			if err := test.call(log); !errors.Is(err, kafka.TopicAuthorizationFailed) || !strings.Contains(err.Error(), "grant READ and DESCRIBE") {
				t.Errorf("%s: %v", name, err)
			}
			refused.Remove()
			log.Close()
		}
	})
}

// A broker that accepts connections and answers nothing, as on a frozen machine, does not keep a process from joining through
// the other brokers.
func TestSilentBrokerIsNotAskedForEver(t *testing.T) {
	bubble(t, 1, func(t *testing.T, r *rig) {
		r.primed()
		var silent []net.Conn
		var mu sync.Mutex
		p := r.start(func(cfg *Config) {
			cfg.Brokers.Addresses = []string{"silent:9092", "localhost:9092"}
			cfg.Brokers.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
				if address != "silent:9092" {
					return r.network.DialContext(ctx, network, address)
				}
				here, there := net.Pipe()
				go func() { _, _ = io.Copy(io.Discard, there) }()
				mu.Lock()
				defer mu.Unlock()
				silent = append(silent, here)
				return here, nil
			}
		})
		r.await("the assignment", func() bool { return p.Status().Ready })
		r.produce(event("x"))
		r.await("the commit", func() bool { return r.commits()[0].offset == 1 })
		r.await("no hold", func() bool { return len(p.Status().Holds) == 0 })
		p.shutdown(t)
		mu.Lock()
		defer mu.Unlock()
		for _, conn := range silent {
			_ = conn.Close()
		}
		if len(silent) == 0 {
			t.Error("the silent broker was never asked")
		}
	})
}
