package kafkaauth

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"os"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// echo is a broker that answers each request with itself, over a pipe. It counts its sessions and
// tells which one took each request.
type echo struct {
	lifetime time.Duration
	fail     error // of openings
	stall    time.Duration
	hold     chan struct{} // not nil: answers wait for it

	mu       sync.Mutex
	sessions int
	open     int
	took     []int // the session of each request
}

func (e *echo) note(f func()) {
	e.mu.Lock()
	defer e.mu.Unlock()
	f()
}

func (e *echo) session(ctx context.Context) (*session, error) {
	if e.stall > 0 {
		select {
		case <-time.After(e.stall):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	if e.fail != nil {
		return nil, e.fail
	}
	client, server := net.Pipe()
	e.note(func() {
		e.sessions++
		e.open++
		go e.serve(server, e.sessions)
	})
	now := time.Now()
	return &session{Conn: client, began: now, ends: now.Add(e.lifetime)}, nil
}

func (e *echo) serve(conn net.Conn, id int) {
	defer e.note(func() { e.open-- })
	requests := make(chan []byte, 10)
	go func() {
		for request := range requests {
			if e.hold != nil {
				<-e.hold
			}
			if _, err := conn.Write(request); err != nil {
				return
			}
		}
	}()
	defer close(requests)
	for {
		var size [sizeBytes]byte
		if _, err := io.ReadFull(conn, size[:]); err != nil {
			return
		}
		request := frame(int(binary.BigEndian.Uint32(size[:])))
		if _, err := io.ReadFull(conn, request[sizeBytes:]); err != nil {
			return
		}
		e.note(func() { e.took = append(e.took, id) })
		requests <- request
	}
}

// frame is a request of some bytes.
func frame(n int) []byte {
	return append(binary.BigEndian.AppendUint32(nil, uint32(n)), make([]byte, n)...)
}

func (e *echo) dial(t *testing.T) net.Conn {
	t.Helper()
	s, err := e.session(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var c net.Conn = newConn(s, e.session)
	t.Cleanup(func() {
		c.Close()
		synctest.Wait()
		if e.open != 0 {
			t.Errorf("%d sessions are left open", e.open)
		}
	})
	return c
}

// ask sends a request in parts of some size and reads its answer.
func ask(c net.Conn, size, part int) error {
	request := frame(size)
	for rest := request; len(rest) > 0; rest = rest[min(part, len(rest)):] {
		if _, err := c.Write(rest[:min(part, len(rest))]); err != nil {
			return err
		}
	}
	_, err := io.ReadFull(c, make([]byte, len(request)))
	return err
}

// TestConnChangesSessionsUnnoticed asks a broker, whose sessions last thirty seconds, for three minutes.
func TestConnChangesSessionsUnnoticed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := &echo{lifetime: 30 * time.Second, stall: time.Second}
		c := e.dial(t)
		var slowest time.Duration
		for range 360 {
			began := time.Now()
			if err := ask(c, 100, 7); err != nil {
				t.Fatal(err)
			}
			slowest = max(slowest, time.Since(began))
			time.Sleep(500 * time.Millisecond)
			synctest.Wait()
		}
		if slowest > 0 {
			t.Errorf("a request waited %v for a session", slowest)
		}
		if e.sessions < 7 || e.sessions > 10 || e.open > 2 {
			t.Errorf("%d sessions in three minutes, %d of them open", e.sessions, e.open)
		}
	})
}

// TestConnDoesNotChangeAmidRequests leaves a request unanswered beyond the renewal.
func TestConnDoesNotChangeAmidRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := &echo{lifetime: time.Minute, hold: make(chan struct{})}
		c := e.dial(t)
		for _, wait := range []time.Duration{49 * time.Second, time.Second, time.Second} {
			if _, err := c.Write(frame(3)); err != nil {
				t.Fatal(err)
			}
			time.Sleep(wait)
			synctest.Wait()
		}
		close(e.hold)
		if _, err := io.ReadFull(c, make([]byte, 3*len(frame(3)))); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if err := ask(c, 3, 3); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
		}
		if want := []int{1, 1, 1, 1, 2}; !slices.Equal(e.took, want) {
			t.Errorf("the requests went to the sessions %v, want %v", e.took, want)
		}
	})
}

