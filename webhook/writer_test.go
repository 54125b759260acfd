package webhook

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// produced lets a test decide what becomes of each request to write.
func (r *rig) produced(what func(*kmsg.ProduceRequest) (kmsg.Response, error, bool)) {
	r.cluster.ControlKey(int16(kmsg.Produce), func(req kmsg.Request) (kmsg.Response, error, bool) {
		r.cluster.KeepControl()
		return what(req.(*kmsg.ProduceRequest))
	})
}

// refused answers a request to write with an error.
func refused(req *kmsg.ProduceRequest, code *kerr.Error) kmsg.Response {
	answer := req.ResponseKind().(*kmsg.ProduceResponse)
	for _, t := range req.Topics {
		topic := kmsg.NewProduceResponseTopic()
		topic.Topic, topic.TopicID = t.Topic, t.TopicID
		for _, p := range t.Partitions {
			partition := kmsg.NewProduceResponseTopicPartition()
			partition.Partition, partition.ErrorCode = p.Partition, code.Code
			topic.Partitions = append(topic.Partitions, partition)
		}
		answer.Topics = append(answer.Topics, topic)
	}
	return answer
}

const testLead = `{"email":"a@example.com"}`

// TestAcksAll answers only after all in-sync replicas have it.
func TestAcksAll(t *testing.T) {
	t.Parallel()
	r := newRig(t, open)
	var acks atomic.Int32
	r.produced(func(req *kmsg.ProduceRequest) (kmsg.Response, error, bool) {
		acks.Store(int32(req.Acks))
		return nil, nil, false
	})
	r.post("/hooks/form", mediaJSON, testLead).id(t)
	if acks.Load() != -1 {
		t.Errorf("acks %d, want all (-1)", acks.Load())
	}
}

// TestNotAcknowledged answers 503 when Kafka does not answer in time, and takes
// webhooks again when it does.
func TestNotAcknowledged(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		fault  func(*kmsg.ProduceRequest) (kmsg.Response, error, bool)
		advice string
	}{
		"too few replicas": {func(req *kmsg.ProduceRequest) (kmsg.Response, error, bool) {
			return refused(req, kerr.NotEnoughReplicas), nil, true
		}, "min.insync.replicas"},
		"no right": {func(req *kmsg.ProduceRequest) (kmsg.Response, error, bool) {
			return refused(req, kerr.TopicAuthorizationFailed), nil, true
		}, "grant WRITE and DESCRIBE"},
		"cut": {func(*kmsg.ProduceRequest) (kmsg.Response, error, bool) { return nil, fmt.Errorf("cut"), true }, "look at its brokers"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, open, func(c *Config) { c.AckTimeout = 300 * time.Millisecond })
			var down atomic.Bool
			down.Store(true)
			r.produced(func(req *kmsg.ProduceRequest) (kmsg.Response, error, bool) {
				if down.Load() {
					return test.fault(req)
				}
				return nil, nil, false
			})
			a := r.post("/hooks/form", mediaJSON, testLead)
			isProblem(t, a, http.StatusServiceUnavailable)
			if a.header.Get("Retry-After") != "5" {
				t.Errorf("Retry-After %q", a.header.Get("Retry-After"))
			}
			if r.gate.Ready() == nil || strings.Count(r.logs.String(), `"error":"partition `) != 1 || !strings.Contains(r.logs.String(), test.advice) || strings.Contains(r.logs.String(), "a@example") {
				t.Errorf("ready %v, log %s", r.gate.Ready(), r.logs)
			}
			down.Store(false)
			for r.post("/hooks/form", mediaJSON, testLead).status != http.StatusAccepted {
			}
			if r.gate.Ready() != nil {
				t.Errorf("not ready: %v", r.gate.Ready())
			}
		})
	}
}

// TestSilentBroker does not answer at all: 503 after the limit.
func TestSilentBroker(t *testing.T) {
	t.Parallel()
	r := newRig(t, open, func(c *Config) { c.AckTimeout = 200 * time.Millisecond })
	release := make(chan struct{})
	defer close(release)
	r.produced(func(*kmsg.ProduceRequest) (kmsg.Response, error, bool) {
		r.cluster.SleepControl(func() { <-release })
		return nil, nil, false
	})
	isProblem(t, r.post("/hooks/form", mediaJSON, testLead), http.StatusServiceUnavailable)
}

// TestPassingFaults are not seen by senders: the leader has moved, once.
func TestPassingFaults(t *testing.T) {
	t.Parallel()
	r := newRig(t, open)
	var tries atomic.Int32
	r.produced(func(req *kmsg.ProduceRequest) (kmsg.Response, error, bool) {
		if tries.Add(1) < 3 {
			return refused(req, kerr.NotLeaderForPartition), nil, true
		}
		return nil, nil, false
	})
	r.post("/hooks/form", mediaJSON, testLead).id(t)
	r.only()
}

