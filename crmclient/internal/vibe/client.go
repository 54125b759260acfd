// Package vibe speaks the protocol of the CRM, Bitrix24's "Vibe" REST API: a [Call] goes in, one
// attempt is made, and one typed [Outcome] comes out. Between calls it keeps only connections,
// credentials and the offset of the CRM's clock.
//
// It deliberately stays narrow. It does not retry, wait, count requests against a limit or
// decide what an outcome means for an event: crmclient does. It logs nothing.
//
// The paths, fields and error codes are those of the vendor's API reference, under /v1. Where the
// reference says nothing, answers are read in every form that is likely. An answer whose meaning is
// unknown is a [Doubt].
package vibe

import (
	"cmp"
	"context"
	"errors"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"
)

const (
	// BatchLimit is the largest number of calls in one batch (vendor's reference: POST /v1/batch).
	BatchLimit = 50
	// PageLimit is the largest number of rows that a list inside a batch may ask for without
	// costing a request of its own (vendor's reference: POST /v1/batch).
	PageLimit = 50
)

// Config says where the CRM is and how to reach it.
type Config struct {
	BaseURL      string // scheme, host and path, with or without /v1 (CRM_BASE_URL)
	APIKey       Secret // sent as X-Api-Key (CRM_API_KEY)
	SessionToken Secret // of an OAuth app, sent as a Bearer token (CRM_SESSION_TOKEN)

	// Timeout is the longest wait for the answer to a single request (CRM_TIMEOUT); a batch gets
	// [BatchTime] more. 0: 35 s.
	Timeout time.Duration
	// AckTimeout is how long sent bytes may stay unacknowledged before the kernel drops the
	// connection. It works on Linux only. 0: Timeout.
	AckTimeout time.Duration
	// Connections is how many requests are usually made at a time. 0: 2, as many as a portal runs.
	Connections int
	// Dial opens connections. Nil: connections go over the network, through the proxy that the
	// environment names, if any.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
}

// Client sends calls, one attempt each. It is safe for concurrent use.
type Client struct {
	base    string // with /v1
	noTLS   bool   // connections are not encrypted, and so speak HTTP/1; false: TLS, and HTTP/2 if the CRM offers it
	http    *http.Client
	keys    *keyring
	timeout time.Duration
	skew    atomic.Int64 // the CRM's clock minus ours, in nanoseconds
}

// New makes a Client; it sends nothing. Its error names every faulty setting, but never contains the
// setting's value.
func New(cfg Config) (*Client, error) {
	base, err := baseURL(cfg.BaseURL)
	keys, keyErr := newKeyring(cfg.APIKey, cfg.SessionToken)
	if err := errors.Join(err, keyErr); err != nil {
		return nil, err
	}
	timeout := cmp.Or(cfg.Timeout, 35*time.Second)
	return &Client{
		base: base, noTLS: strings.HasPrefix(base, "http:"), keys: keys, timeout: timeout,
		http: &http.Client{
			Transport: newTransport(cfg.Dial, cmp.Or(cfg.Connections, 2), cmp.Or(cfg.AckTimeout, timeout)),
			// Following a redirect would send the key to wherever it points.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}, nil
}

// baseURL returns the address that a setting names, with /v1 at its end.
func baseURL(given string) (string, error) {
	u, err := url.Parse(strings.TrimSpace(given))
	switch {
	case err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https"):
		return "", errors.New("CRM_BASE_URL is not a valid address: give one like https://vibecode.bitrix24.tech")
	case u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return "", errors.New("CRM_BASE_URL holds a user, a query or a fragment: leave scheme, host and path only")
	}
	return strings.TrimSuffix(strings.TrimRight(u.String(), "/"), "/v1") + "/v1", nil
}

// Do makes one attempt and returns its outcome, failures included. If ctx ends before the answer has
// come, the call may have taken effect if Outcome.Written is set.
//
// After an outcome of the class [Credentials] the next call reads the secrets' files again.
func (c *Client) Do(ctx context.Context, call Call) Outcome {
	a := c.send(ctx, call)
	now := time.Now()
	o := classify(a, now)
	o.Took = now.Sub(a.sent)
	o.RateLimit = rateLimit(a.header)
	c.mask(&o)
	o.Items = items(o, call.Calls)
	for i := range o.Items {
		if o.Items[i].Class != Done { // only failures have messages
			c.mask(&o.Items[i])
		}
	}
	if o.Class == Credentials {
		c.keys.doubt()
	}
	return o
}

// Address returns a call's method, its address without the query, and the address's path from /v1 on, such as
// /v1/contacts.
func (c *Client) Address(call Call) (method string, address *url.URL, path string) {
	path, _, _ = strings.Cut(call.path, "?")
	address, err := url.Parse(c.base + path)
	if err != nil { // cannot happen: New has parsed the base
		address = &url.URL{}
	}
	return call.method, address, "/v1" + path
}

// maxMessage is how many bytes of the CRM's message are kept.
const maxMessage = 2048

// mask hides our secrets in the CRM's message, code and request id.
func (c *Client) mask(o *Outcome) {
	// The message is masked before it is cut: half a key is a secret, too.
	o.Message = bounded(c.keys.hide(o.Message), maxMessage)
	o.Code, o.RequestID = PlainID(c.keys.hide(o.Code)), PlainID(c.keys.hide(o.RequestID))
}

// Skew returns how far the CRM's clock is ahead of ours by the Date header of its latest
// answer; 0 before the first.
func (c *Client) Skew() time.Duration { return time.Duration(c.skew.Load()) }

// KeyChanged reads the files of the secrets, and reports whether one has another value than the one in
// use. Then the next call uses the new value, so that a call that failed for its credentials may be
// tried again at once. A file that cannot be read counts as unchanged.
func (c *Client) KeyChanged() bool { return c.keys.changed() }

// HasSession reports whether a session token is in use.
func (c *Client) HasSession() bool {
	_, token := c.keys.current()
	return token != ""
}

// Close drops the idle connections. The Client can still be used.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// PlainID returns an identifier from outside if it is safe to log, else "". It is safe if it has at most 64
// characters, all of which are ASCII letters, digits or one of - _ . :
func PlainID(s string) string {
	odd := func(r rune) bool {
		return r != '-' && r != '_' && r != '.' && r != ':' && (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
	}
	if len(s) > 64 || strings.ContainsFunc(s, odd) {
		return ""
	}
	return s
}

// bounded cuts text from outside to at most n bytes.
func bounded(s string, n int) string {
	if len(s) > n {
		s = s[:n]
	}
	return strings.ToValidUTF8(s, "")
}