// TestConnSendsNothingShortlyBeforeAnEnd first uses the connection again when a request might arrive after the session's end.
func TestConnSendsNothingShortlyBeforeAnEnd(t *testing.T) {
	for _, c := range []struct {
		left time.Duration
		want int // the session that takes the request
	}{{2600 * time.Millisecond, 1}, {2400 * time.Millisecond, 2}, {time.Millisecond, 2}} {
		t.Run(c.left.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e := &echo{lifetime: 10 * time.Second, stall: 100 * time.Millisecond}
				conn := e.dial(t)
				time.Sleep(e.lifetime - c.left)
				if err := ask(conn, 1, 1); err != nil {
					t.Fatal(err)
				}
				if !slices.Equal(e.took, []int{c.want}) {
					t.Errorf("the request went to the sessions %v, want %d", e.took, c.want)
				}
				time.Sleep(time.Second) // the follower is open
			})
		})
	}
}

// TestConnGoesOnUntilItsEnd has openings fail: the session serves until it ends, and then the failure is told.
func TestConnGoesOnUntilItsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := &echo{lifetime: time.Minute}
		c := e.dial(t)
		away := &Problem{What: "the token server is away", Remedy: "wait"}
		e.fail = away
		for range 59 {
			if err := ask(c, 1, 1); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Second)
			synctest.Wait()
		}
		time.Sleep(time.Second)
		if err := ask(c, 1, 1); !errors.Is(err, away) {
			t.Errorf("after the end: %v", err)
		}
		e.fail = nil
		if err := ask(c, 1, 1); err != nil || e.sessions != 2 {
			t.Errorf("%v, %d sessions", err, e.sessions)
		}
	})
}

// TestConnAfterAnIdleTime is used again long after its session ended: no request goes to the old one.
func TestConnAfterAnIdleTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := &echo{lifetime: 10 * time.Second}
		c := e.dial(t)
		time.Sleep(time.Hour)
		if err := ask(c, 1, 1); err != nil {
			t.Fatal(err)
		}
		if len(e.took) != 1 || e.took[0] != 2 {
			t.Errorf("the request went to the session %v", e.took)
		}
		e.stall = time.Hour
		time.Sleep(time.Minute)
		if err := c.SetDeadline(time.Now().Add(3 * time.Second)); err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		if err := ask(c, 1, 1); !errors.Is(err, os.ErrDeadlineExceeded) || time.Since(began) != 3*time.Second {
			t.Errorf("%v after %v", err, time.Since(began))
		}
	})
}

// TestConnKeepsDeadlines sets a deadline that outlives a session.
func TestConnKeepsDeadlines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := &echo{lifetime: 10 * time.Second}
		c := e.dial(t)
		if err := c.SetReadDeadline(time.Now().Add(12 * time.Second)); err != nil {
			t.Fatal(err)
		}
		time.Sleep(11 * time.Second)
		e.hold = make(chan struct{})
		if err := ask(c, 1, 1); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("got %v", err)
		}
		close(e.hold)
	})
}

// TestConnDoesNotTakeASessionThatEndsNoLater has a token that is not renewed.
func TestConnDoesNotTakeASessionThatEndsNoLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := &echo{lifetime: 100 * time.Second}
		end := time.Now().Add(100 * time.Second)
		s, err := e.session(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var c net.Conn = newConn(s, func(ctx context.Context) (*session, error) {
			s, err := e.session(ctx)
			s.ends = end
			return s, err
		})
		defer c.Close()
		for range 99 {
			if err := ask(c, 1, 1); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Second)
			synctest.Wait()
		}
		for _, took := range e.took {
			if took != 1 {
				t.Fatalf("a session without use was taken: %v", e.took)
			}
		}
		if e.sessions > 15 || e.open != 1 {
			t.Errorf("%d sessions were tried in 20 seconds, %d are open", e.sessions, e.open)
		}
	})
}

func TestFrames(t *testing.T) {
	t.Parallel()
	stream := append(append(frame(5), frame(0)...), frame(300)...)
	for part := 1; part <= len(stream); part++ {
		var f frames
		ended := 0
		for rest := stream; len(rest) > 0; rest = rest[min(part, len(rest)):] {
			ended += f.pass(rest[:min(part, len(rest))])
		}
		if ended != 3 || !f.between() {
			t.Fatalf("parts of %d bytes: %d frames ended, between them %v", part, ended, f.between())
		}
	}
	var f frames
	if f.pass(stream[:6]) != 0 || f.between() {
		t.Error("half a frame counts as one")
	}
}
