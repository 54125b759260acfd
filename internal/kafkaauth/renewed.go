package kafkaauth

import (
	"context"
	"time"
)

// fetchTime is the longest time of a request for a token. It is short, so that a failure is known while the opening of a
// connection, which needs the token, still waits.
const fetchTime = 5 * time.Second

// How long after a failed request the next one is made; it doubles.
const (
	firstPause = time.Second
	lastPause  = 30 * time.Second
)

// renewed keeps a token, and fetches another one after three quarters of its life. While that fails, the old one
// is used until it expires.
type renewed struct {
	fetch func(context.Context) (Token, error)
	turn  chan struct{} // holds one element; whoever has taken it may use the fields below

	token   Token
	renewAt time.Time     // when another token is to be fetched
	failed  error         // why the last request failed; nil: it did not
	pause   time.Duration // after the last request, if it failed
	retryAt time.Time     // no request is made before this
	keptFor time.Time     // until then a token that brokers refuse is kept
}

func newRenewed(fetch func(context.Context) (Token, error)) *renewed {
	r := &renewed{fetch: fetch, turn: make(chan struct{}, 1)}
	r.turn <- struct{}{}
	return r
}

// Token implements [TokenSource].
func (r *renewed) Token(ctx context.Context) (Token, error) {
	select {
	case <-r.turn:
		defer func() { r.turn <- struct{}{} }()
	case <-ctx.Done():
		return Token{}, ctx.Err()
	}
	now := time.Now()
	if r.valid(now) && now.Before(r.renewAt) {
		return r.token, nil
	}
	if !now.Before(r.retryAt) {
		r.renew(ctx)
	}
	if r.failed != nil && !r.valid(time.Now()) {
		return Token{}, r.failed
	}
	return r.token, nil
}

// refused notes that a broker refused a token. Another one is fetched for the next login, as the server may have changed its
// keys or the client's rights; but not more often than each lastPause, as the broker may refuse that one for the same reason.
func (r *renewed) refused(ctx context.Context, token Token) {
	select {
	case <-r.turn:
		defer func() { r.turn <- struct{}{} }()
	case <-ctx.Done():
		return
	}
	if now := time.Now(); r.token.Value == token.Value && !now.Before(r.keptFor) {
		r.renewAt, r.keptFor = now, now.Add(lastPause)
	}
}

func (r *renewed) valid(now time.Time) bool {
	return r.token.Value != "" && now.Before(r.token.Expires)
}

// renew fetches another token. When it fails because ctx has ended, the next request does not wait.
func (r *renewed) renew(ctx context.Context) {
	limited, cancel := context.WithTimeout(ctx, fetchTime)
	defer cancel()
	asked := time.Now()
	token, err := r.fetch(limited)
	if err != nil {
		r.failed = err
		if ctx.Err() == nil {
			r.pause = min(max(2*r.pause, firstPause), lastPause)
			r.retryAt = time.Now().Add(r.pause)
		}
		return
	}
	r.token, r.failed, r.pause, r.retryAt = token, nil, 0, time.Time{}
	r.renewAt = asked.Add(token.Expires.Sub(asked) / 4 * 3)
}
