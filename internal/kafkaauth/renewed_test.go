package kafkaauth

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// mint gives numbered tokens of a minute.
type mint struct {
	asked int
	fail  error
	stall time.Duration
}

func (m *mint) fetch(ctx context.Context) (Token, error) {
	m.asked++
	select {
	case <-time.After(m.stall):
	case <-ctx.Done():
		return Token{}, ctx.Err()
	}
	if m.fail != nil {
		return Token{}, m.fail
	}
	return Token{Value: fmt.Sprint(m.asked), Expires: time.Now().Add(time.Minute)}, nil
}

// TestTokenIsRenewedBeforeItExpires asks each second for ten minutes.
func TestTokenIsRenewedBeforeItExpires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &mint{}
		r := newRenewed(m.fetch)
		for range 600 {
			token, err := r.Token(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if left := time.Until(token.Expires); left < 15*time.Second {
				t.Fatalf("a token has only %v left", left)
			}
			time.Sleep(time.Second)
		}
		if m.asked < 13 || m.asked > 14 {
			t.Errorf("the server was asked %d times", m.asked)
		}
	})
}

// TestTokenGoesOnWhileTheServerIsAway, and no longer; the server is asked at growing intervals.
func TestTokenGoesOnWhileTheServerIsAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &mint{}
		r := newRenewed(m.fetch)
		if _, err := r.Token(t.Context()); err != nil {
			t.Fatal(err)
		}
		m.fail = errors.New("away")
		for second := range 600 {
			token, err := r.Token(t.Context())
			if want := second >= 60; want != (err != nil) || want && !errors.Is(err, m.fail) || !want && token.Value != "1" {
				t.Fatalf("after %d s: %q, %v", second, token.Value, err)
			}
			time.Sleep(time.Second)
		}
		if m.asked < 10 || m.asked > 30 {
			t.Errorf("the server was asked %d times in ten minutes", m.asked)
		}
		m.fail = nil
		time.Sleep(lastPause)
		if _, err := r.Token(t.Context()); err != nil {
			t.Errorf("the server is back: %v", err)
		}
	})
}

// TestTokenIsAskedForOnce has many connections want a token of a server that does not answer.
func TestTokenIsAskedForOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &mint{stall: time.Hour}
		r := newRenewed(m.fetch)
		began := time.Now()
		var all sync.WaitGroup
		for range 50 {
			all.Go(func() {
				if _, err := r.Token(t.Context()); !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("got %v", err)
				}
			})
		}
		all.Wait()
		if m.asked != 1 || time.Since(began) != fetchTime {
			t.Errorf("asked %d times, which took %v", m.asked, time.Since(began))
		}
	})
}

// TestTokenOfACallerThatGivesUp says nothing about the server: the next one asks at once.
func TestTokenOfACallerThatGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &mint{stall: 2 * time.Second}
		r := newRenewed(m.fetch)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := r.Token(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
		if _, err := r.Token(t.Context()); err != nil || m.asked != 2 {
			t.Errorf("asked %d times: %v", m.asked, err)
		}
	})
}
