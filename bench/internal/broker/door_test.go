package broker

import (
	"errors"
	"net"
	"testing"

	"go.uber.org/goleak"

	"github.com/leadbridge/leadbridge/bench/internal/lead"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestBrokerStopsAndStarts writes before, while and after an embedded broker is stopped.
func TestBrokerStopsAndStarts(t *testing.T) {
	t.Parallel()
	b, err := Open("")
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	if err := b.Create(t.Context(), 1, "leads"); err != nil {
		t.Fatal(err)
	}
	write := func(want int64) {
		t.Helper()
		if offset, err := b.Write(t.Context(), "leads", 0, []lead.Lead{lead.New(1)}); err != nil || offset != want {
			t.Errorf("offset %d, %v", offset, err)
		}
	}
	write(0)
	held, err := net.Dial("tcp", b.Addrs[0])
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = held.Close() }()
	write(1) // the broker has accepted what was dialled before
	if err := errors.Join(b.Stop(), b.Stop()); err != nil {
		t.Fatal(err)
	}
	if n, err := held.Read(make([]byte, 1)); err == nil {
		t.Errorf("a connection gives %d bytes of a stopped broker", n)
	}
	if c, err := net.Dial("tcp", b.Addrs[0]); err == nil {
		_ = c.Close()
		t.Error("a stopped broker takes connections")
	}
	if err := b.Start(); err != nil {
		t.Fatal(err)
	}
	write(2)
}

// TestOnlyTheEmbeddedBrokerStops has a Kafka in other processes left alone.
func TestOnlyTheEmbeddedBrokerStops(t *testing.T) {
	t.Parallel()
	b, err := Open("127.0.0.1:1")
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	if b.Stop() == nil || b.Start() == nil {
		t.Error("it is stopped")
	}
}
