package crmtest

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"
)

// handClock rings when it is told to.
type handClock struct {
	rings chan struct{}
	sets  chan time.Duration
}

func newHandClock() *handClock {
	return &handClock{make(chan struct{}), make(chan time.Duration, 10)}
}

func (c *handClock) set(in time.Duration) error { c.sets <- in; return nil }

func (c *handClock) wait() error {
	if _, open := <-c.rings; !open {
		return os.ErrClosed
	}
	return nil
}

func (c *handClock) close() error { close(c.rings); return nil }

// TestAlarmFollowsTheFirstMoment: the clock is set for the earliest sleeper only, who alone
// is woken when it rings.
func TestAlarmFollowsTheFirstMoment(t *testing.T) {
	t.Parallel()
	clock := newHandClock()
	a := newAlarm(clock)
	defer a.close()
	at := func(in time.Duration) <-chan struct{} {
		wake, err := a.at(time.Now().Add(in))
		if err != nil {
			t.Fatal(err)
		}
		return wake
	}
	later := at(time.Hour)
	if in := <-clock.sets; in > time.Hour || in < 50*time.Minute {
		t.Errorf("set to %v, want an hour", in)
	}
	last := at(2 * time.Hour)
	now := at(-time.Second)
	if in := <-clock.sets; in != 1 {
		t.Errorf("set to %v for a moment that has passed, want 1ns", in)
	}
	clock.rings <- struct{}{}
	<-now
	select {
	case in := <-clock.sets:
		if in > time.Hour || in < 50*time.Minute {
			t.Errorf("set to %v after the first, want what is left of the hour", in)
		}
	case <-later:
		t.Error("one was woken an hour before its moment")
	case <-last:
		t.Error("one was woken two hours before its moment")
	}
}

// TestKeepTime: with the clock of this system a request takes its time and no less, and
// Close ends one that hangs.
func TestKeepTime(t *testing.T) {
	t.Parallel()
	s := New(Options{ServiceTime: 3 * time.Millisecond})
	if err := s.KeepTime(); err != nil {
		t.Fatal(err)
	}
	create := func() int {
		r := httptest.NewRequest(http.MethodPost, "/v1/contacts", strings.NewReader(`{"name":"Ivan"}`))
		r.Header.Set("X-Api-Key", "vibe_api_1")
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		return w.Code
	}
	for range 20 {
		began := time.Now()
		if code := create(); code != http.StatusCreated {
			t.Fatalf("answered %d", code)
		}
		if took := time.Since(began); took < 3*time.Millisecond {
			t.Fatalf("answered after %v, before its time", took)
		}
	}
	s.Update(func(o *Options) { o.ServiceTime = time.Hour })
	code := make(chan int)
	go func() { code <- create() }()
	for s.Stats().PortalRequests < 21 {
		time.Sleep(time.Millisecond) // polled: the request runs on the portal
	}
	s.Close()
	if got := <-code; got != http.StatusServiceUnavailable {
		t.Errorf("a request at the end was answered %d, want 503", got)
	}
}

// TestWakeUpIsClosed: who waits for the clock learns that it was closed.
func TestWakeUpIsClosed(t *testing.T) {
	t.Parallel()
	clock, err := newWakeUp()
	if err != nil {
		t.Fatal(err)
	}
	if clock == nil {
		return // this system has none, and KeepTime does nothing
	}
	ended := make(chan error)
	go func() { ended <- clock.wait() }()
	if err := clock.close(); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; !errors.Is(err, os.ErrClosed) {
		t.Errorf("waiting ended with %v", err)
	}
}
