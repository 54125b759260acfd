package crmclient

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync/atomic"
	"time"
)

// maxAnswer bounds what is read of an answer, in bytes.
const maxAnswer = 1 << 20

// The operations, as metrics name them.
const (
	opCreate     = "create"
	opBatch      = "batch" // of creates
	opLookUp     = "lookup"
	opFields     = "fields"
	opMe         = "me"
	opUserFields = "userfields"
	opStatuses   = "statuses"
)

// call is one request to the CRM.
type call struct {
	op     string
	method string
	path   string // below /v1, with its query
	body   []byte // JSON; nil: none
	items  int    // calls in a batch
	lease  func() error

	replayed float64 // which part of it is for replayed events, 0 to 1
}

// answer is what came of a call.
type answer struct {
	items     int // calls in a batch
	status    int
	header    http.Header
	body      []byte
	requestID string
	sent      time.Time // when the call began
	written   time.Time // when the request was on the wire; zero: nothing of it ever was
	answered  time.Time // when the answer's head was there; zero: none came
	lease     error     // why the lease stopped it
	err       error     // why there is no readable answer; holds no body and no key
}

// wire sends calls, one attempt each.
type wire struct {
	base    string
	plain   bool // no TLS, hence HTTP/1
	client  *http.Client
	keys    *keyring
	timeout time.Duration
	skew    atomic.Int64 // the CRM's clock minus ours, nanoseconds
	// itemSize is how much of the last answer to a batch was for one call, in bytes.
	itemSize atomic.Int64
}

func newWire(cfg Config) (*wire, error) {
	base, err := baseURL(cfg.BaseURL)
	keys, keyErr := newKeyring(cfg.APIKey, cfg.SessionToken)
	if err := errors.Join(err, keyErr); err != nil {
		return nil, err
	}
	return &wire{
		base: base, plain: strings.HasPrefix(base, "http:"), keys: keys, timeout: cfg.Timeout,
		client: &http.Client{
			Transport: newTransport(cfg.Dial, cfg.Slots, cfg.runTime()),
			// A redirect would carry the key to wherever it points.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}, nil
}

func baseURL(given string) (string, error) {
	u, err := url.Parse(strings.TrimSpace(given))
	switch {
	case err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https"):
		return "", errors.New("CRM_BASE_URL is no address: give one like https://vibecode.bitrix24.tech")
	case u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return "", errors.New("CRM_BASE_URL holds a user, a query or a fragment: leave scheme, host and path only")
	}
	return strings.TrimSuffix(strings.TrimRight(u.String(), "/"), "/v1") + "/v1", nil
}

// errTimeout is the cause of a call that took longer than CRM_TIMEOUT.
var errTimeout = errors.New("no answer within CRM_TIMEOUT")

// send makes one attempt. It never fails: what went wrong is in the answer.
func (w *wire) send(ctx context.Context, c call) answer {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	timeout := w.timeout + itemsTime(c.items)
	timer := time.AfterFunc(timeout, func() { cancel(errTimeout) })
	defer timer.Stop()

	p := &passage{lease: c.lease}
	var written atomic.Pointer[time.Time] // set by a goroutine of the transport
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GotConn: func(got httptrace.GotConnInfo) { carry(got.Conn, p) },
		WroteRequest: func(info httptrace.WroteRequestInfo) {
			if info.Err == nil {
				now := time.Now()
				written.Store(&now)
				timer.Reset(timeout) // the wait for the answer begins
			}
		},
	})
	a := answer{items: c.items, sent: time.Now()}
	w.exchange(ctx, c, p, &a)
	if a.err != nil && errors.Is(context.Cause(ctx), errTimeout) {
		a.err = errTimeout
	}
	a.written = p.writtenAt(written.Load())
	if lost := p.lost.Load(); lost != nil && a.answered.IsZero() {
		a.lease = *lost
	}
	return a
}

func (w *wire) exchange(ctx context.Context, c call, p *passage, a *answer) {
	req, err := w.request(ctx, c, p)
	if err != nil {
		a.err = err
		return
	}
	res, err := w.client.Do(req)
	if err != nil {
		a.err = err
		return
	}
	defer res.Body.Close()
	a.answered, a.status, a.header = time.Now(), res.StatusCode, res.Header
	a.requestID = plainID(res.Header.Get("X-Request-Id"))
	w.note(res.Header.Get("Date"))
	a.body, a.err = readCapped(res.Body, w.room(c, res))
	if c.items > 0 {
		w.itemSize.Store(int64(len(a.body) / c.items))
	}
}

func (w *wire) request(ctx context.Context, c call, p *passage) (*http.Request, error) {
	var body io.Reader
	if c.body != nil {
		body = w.body(c, p)
	}
	req, err := http.NewRequestWithContext(ctx, c.method, w.base+c.path, body)
	if err != nil {
		return nil, fmt.Errorf("make request: %w", err)
	}
	req.Header.Set("Accept", "application/json")
	if c.body != nil {
		req.ContentLength = int64(len(c.body))
		req.Header.Set("Content-Type", "application/json")
	}
	key, token := w.keys.current()
	if key != "" {
		req.Header.Set("X-Api-Key", key)
	}
	// The session is an app's; a personal key beside one left over in the settings works alone.
	if token != "" && !strings.HasPrefix(key, "vibe_api_") {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	return req, nil
}

// body reads a call's body. It is no bare bytes.Reader: with GetBody set, net/http may send a
// POST a second time by itself.
func (w *wire) body(c call, p *passage) io.Reader {
	if w.plain {
		// Of what is known to lie in memory the head does not leave before the body.
		return io.NopCloser(bytes.NewReader(c.body))
	}
	return &leasedBody{rest: c.body, passage: p}
}

// errTooLong says that an answer was longer than we read.
var errTooLong = errors.New("answer longer than 1 MiB")

// room is how much memory an answer takes, as far as can be known before it is read: a
// batch's is many times larger than what a buffer begins with.
func (w *wire) room(c call, res *http.Response) int {
	size := int64(c.items) * w.itemSize.Load() * 9 / 8
	if res.ContentLength >= 0 {
		size = res.ContentLength
	}
	return int(min(size, maxAnswer)) + bytes.MinRead
}

// readCapped reads an answer and drains a little more, so that the connection can be used again.
func readCapped(r io.Reader, room int) ([]byte, error) {
	var b bytes.Buffer
	b.Grow(room)
	n, err := io.Copy(&b, io.LimitReader(r, maxAnswer+1))
	if err == nil && n > maxAnswer {
		_, _ = io.CopyN(io.Discard, r, maxAnswer)
		err = errTooLong
	}
	return b.Bytes(), err
}

// note learns how far the CRM's clock is from ours.
func (w *wire) note(date string) {
	if at, err := http.ParseTime(date); err == nil {
		w.skew.Store(int64(time.Until(at)))
	}
}

func (w *wire) close() { w.client.CloseIdleConnections() }

// plainID is an id from outside, "" when it is more than that.
func plainID(s string) string {
	odd := func(r rune) bool {
		return r != '-' && r != '_' && r != '.' && r != ':' && (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
	}
	if len(s) > 64 || strings.ContainsFunc(s, odd) {
		return ""
	}
	return s
}

// bounded cuts text from outside to a length that logs and headers can bear.
func bounded(s string, n int) string {
	if len(s) > n {
		s = s[:n]
	}
	return strings.ToValidUTF8(s, "")
}
