package limit

import (
	"testing"
	"time"
)

func TestInterval(t *testing.T) {
	for _, test := range []struct {
		failures int
		want     time.Duration
	}{
		{0, 500 * time.Millisecond},
		{1, 750 * time.Millisecond},
		{2, 1125 * time.Millisecond},
		{11, 43248 * time.Millisecond},
		{12, time.Minute},
		{1 << 40, time.Minute},
	} {
		got := interval(test.failures, 500*time.Millisecond, time.Minute)
		if got.Truncate(time.Millisecond) != test.want {
			t.Errorf("after %d failures: %v, want %v", test.failures, got, test.want)
		}
	}
}

func TestLookUps(t *testing.T) {
	l := NewLookUps(500*time.Millisecond, time.Minute)
	if l.At().After(noon) {
		t.Errorf("closed at the beginning until %v", l.At())
	}
	for _, test := range []struct {
		retryAfter, want time.Duration
	}{
		{0, 500 * time.Millisecond},
		{0, 750 * time.Millisecond},
		{20 * time.Second, 20 * time.Second},
		{time.Hour, time.Minute},
	} {
		l.next = time.Time{}
		l.Failed(test.retryAfter, noon)
		if got := l.At().Sub(noon); got != test.want {
			t.Errorf("asked for %v: %v, want %v", test.retryAfter, got, test.want)
		}
	}
	l.Failed(0, noon) // another in flight does not make it sooner
	if got := l.At().Sub(noon); got < time.Minute {
		t.Errorf("sooner by a second failure: %v", got)
	}
	for range 1000 {
		l.Failed(0, noon)
	}
	if got := l.At().Sub(noon); got != time.Minute {
		t.Errorf("after many failures: %v", got)
	}
	if l.Passed(); l.At().After(noon) {
		t.Errorf("closed after a pass until %v", l.At())
	}
}
