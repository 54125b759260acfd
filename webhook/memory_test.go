package webhook

import (
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strconv"
	"testing"
	"testing/synctest"
	"time"
)

// deadlines is an answer whose connection has read deadlines.
type deadlines struct {
	http.ResponseWriter
	conn net.Conn
}

func (d deadlines) SetReadDeadline(t time.Time) error { return d.conn.SetReadDeadline(t) }

// TestStoppedBody: a body that comes fast and then stands still or trickles is given up after the
// grace, not at the end of all its time; one that goes on at the rate is taken.
func TestStoppedBody(t *testing.T) {
	t.Parallel()
	const size = 60_000
	for what, c := range map[string]struct {
		each   int // bytes a second after the first 50,000
		within time.Duration
		want   error
		took   time.Duration
	}{
		"stands still": {0, time.Minute, errTooSlow, 5 * time.Second},
		"trickles":     {10, time.Minute, errTooSlow, 5 * time.Second},
		"goes on":      {2_000, time.Minute, nil, 5 * time.Second},
		"too long":     {2_000, 4500 * time.Millisecond, errTooSlow, 4500 * time.Millisecond},
	} {
		synctest.Test(t, func(t *testing.T) {
			theirs, ours := net.Pipe()
			done := make(chan struct{})
			go func() {
				defer close(done)
				_, err := theirs.Write(make([]byte, 50_000))
				for sent := 50_000; c.each > 0 && sent < size && err == nil; sent += c.each {
					time.Sleep(time.Second)
					_, err = theirs.Write(make([]byte, c.each))
				}
				if c.each > 0 {
					theirs.Close()
				}
			}()
			r := httptest.NewRequest(http.MethodPost, "/", ours)
			r.ContentLength = size
			began := time.Now()
			body, err := readBody(deadlines{httptest.NewRecorder(), ours}, r, size, pace{c.within, 5 * time.Second, 1 << 10}, amplyReserved())
			if took := time.Since(began); !errors.Is(err, c.want) || (err == nil) != (c.want == nil) || took != c.took {
				t.Errorf("%s: %d bytes after %v: %v, want %v after %v", what, len(body), took, err, c.want, c.took)
			}
			ours.Close()
			<-done
		})
	}
}

// amplyReserved returns a reservation that can grow to any size.
func amplyReserved() *reservation {
	return newMemoryBudget(64<<20, map[string]*source{"s": {maxBody: 256 << 10}}).reserve("s", netip.Addr{})
}

// TestSharesOfTheRoom: one source's bodies take nothing from the others, nor one peer's from the
// other peers of its source; what is given back is there again.
func TestSharesOfTheRoom(t *testing.T) {
	t.Parallel()
	const mib = 1 << 20
	r := newMemoryBudget(64*mib, map[string]*source{"a": {maxBody: 256 << 10}, "b": {maxBody: 256 << 10}, "c": {maxBody: 256 << 10, buffer: 16 * mib}})
	peer := func(n byte) netip.Addr { return netip.AddrFrom4([4]byte{192, 0, 2, n}) }
	fill := func(source string, n byte) (s *reservation) {
		s = r.reserve(source, peer(n))
		for s.grow(mib) {
		}
		return s
	}
	var shares []*reservation
	for n, want := range []int64{6, 6, 6, 6, 0} {
		s := fill("a", byte(n))
		if s.size != want*mib {
			t.Errorf("peer %d holds %d MiB of a, want %d", n, s.size/mib, want)
		}
		shares = append(shares, s)
	}
	for source, want := range map[string]int64{"b": 6, "c": 4} {
		s := fill(source, 1)
		if s.size != want*mib {
			t.Errorf("a peer holds %d MiB of %s, want %d", s.size/mib, source, want)
		}
		shares = append(shares, s)
	}
	for _, s := range shares {
		s.release()
	}
	if r.left != 64*mib || r.sources["a"].left != 24*mib || r.sources["c"].left != 16*mib || len(r.sources["a"].held) != 0 {
		t.Errorf("not all is given back: %d, %+v", r.left, r.sources["a"])
	}
	// However many sources there are, each can take one event; all together no more than there is.
	many := map[string]*source{}
	for i := range 100 {
		many[strconv.Itoa(i)] = &source{maxBody: 256 << 10}
	}
	r = newMemoryBudget(64*mib, many)
	got := int64(0)
	for name := range many {
		s := r.reserve(name, peer(1))
		if s.grow(leastSourceBudget(256 << 10)) {
			got++
		}
	}
	if want := 64 * mib / leastSourceBudget(256<<10); got != want {
		t.Errorf("%d events at once, want %d", got, want)
	}
}
