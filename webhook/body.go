package webhook

import (
	"errors"
	"io"
	"net"
	"net/http"
	"time"
)

var (
	errTooLarge   = errors.New("the body is larger than this source may send")
	errTooSlow    = errors.New("the body did not come in time, or comes too slowly")
	errCut        = errors.New("the body is cut off")
	errOverloaded = errors.New("too much is under way: send again later")
)

// firstRead is the size of a body's first buffer in bytes, whatever length the client announces: a slow client costs
// little memory.
const firstRead = 2 << 10

// pace is the least speed of a body.
type pace struct {
	within time.Duration // longest time for the whole body
	grace  time.Duration // the rate must be kept on average over each span of this length
	rate   int64         // bytes a second; 0: any
}

// readBody reads a body of up to limit bytes, which must come at the pace p at least. The memory of the body is
// reserved as it grows.
func readBody(w http.ResponseWriter, r *http.Request, limit int64, p pace, memory *reservation) ([]byte, error) {
	if r.ContentLength > limit {
		return nil, errTooLarge
	}
	// The reader ends the connection of a client that sends too much.
	from := http.MaxBytesReader(w, r.Body, limit)
	var body []byte
	deadline := p.start(w, time.Now())
	for {
		if len(body) == cap(body) {
			larger := int64(max(firstRead, 2*cap(body)))
			if r.ContentLength >= 0 && int64(len(body)) < r.ContentLength {
				larger = min(larger, r.ContentLength+1) // one more, so that the read that finds the end has a place
			}
			if !memory.grow(larger - int64(cap(body))) {
				return nil, errOverloaded
			}
			body = append(make([]byte, 0, larger), body...)
		}
		n, err := from.Read(body[len(body):cap(body)])
		body = body[:len(body)+n]
		switch {
		case errors.Is(err, io.EOF):
			deadline.end()
			return body, nil
		case err != nil:
			return nil, bodyFault(err)
		}
		deadline.arrived(n)
	}
}

// bodyDeadline keeps the connection's read deadline while a body comes. Each span of pace.grace must bring its bytes by
// itself, however many came before: a client that sends much and then nothing holds the most memory.
type bodyDeadline struct {
	pace    pace
	control *http.ResponseController
	last    time.Time // deadline of the whole body
	missing int64     // bytes that the present span must still bring
}

func (p pace) start(w http.ResponseWriter, now time.Time) *bodyDeadline {
	d := &bodyDeadline{pace: p, control: http.NewResponseController(w), last: now.Add(p.within)}
	d.beginSpan(now)
	return d
}

func (d *bodyDeadline) beginSpan(now time.Time) {
	d.missing = int64(float64(d.pace.rate) * d.pace.grace.Seconds())
	next := d.last
	if at := now.Add(d.pace.grace); d.missing > 0 && at.Before(d.last) {
		next = at
	}
	// A connection that knows no deadlines (HTTP in memory) still has those of the server.
	_ = d.control.SetReadDeadline(next)
}

// arrived notes that n bytes of the body came.
func (d *bodyDeadline) arrived(n int) {
	if d.missing -= int64(n); d.missing <= 0 && d.pace.rate > 0 {
		d.beginSpan(time.Now())
	}
}

// end takes the deadline away.
func (d *bodyDeadline) end() { _ = d.control.SetReadDeadline(time.Time{}) }

func bodyFault(err error) error {
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return errTooLarge
	}
	if netErr, ok := errors.AsType[net.Error](err); ok && netErr.Timeout() {
		return errTooSlow
	}
	return errCut
}