// TestBatchesGrow holds the first request: what comes meanwhile is one request,
// in its order.
func TestBatchesGrow(t *testing.T) {
	t.Parallel()
	r := newRig(t, open)
	held, release := make(chan struct{}), make(chan struct{})
	var requests atomic.Int32
	r.produced(func(*kmsg.ProduceRequest) (kmsg.Response, error, bool) {
		if requests.Add(1) == 1 {
			close(held)
			r.cluster.SleepControl(func() { <-release })
		}
		return nil, nil, false
	})
	var senders sync.WaitGroup
	send := func(n int) {
		senders.Go(func() {
			a := r.post("/hooks/form", mediaJSON, fmt.Sprintf(`{"email":"a@example.com","n":%d}`, n))
			if a.status != http.StatusAccepted {
				t.Errorf("%d %s", a.status, a.body)
			}
		})
	}
	send(0)
	<-held
	lanes := r.gate.writers[testTopic].lanes.Load().list
	waiting := func() (n int) {
		for _, l := range lanes {
			n += l.queue.Len()
		}
		return n
	}
	const crowd = 20
	for n := 1; n <= crowd; n++ {
		send(n)
		r.await(func() bool { return waiting() == n }) // one after another, so that their order is known
	}
	close(release)
	senders.Wait()
	if requests.Load() != 2 {
		t.Errorf("%d requests to Kafka, want 2", requests.Load())
	}
	for n, rec := range r.records() {
		if want := fmt.Sprintf(`{"email":"a@example.com","n":%d}`, n); string(decoded(t, rec).Data) != want {
			t.Errorf("record %d: %s", n, decoded(t, rec).Data)
		}
	}
}

// TestTooLargeForTheTopic splits a batch that the topic does not take, and tells the
// sender of a record that it never takes.
func TestTooLargeForTheTopic(t *testing.T) {
	t.Parallel()
	r := newRig(t, open)
	r.produced(func(req *kmsg.ProduceRequest) (kmsg.Response, error, bool) {
		if len(req.Topics[0].Partitions[0].Records) > 10<<10 {
			return refused(req, kerr.MessageTooLarge), nil, true
		}
		return nil, nil, false
	})
	isProblem(t, r.post("/hooks/form", mediaJSON, `{"a":"`+strings.Repeat("x", 20<<10)+`"}`), http.StatusRequestEntityTooLarge)
	l := r.gate.writers[testTopic].lanes.Load().list[0]
	var batch []*entry
	for range 7 {
		batch = append(batch, &entry{event: event{id: "x", value: []byte(`"` + strings.Repeat("x", 4<<10) + `"`)}, done: make(chan error, 1)})
	}
	l.deliver(batch)
	for _, e := range batch {
		if err := <-e.done; err != nil {
			t.Error(err)
		}
	}
	if n := len(r.records()); n != 7 {
		t.Errorf("%d records, want 7", n)
	}
}

// TestOnePersonOnePartition: a key decides, else the event's id.
func TestOnePersonOnePartition(t *testing.T) {
	t.Parallel()
	r := newRig(t, openNamed)
	for i := range 6 {
		r.post("/hooks/form", mediaJSON, fmt.Sprintf(`{"email":"A@example.com","n":%d}`, i)).id(t)
		r.post("/hooks/form", mediaJSON, fmt.Sprintf(`{"name":"nobody","n":%d}`, i), "webhook-id", "one").id(t)
	}
	places := map[string]map[int]bool{}
	for _, rec := range r.records() {
		if places[string(rec.Key)] == nil {
			places[string(rec.Key)] = map[int]bool{}
		}
		places[string(rec.Key)][rec.Partition] = true
	}
	if len(places) != 2 || len(places["a@example.com"]) != 1 || len(places[""]) != 1 {
		t.Errorf("partitions %v", places)
	}
}

// TestDrain stops while a webhook waits for its acknowledgement: it is answered,
// and new ones are not taken.
func TestDrain(t *testing.T) {
	t.Parallel()
	r := newRig(t, open)
	held, release := make(chan struct{}), make(chan struct{})
	once := sync.OnceFunc(func() { close(held) })
	r.produced(func(*kmsg.ProduceRequest) (kmsg.Response, error, bool) {
		once()
		r.cluster.SleepControl(func() { <-release })
		return nil, nil, false
	})
	got := make(chan answer, 1)
	go func() { got <- r.post("/hooks/form", mediaJSON, testLead) }()
	<-held
	ended := make(chan struct{})
	go func() { r.end(); close(ended) }()
	for { // until the listener is gone
		conn, err := r.tryDial()
		if err != nil {
			break
		}
		conn.Close()
	}
	close(release)
	if a := <-got; a.status != http.StatusAccepted {
		t.Errorf("%d %s", a.status, a.body)
	}
	<-ended
	r.only()
}

// TestDrainEnds cuts what does not end in time.
func TestDrainEnds(t *testing.T) {
	t.Parallel()
	r := newRig(t, open, func(c *Config) { c.DrainTimeout, c.AckTimeout = 50*time.Millisecond, 500*time.Millisecond })
	conn := r.dial()
	defer conn.Close()
	_, _ = fmt.Fprintf(conn, "POST /hooks/form HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{")
	r.await(func() bool {
		r.gate.memory.mu.Lock()
		defer r.gate.memory.mu.Unlock()
		return r.gate.memory.left < r.gate.cfg.MaxBuffer
	})
	r.end()
	if !strings.Contains(r.logs.String(), "cut by the end of the drain") {
		t.Errorf("log %s", r.logs)
	}
}

func (r *rig) await(done func() bool) {
	r.t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !done() {
		select {
		case <-tick.C:
		case <-r.t.Context().Done():
			r.t.Fatal("it never came")
		}
	}
}
