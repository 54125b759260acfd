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
	within time.Duration // for the whole body
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
	due := p.start(w, time.Now())
	for {
		if len(body) == cap(body) {
			larger := int64(max(firstRead, 2*cap(body)))
			if r.ContentLength >= 0 && int64(len(body)) < r.ContentLength {
				larger = min(larger, r.ContentLength+1)
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
			due.end()
			return body, nil
		case err != nil:
			return nil, bodyFault(err)
		}
		due.came(n)
	}
}

// due is the deadline of a body's next part. Bytes that came early earn no time later: a client that sends much and
// then nothing holds the most memory.
type due struct {
	pace    pace
	control *http.ResponseController
	last    time.Time // deadline of the whole body
	next    time.Time // deadline of the bytes that the present span must bring
	missing int64     // those bytes that have not come
}

func (p pace) start(w http.ResponseWriter, now time.Time) *due {
	d := &due{pace: p, control: http.NewResponseController(w), last: now.Add(p.within)}
	d.again(now)
	return d
}

// again begins the next span.
func (d *due) again(now time.Time) {
	d.missing = int64(float64(d.pace.rate) * d.pace.grace.Seconds())
	d.next = d.last
	if at := now.Add(d.pace.grace); d.missing > 0 && at.Before(d.last) {
		d.next = at
	}
	// Where the connection has no deadline (HTTP in memory), the server's own holds.
	_ = d.control.SetReadDeadline(d.next)
}

func (d *due) came(n int) {
	if d.missing -= int64(n); d.missing <= 0 && d.pace.rate > 0 {
		d.again(time.Now())
	}
}

func (d *due) end() { _ = d.control.SetReadDeadline(time.Time{}) }

func bodyFault(err error) error {
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return errTooLarge
	}
	if netErr, ok := errors.AsType[net.Error](err); ok && netErr.Timeout() {
		return errTooSlow
	}
	return errCut
}
