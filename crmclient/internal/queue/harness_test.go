package queue_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/leadbridge/leadbridge/crmclient/internal/queue"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// policy is one made of a function.
type policy func(now time.Time, w queue.Waiting) (queue.Pick, time.Time, bool)

func (p policy) Next(now time.Time, w queue.Waiting) (queue.Pick, time.Time, bool) { return p(now, w) }

// greedy lets all that waits leave at once, kind by kind, so many in a job.
func greedy(most int) policy {
	return func(_ time.Time, w queue.Waiting) (queue.Pick, time.Time, bool) {
		for kind, n := range w.Count {
			if n > 0 {
				return queue.Pick{Kind: queue.Kind(kind), Most: most}, time.Time{}, true
			}
		}
		return queue.Pick{}, time.Time{}, false
	}
}

// desk is a queue whose jobs a test ends by hand.
type desk struct {
	t     *testing.T
	queue *queue.Queue
	calls sync.WaitGroup

	mu   sync.Mutex
	jobs []*work // in the order in which they began
}

// work is a job at the runner.
type work struct {
	*queue.Job
	began time.Time
	end   chan struct{}
}

// inBubble runs a test with a queue; all calls have to end.
func inBubble(t *testing.T, slots, batch int, p queue.Policy, test func(*desk)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		d := &desk{t: t}
		d.queue = queue.New(slots, batch, p, d.run)
		test(d)
		d.calls.Wait()
		if inFlight, waiting := d.queue.Stats(); waiting != 0 {
			t.Errorf("%d in jobs and %d waiting at the end", inFlight, waiting)
		}
	})
}

func (d *desk) run(j *queue.Job) {
	w := &work{j, time.Now(), make(chan struct{})}
	d.mu.Lock()
	d.jobs = append(d.jobs, w)
	d.mu.Unlock()
	<-w.end
}

// began waits until everything has come to rest and returns the jobs that have begun so far.
func (d *desk) began() []*work {
	synctest.Wait()
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.jobs)
}

// sizes are those of the jobs that have begun so far.
func (d *desk) sizes() []int {
	var sizes []int
	for _, w := range d.began() {
		sizes = append(sizes, len(w.Waiters()))
	}
	return sizes
}

// finish answers all waiters of a job, save those excepted, and ends it.
func (w *work) finish(except ...*queue.Waiter) {
	outcomes := map[*queue.Waiter]any{}
	for _, one := range w.Waiters() {
		if !slices.Contains(except, one) {
			outcomes[one] = one.Payload
		}
	}
	w.Answer(outcomes)
	close(w.end)
}

// got is what a Wait returned.
type got struct {
	outcome any
	err     error
}

// wait runs a Wait beside the test.
func (d *desk) wait(ctx context.Context, stop <-chan struct{}, w *queue.Waiter) <-chan got {
	done := make(chan got, 1)
	d.calls.Go(func() {
		outcome, err := d.queue.Wait(ctx, stop, w)
		done <- got{outcome, err}
	})
	return done
}

// enter starts a Wait and returns when it has its place.
func (d *desk) enter(w *queue.Waiter) <-chan got {
	done := d.wait(d.t.Context(), nil, w)
	synctest.Wait()
	return done
}

// create is a waiter of a fresh event.
func create(n int) *queue.Waiter { return &queue.Waiter{Kind: queue.Fresh, Payload: n} }

// payloads are those of a job's waiters, in its order.
func (w *work) payloads() []int {
	var all []int
	for _, one := range w.Waiters() {
		all = append(all, one.Payload.(int))
	}
	return all
}

func (d *desk) want(what string, done <-chan got, outcome any, err error) {
	d.t.Helper()
	synctest.Wait()
	select {
	case g := <-done:
		if g.outcome != outcome || !errors.Is(g.err, err) {
			d.t.Errorf("%s: %v, %v, want %v, %v", what, g.outcome, g.err, outcome, err)
		}
	default:
		d.t.Errorf("%s: still waits", what)
	}
}
