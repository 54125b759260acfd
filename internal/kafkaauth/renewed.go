package kafkaauth

import (
	"context"
	"time"
)

// fetchTime bounds one request for a token: it is to fail while whoever opens a connection still waits.
const fetchTime = 5 * time.Second

// How long after a failed request the next one is made; it doubles.
const (
	firstPause = time.Second
	lastPause  = 30 * time.Second
)

// renewed keeps a token and fetches another one after three quarters of its life. While that fails, the old one
// goes on until it expires.
type renewed struct {
	fetch func(context.Context) (Token, error)
	turn  chan struct{} // holds one element; whoever has it may use what follows

	token   Token
	renewAt time.Time
	failed  error // of the last request
	pause   time.Duration
	retryAt time.Time
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

func (r *renewed) valid(now time.Time) bool {
	return r.token.Value != "" && now.Before(r.token.Expires)
}

// renew asks for another token. The caller's own end is no failure of the token server.
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
