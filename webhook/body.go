package webhook

import (
	"errors"
	"io"
	"net"
	"net/http"
	"sync"
	"time"
)

// budget is memory for bodies that are being read or wait for their
// acknowledgement, of the whole process.
type budget struct {
	mu   sync.Mutex
	left int64 // guarded by mu
}

func (b *budget) take(n int64) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if n > b.left {
		return false
	}
	b.left -= n
	return true
}

func (b *budget) give(n int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.left += n
}

// share is what one request holds of the budget; its owner is the request's goroutine.
type share struct {
	of   *budget
	size int64
}

func (s *share) grow(n int64) bool {
	if !s.of.take(n) {
		return false
	}
	s.size += n
	return true
}

func (s *share) release() {
	s.of.give(s.size)
	s.size = 0
}

var (
	errTooLarge = errors.New("the body is larger than this source may send")
	errTooSlow  = errors.New("the body did not come in time")
	errCut      = errors.New("the body is cut off")
	errNoRoom   = errors.New("too much is under way: send again later")
)

// firstRead is what a body gets before it is known how much comes: a slow
// client costs little, whatever length it announces.
const firstRead = 2 << 10

// readBody reads a body of up to limit bytes within the time. What it holds
// is taken from the budget as it grows.
func readBody(w http.ResponseWriter, r *http.Request, limit int64, within time.Duration, room *share) ([]byte, error) {
	if r.ContentLength > limit {
		return nil, errTooLarge
	}
	// Where the connection has no deadline (HTTP in memory), the server's own holds.
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(within))
	// The reader ends the connection of a client that sends too much.
	from := http.MaxBytesReader(w, r.Body, limit)
	var body []byte
	for {
		if len(body) == cap(body) {
			larger := int64(max(firstRead, 2*cap(body)))
			if r.ContentLength >= 0 && int64(len(body)) < r.ContentLength {
				larger = min(larger, r.ContentLength+1)
			}
			if !room.grow(larger - int64(cap(body))) {
				return nil, errNoRoom
			}
			body = append(make([]byte, 0, larger), body...)
		}
		n, err := from.Read(body[len(body):cap(body)])
		body = body[:len(body)+n]
		switch {
		case errors.Is(err, io.EOF):
			_ = http.NewResponseController(w).SetReadDeadline(time.Time{})
			return body, nil
		case err != nil:
			return nil, bodyFault(err)
		}
	}
}

func bodyFault(err error) error {
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return errTooLarge
	}
	if netErr, ok := errors.AsType[net.Error](err); ok && netErr.Timeout() {
		return errTooSlow
	}
	return errCut
}
