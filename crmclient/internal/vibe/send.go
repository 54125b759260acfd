package vibe

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"strings"
	"sync/atomic"
	"time"
)

// maxAnswer is how many bytes of an answer are read.
const maxAnswer = 1 << 20

// answer is what became of an attempt, before it is classified.
type answer struct {
	status    int // 0: no answer
	header    http.Header
	body      []byte
	requestID string
	sent      time.Time // when the attempt began
	written   time.Time // see Outcome.Written
	answered  time.Time // see Outcome.Answered
	lease     error     // why the lease stopped the attempt
	err       error     // why there is no readable answer; contains neither body nor key
}

var (
	// errTimeout is the cause of a call that took longer than CRM_TIMEOUT.
	errTimeout = errors.New("no answer within CRM_TIMEOUT")
	// errTooLong is the error of an answer longer than maxAnswer.
	errTooLong = errors.New("answer longer than 1 MiB")
)

// BatchTime returns how much longer than a single request a batch may run: 200 ms for each call after the
// first.
func BatchTime(calls int) time.Duration {
	return time.Duration(max(calls-1, 0)) * 200 * time.Millisecond
}

// send makes one attempt.
func (c *Client) send(ctx context.Context, call Call) answer {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	timeout := c.timeout + BatchTime(call.Calls)
	timer := time.AfterFunc(timeout, func() { cancel(errTimeout) })
	defer timer.Stop()

	w := &requestWrite{lease: call.Lease}
	var written atomic.Pointer[time.Time] // set by a goroutine of the transport
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GotConn: func(got httptrace.GotConnInfo) { bind(got.Conn, w) },
		WroteRequest: func(info httptrace.WroteRequestInfo) {
			if info.Err == nil {
				now := time.Now()
				written.Store(&now)
				timer.Reset(timeout) // the wait for the answer begins
			}
		},
	})
	a := answer{sent: time.Now()}
	c.exchange(ctx, call, w, &a)
	if a.err != nil && errors.Is(context.Cause(ctx), errTimeout) {
		a.err = errTimeout
	}
	a.written = w.writtenAt(written.Load())
	if lost := w.lost.Load(); lost != nil && a.answered.IsZero() {
		a.lease = *lost
	}
	return a
}

// exchange sends the request and reads the answer.
func (c *Client) exchange(ctx context.Context, call Call, w *requestWrite, a *answer) {
	req, err := c.request(ctx, call, w)
	if err != nil {
		a.err = err
		return
	}
	res, err := c.http.Do(req)
	if err != nil {
		a.err = err
		return
	}
	defer res.Body.Close()
	a.answered, a.status, a.header = time.Now(), res.StatusCode, res.Header
	a.requestID = PlainID(res.Header.Get("X-Request-Id"))
	if at, err := http.ParseTime(res.Header.Get("Date")); err == nil {
		c.skew.Store(int64(time.Until(at)))
	}
	a.body, a.err = readAnswer(res.Body, call.Calls)
}

// request returns the HTTP request of a call.
func (c *Client) request(ctx context.Context, call Call, w *requestWrite) (*http.Request, error) {
	var body io.Reader
	if call.body != nil {
		body = c.bodyReader(call.body, w)
	}
	req, err := http.NewRequestWithContext(ctx, call.method, c.base+call.path, body)
	if err != nil {
		return nil, fmt.Errorf("make request: %w", err)
	}
	req.Header.Set("Accept", "application/json")
	if call.body != nil {
		req.ContentLength = int64(len(call.body))
		req.Header.Set("Content-Type", "application/json")
	}
	key, token := c.keys.current()
	if key != "" {
		req.Header.Set("X-Api-Key", key)
	}
	// Only apps have sessions. If the settings have a session and a personal key, the session is not sent.
	if token != "" && !strings.HasPrefix(key, "vibe_api_") {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	return req, nil
}

// bodyReader returns a reader of a request's body. It is never a bare bytes.Reader, because net/http
// would set GetBody for one, and may then send a POST a second time.
func (c *Client) bodyReader(body []byte, w *requestWrite) io.Reader {
	if c.noTLS {
		// net/http knows this type to read from memory, and writes head and body together.
		return io.NopCloser(bytes.NewReader(body))
	}
	return &leasedBody{rest: body, write: w}
}

// usualItem is the size in bytes that an answer usually has for each call.
const usualItem = 1 << 10

// readAnswer reads an answer, up to maxAnswer. calls is how many calls a batch has, 0 for a single call. If the answer is
// longer, readAnswer discards up to as much again, so that the connection can often be used again.
func readAnswer(r io.Reader, calls int) ([]byte, error) {
	var body bytes.Buffer
	body.Grow(max(calls, 1) * usualItem)
	_, err := body.ReadFrom(io.LimitReader(r, maxAnswer+1))
	if err == nil && body.Len() > maxAnswer {
		_, _ = io.CopyN(io.Discard, r, maxAnswer)
		err = errTooLong
	}
	return body.Bytes(), err
}
