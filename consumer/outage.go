package consumer

import (
	"fmt"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v4"
)

// An outage limits the writes to a topic that accepts none: one writer at a time tries, at growing intervals, and the others
// wait until a try succeeds.
type outage struct {
	mu      sync.Mutex
	backoff *backoff.ExponentialBackOff
	down    bool
	until   time.Time     // while down: no write is tried before this time
	over    chan struct{} // closed when a write succeeds again; nil while none has failed
}

func newOutage() *outage { return &outage{backoff: newBackOff()} }

// probeTime is how long one writer's try may take before another writer may try.
const probeTime = 2*callTimeout + time.Second

// patience is how long a record that was not admitted waits for the others' tries before it tries again itself.
const patience = time.Minute

// unwritable is the error of a write that a topic did not accept, or that was not tried because of an outage.
type unwritable struct {
	until time.Time       // when to try again
	over  <-chan struct{} // closed when a write succeeds again; nil when none has failed
	cause error           // nil when the write was not tried
}

func (u *unwritable) Error() string {
	if u.cause == nil {
		return "the topic takes nothing for now"
	}
	return fmt.Sprintf("the topic did not take it: %v", u.cause)
}

func (u *unwritable) Unwrap() error { return u.cause }

// admit returns nil when a write may be tried at now, else *unwritable. In an outage it admits one writer at a time: the next
// one after the pause that follows a failure, or after probeTime if the outcome of a try is not known by then.
func (o *outage) admit(now time.Time) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.down {
		return nil
	}
	if now.Before(o.until) {
		return &unwritable{until: now.Add(patience), over: o.over}
	}
	o.until = now.Add(probeTime)
	return nil
}

// failed notes that a write failed at now, and returns the error for it.
func (o *outage) failed(now time.Time, cause error) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.down {
		o.down, o.over = true, make(chan struct{})
		o.backoff.Reset()
	}
	o.until = now.Add(o.backoff.NextBackOff())
	return &unwritable{until: o.until, over: o.over, cause: cause}
}

// worked notes that a write succeeded.
func (o *outage) worked() {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.down {
		o.down = false
		close(o.over)
	}
}
