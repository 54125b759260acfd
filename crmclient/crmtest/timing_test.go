package crmtest

import (
	"testing"
	"testing/synctest"
	"time"
)

// A step that came late makes none of the next ones later.
func TestLatenessDoesNotAddUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := New(Options{})
		defer s.Close()
		nothing := func(time.Time) (data, meta any, fail *failure) { return nil, nil, nil }
		p := &plan{batch: true, items: []*item{{do: nothing}, {do: nothing}, {do: nothing}}}
		began := time.Now()
		due, ok := p.run(s, began.Add(-25*time.Millisecond), 10*time.Millisecond)
		if !ok || !due.Equal(time.Now()) || time.Since(began) != 5*time.Millisecond {
			t.Errorf("it ran for %s, to %s", time.Since(began), due.Sub(began))
		}
	})
}

// Who waited for a slot has it since it was due, not since it was seen to be free.
func TestQueueLosesNoTime(t *testing.T) {
	t.Parallel()
	began := time.Now()
	at := func(ms int) time.Time { return began.Add(time.Duration(ms) * time.Millisecond) }
	for _, c := range []struct {
		name              string
		asked, due, since time.Time
	}{
		{"waited", at(0), at(10), at(10)},
		{"came when it was due already", at(11), at(10), at(11)},
	} {
		var q slots
		if first, ok := q.acquire(at(0), 1, 0, nil, func() {}); !ok || !first.since.Equal(at(0)) || first.running != 1 {
			t.Errorf("%s: the first got %+v, %t", c.name, first, ok)
		}
		second, ok := q.acquire(c.asked, 1, 0, nil, func() { q.release(c.due) })
		if !ok || !second.since.Equal(c.since) {
			t.Errorf("%s: the second has it for %s, %t", c.name, second.since.Sub(began), ok)
		}
	}
}
