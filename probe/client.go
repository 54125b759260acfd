package probe

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"time"

	"github.com/leadbridge/leadbridge/internal/wait"
)

const (
	maxAnswer = 8 << 20                // bytes that are read of an answer; a description of an API is long
	batchSize = 50                     // calls of a batch, as documented
	batchMore = 200 * time.Millisecond // by which the timeout of a batch is longer for each of its calls
)

// errThrottled ends a measurement: the portal needs its requests for other work than ours.
var errThrottled = errors.New("the portal throttles requests (429): try again when the service is idle, or with a smaller --rate")

// client sends one request at a time, not faster than its rate, and counts what it sees.
type client struct {
	cfg   Config
	http  *http.Client
	next  time.Time // no request is sent before this
	calls map[string]*samples
	seen  Limits
	count int
	odd   int       // answers 5xx, and requests without an answer: what these asked for may have been done
	sent  time.Time // when the last request was sent
	holds int       // how often it has paused for the portal's limit
}

func newClient(cfg Config) *client {
	dial := cfg.Dial
	proxy := http.ProxyFromEnvironment
	if dial == nil {
		dial = (&net.Dialer{Timeout: 10 * time.Second}).DialContext
	} else {
		proxy = nil // the given dialer knows how to reach the CRM
	}
	return &client{cfg: cfg, calls: map[string]*samples{}, http: &http.Client{
		Transport: &http.Transport{Proxy: proxy, DialContext: dial, ForceAttemptHTTP2: true, TLSHandshakeTimeout: 10 * time.Second},
		// Following a redirect would send the key to wherever it points.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// do sends a request when its turn comes, and waits for its answer. The end of ctx ends the wait for the turn, but not the
// request: a create that is cut off would leave a record that nobody knows of. op names the request in the figures.
func (c *client) do(ctx context.Context, op, method, path string, body any) reply {
	if err := c.pace(ctx); err != nil {
		return reply{err: err}
	}
	timeout := c.cfg.Timeout
	if path == "/batch" {
		timeout += batchSize * batchMore
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), timeout)
	defer cancel()
	c.count++
	c.sent = time.Now()
	r := c.send(ctx, method, path, body)
	r.took = time.Since(c.sent)
	c.note(op, r)
	return r
}

func (c *client) send(ctx context.Context, method, path string, body any) reply {
	var text []byte
	if body != nil {
		text, _ = json.Marshal(body) // values of texts, numbers and lists, which cannot fail
	}
	req, err := http.NewRequestWithContext(ctx, method, c.cfg.BaseURL+path, bytes.NewReader(text))
	if err != nil {
		return reply{err: errors.New("the CRM's address is not valid")}
	}
	req.Header.Set("X-Api-Key", c.cfg.APIKey)
	req.Header.Set("Accept", "application/json")
	if c.cfg.Session != "" {
		req.Header.Set("Authorization", "Bearer "+c.cfg.Session)
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return reply{err: fmt.Errorf("no answer: %w", err)}
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return reply{err: fmt.Errorf("the answer broke off: %w", err)}
	}
	return readReply(resp.StatusCode, resp.Header, answer)
}

// pace waits until the next request may leave.
func (c *client) pace(ctx context.Context) error {
	if c.seen.Throttled > 0 && ctx.Value(cleaning{}) == nil {
		return errThrottled
	}
	if err := wait.For(ctx, time.Until(c.next)); err != nil {
		return err
	}
	c.next = time.Now().Add(time.Duration(float64(time.Second) / c.cfg.Rate))
	return nil
}

// cleaning is the key that marks the context of requests that delete: they go on when the portal throttles.
type cleaning struct{}

// note counts an answer, and delays the next request when the limit is near: others need requests, too.
func (c *client) note(op string, r reply) {
	s := c.calls[op]
	if s == nil {
		s = &samples{}
		c.calls[op] = s
	}
	s.add(r.took, r.size)
	if r.doubtful() {
		c.odd++
	}
	pause := r.retryAfter
	if r.status == http.StatusTooManyRequests {
		c.seen.Throttled++
		pause = max(pause, time.Second)
	}
	if limit, ok := header(r.header, "X-RateLimit-Limit"); ok && limit > 0 {
		left, _ := header(r.header, "X-RateLimit-Remaining")
		reset, _ := header(r.header, "X-RateLimit-Reset")
		if c.seen.PerMinute == 0 || left < c.seen.LeastRemaining {
			c.seen.LeastRemaining = left
		}
		c.seen.PerMinute = limit
		if left < limit/5 {
			pause = max(pause, min(time.Duration(reset)*time.Second, time.Minute))
		}
	}
	if at := time.Now().Add(pause); pause > 0 && at.After(c.next) {
		c.next = at
		c.holds++
	}
}

// header returns the number in a header.
func header(h http.Header, name string) (int, bool) {
	n, err := strconv.Atoi(h.Get(name))
	return n, err == nil
}

func (c *client) close() { c.http.CloseIdleConnections() }
