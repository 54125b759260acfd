package webhook

import (
	"context"
	"encoding/binary"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// forgetful is a connection to a broker that breaks when a request to write was
// taken, before its acknowledgement arrives.
type forgetful struct {
	net.Conn
	armed *atomic.Bool
	taken func()
}

// Write looks at the request's key, behind its size.
func (c forgetful) Write(b []byte) (int, error) {
	n, err := c.Conn.Write(b)
	if len(b) > 8 && binary.BigEndian.Uint16(b[4:]) == uint16(kmsg.Produce) && c.armed.CompareAndSwap(true, false) {
		c.taken()
		c.Conn.Close()
	}
	return n, err
}

// TestLostAcknowledgement writes an event once though its acknowledgement got
// lost and it was sent again.
func TestLostAcknowledgement(t *testing.T) {
	t.Parallel()
	var (
		r     *rig
		armed atomic.Bool
	)
	r = newRig(t, openNamed, func(c *Config) {
		c.Brokers.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
			conn, err := (&net.Dialer{}).DialContext(ctx, network, address)
			return forgetful{conn, &armed, func() { r.await(func() bool { return r.written() > 0 }) }}, err
		}
	})
	armed.Store(true)
	r.post("/hooks/form", mediaJSON, testLead, "webhook-id", "one").id(t)
	if armed.Load() {
		t.Fatal("the acknowledgement did not get lost")
	}
	if r.only(); r.gate.writers[testTopic].noSessions.Load() {
		t.Error("there was no session")
	}
	r.post("/hooks/form", mediaJSON, testLead, "webhook-id", "two").id(t)
	if n := len(r.records()); n != 2 {
		t.Errorf("%d records, want 2", n)
	}
}

// TestRefusedAfterALostAcknowledgement: a request was taken and its acknowledgement got lost, and the second try is refused for
// a right that was taken away. Later events are written all the same: none gets the numbers of the first one.
func TestRefusedAfterALostAcknowledgement(t *testing.T) {
	t.Parallel()
	var (
		r     *rig
		armed atomic.Bool
		tries atomic.Int64
	)
	r = newRig(t, openNamed, func(c *Config) {
		c.Brokers.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
			conn, err := (&net.Dialer{}).DialContext(ctx, network, address)
			return forgetful{conn, &armed, func() { r.await(func() bool { return r.written() > 0 }) }}, err
		}
	})
	r.produced(func(req *kmsg.ProduceRequest) (kmsg.Response, error, bool) {
		if tries.Add(1) == 2 {
			return refused(req, kerr.TopicAuthorizationFailed), nil, true
		}
		return nil, nil, false
	})
	armed.Store(true)
	if a := r.post("/hooks/form", mediaJSON, testLead, "webhook-id", "first"); a.status != http.StatusServiceUnavailable {
		t.Fatalf("%d %s", a.status, a.body)
	}
	const later = 9 // some of them come to the partition of the first
	for i := range later {
		r.post("/hooks/form", mediaJSON, testLead, "webhook-id", strconv.Itoa(i)).id(t)
	}
	if n := r.written(); n != 1+later {
		t.Errorf("%d records, want %d", n, 1+later)
	}
}

// written is how many records the topic has.
func (r *rig) written() (n int64) {
	for _, p := range r.cluster.PartitionInfos(testTopic) {
		n += p.HighWatermark
	}
	return n
}

// TestLostSession opens another session when the broker has forgotten ours.
func TestLostSession(t *testing.T) {
	t.Parallel()
	for _, code := range []*kerr.Error{kerr.OutOfOrderSequenceNumber, kerr.UnknownProducerID, kerr.InvalidProducerEpoch} {
		r := newRig(t, open)
		var tries, forgotten atomic.Int64
		r.produced(func(req *kmsg.ProduceRequest) (kmsg.Response, error, bool) {
			var batch kmsg.RecordBatch
			if err := batch.ReadFrom(req.Topics[0].Partitions[0].Records); err != nil {
				t.Error(err)
			}
			producer := batch.ProducerID
			if tries.Add(1) == 2 {
				forgotten.Store(producer)
			}
			if producer == forgotten.Load() {
				return refused(req, code), nil, true
			}
			return nil, nil, false
		})
		for range 3 {
			r.post("/hooks/form", mediaJSON, testLead).id(t)
		}
		if n := len(r.records()); n != 3 || tries.Load() != 4 {
			t.Errorf("%v: %d records by %d requests, want 3 by 4", code, n, tries.Load())
		}
	}
}

// TestWithoutSessions writes also where we may not open a session.
func TestWithoutSessions(t *testing.T) {
	t.Parallel()
	r := newRig(t, open)
	r.cluster.ControlKey(int16(kmsg.InitProducerID), func(req kmsg.Request) (kmsg.Response, error, bool) {
		r.cluster.KeepControl()
		answer := req.ResponseKind().(*kmsg.InitProducerIDResponse)
		answer.ErrorCode = kerr.ClusterAuthorizationFailed.Code
		return answer, nil, true
	})
	for range 2 {
		if a := r.post("/hooks/form", mediaJSON, testLead); a.status != http.StatusAccepted {
			t.Fatalf("%d %s", a.status, a.body)
		}
	}
	if n := strings.Count(r.logs.String(), "IDEMPOTENT_WRITE"); len(r.records()) != 2 || n != 1 {
		t.Errorf("%d records, %d warnings; want 2 and 1", len(r.records()), n)
	}
}
