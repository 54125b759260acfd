package crmtest

import (
	"container/heap"
	"sync"
	"time"
)

// alarm wakes sleepers at their moments, more exactly than the runtime's timers do: an
// idle Go process waits in whole milliseconds, which is a twentieth of a call of 20 ms.
type alarm struct {
	clock wakeUp

	mu       sync.Mutex
	sleepers sleepers
	ended    sync.WaitGroup
}

// wakeUp is a timer of the operating system.
type wakeUp interface {
	set(in time.Duration) error // replaces what was set; in is positive
	wait() error                // until it rings; an error says that it was closed
	close() error
}

// KeepTime has the simulator keep its moments to a few dozen microseconds, where the
// operating system can (Linux); elsewhere it changes nothing. It is not for a synctest
// bubble, whose clock is another. Call it before the first request; Close ends it.
func (s *Simulator) KeepTime() error {
	clock, err := newWakeUp()
	if err != nil || clock == nil {
		return err
	}
	s.alarm = newAlarm(clock)
	return nil
}

func newAlarm(clock wakeUp) *alarm {
	a := &alarm{clock: clock}
	a.ended.Go(a.run)
	return a
}

// close lets the alarm ring no more; who still sleeps is woken by nobody.
func (a *alarm) close() {
	_ = a.clock.close() // there is nothing to lose
	a.ended.Wait()
}

// at gives a channel that is closed at a moment, and never before it.
func (a *alarm) at(moment time.Time) (<-chan struct{}, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	s := sleeper{moment, make(chan struct{})}
	heap.Push(&a.sleepers, s)
	if a.sleepers[0].wake != s.wake {
		return s.wake, nil // the clock is set to somebody's earlier moment
	}
	return s.wake, a.set()
}

// set sets the clock to the first moment; the lock is held.
func (a *alarm) set() error {
	if len(a.sleepers) == 0 {
		return nil
	}
	return a.clock.set(max(time.Until(a.sleepers[0].at), 1))
}

// run wakes whose moment has come, until the clock is closed.
func (a *alarm) run() {
	for a.clock.wait() == nil {
		a.mu.Lock()
		for now := time.Now(); len(a.sleepers) > 0 && !a.sleepers[0].at.After(now); {
			close(heap.Pop(&a.sleepers).(sleeper).wake)
		}
		err := a.set()
		a.mu.Unlock()
		if err != nil {
			return
		}
	}
}

// sleeper waits for a moment.
type sleeper struct {
	at   time.Time
	wake chan struct{}
}

// sleepers are a heap by moment.
type sleepers []sleeper

func (s sleepers) Len() int           { return len(s) }
func (s sleepers) Less(i, j int) bool { return s[i].at.Before(s[j].at) }
func (s sleepers) Swap(i, j int)      { s[i], s[j] = s[j], s[i] }

// Push is for package heap.
func (s *sleepers) Push(x any) { *s = append(*s, x.(sleeper)) }

// Pop is for package heap.
func (s *sleepers) Pop() any {
	last := len(*s) - 1
	x := (*s)[last]
	*s = (*s)[:last]
	return x
}
