package cluster

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"testing"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/sasl/plain"
	"github.com/twmb/franz-go/pkg/kfake"
)

// TestPartitions: they are found by brokers that want a login, and a topic that is missing is not made.
func TestPartitions(t *testing.T) {
	t.Parallel()
	fake, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(3, "leads"), kfake.EnableSASL(), kfake.Superuser("PLAIN", "bridge", "s3cret"))
	if err != nil {
		t.Fatal(err)
	}
	defer fake.Close()
	brokers := Brokers{Addresses: fake.ListenAddrs(), SASL: plain.Mechanism{Username: "bridge", Password: "s3cret"}}
	client, transport := brokers.Client("leads")
	defer transport.CloseIdleConnections()
	ids, err := Partitions(t.Context(), client, "leads")
	if slices.Sort(ids); err != nil || !slices.Equal(ids, []int{0, 1, 2}) {
		t.Errorf("partitions %v, %v", ids, err)
	}
	if ids, err := Partitions(t.Context(), client, "others"); !errors.Is(err, ErrNoTopic) || len(ids) > 0 {
		t.Errorf("of a topic that is missing: %v, %v", ids, err)
	}
	if fake.TopicInfo("others") != nil {
		t.Error("the missing topic was made")
	}
}

// countingConn counts the bytes that are written through it.
type countingConn struct {
	net.Conn
	written *int
}

func (c countingConn) Write(b []byte) (int, error) {
	*c.written += len(b)
	return c.Conn.Write(b)
}

// TestThrough: what is written goes through the wrapped connection, and the brokers as they were are not changed.
func TestThrough(t *testing.T) {
	t.Parallel()
	here, there := net.Pipe()
	defer there.Close()
	go func() { _, _ = io.Copy(io.Discard, there) }()
	brokers := Brokers{Dial: func(context.Context, string, string) (net.Conn, error) { return here, nil }}
	written := 0
	wrapped := brokers.Through(func(conn net.Conn) net.Conn { return countingConn{conn, &written} })
	for _, c := range []struct {
		brokers Brokers
		want    int
	}{{brokers, 0}, {wrapped, 5}} {
		conn, err := c.brokers.Login()(t.Context(), "tcp", "broker:9092")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := conn.Write([]byte("hello")); err != nil || written != c.want {
			t.Errorf("%d bytes went through it, want %d; %v", written, c.want, err)
		}
	}
	refused := errors.New("refused")
	brokers.Dial = func(context.Context, string, string) (net.Conn, error) { return nil, refused }
	if _, err := brokers.Through(func(net.Conn) net.Conn { panic("nothing is to be wrapped") }).Login()(t.Context(), "tcp", "x:1"); !errors.Is(err, refused) {
		t.Errorf("a connection that cannot be opened: %v", err)
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		err               error
		tooLarge, refuses bool
	}{
		{nil, false, false},
		{io.EOF, false, false},
		{kafka.NotEnoughReplicas, false, false},
		{kafka.InvalidTimestamp, false, false}, // a clock may be set right
		{kafka.MessageSizeTooLarge, true, true},
		{fmt.Errorf("writing: %w", kafka.RecordListTooLarge), true, true},
		{kafka.InvalidRecord, false, true},
		{kafka.PolicyViolation, false, true},
	} {
		if got := TooLarge(c.err); got != c.tooLarge {
			t.Errorf("%v: too large is %v", c.err, got)
		}
		if got := RefusesRecord(c.err); got != c.refuses {
			t.Errorf("%v: refuses is %v", c.err, got)
		}
	}
}
