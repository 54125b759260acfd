// Package queue lets callers wait for their turn. It hands what waits to a runner, in as few
// jobs as possible, over a bounded number of slots. It knows nothing of requests and their
// limits: a Policy says what may leave, and when.
package queue

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/leadbridge/leadbridge/internal/share"
)

// Kind is what a waiter waits for.
type Kind int

// The kinds of waiters.
const (
	Prepare     Kind = iota // to know the portal
	Fresh                   // a create of an event of which no create was judged before
	LookUp                  // a look-up of an event
	Tried                   // a create of an event of which an earlier create took no effect
	Extra                   // a create of a comment, or a change of a card, which waits behind those of objects
	ExtraLookUp             // a look-up of one of these
	Kinds                   // how many kinds there are
)

// ErrStopped is returned by Wait after stop was closed, when no job had the waiter in hand.
var ErrStopped = errors.New("stopped")

// Policy decides what leaves. It is asked with the queue's lock held and must not call the queue.
type Policy interface {
	// Next returns the job to start now. If ok, the job is started, and its cost counts as spent.
	// Otherwise at says when to ask again; zero: not before something enters the queue or ends.
	Next(now time.Time, w Waiting) (p Pick, at time.Time, ok bool)
}

// Waiting is what a policy sees of the queue.
type Waiting struct {
	Count    [Kinds]int       // waiters
	InFlight [Kinds]int       // jobs, save those whose slot is lent
	Oldest   [Kinds]time.Time // when the first of the waiters came; zero if none waits
	Newest   [Kinds]time.Time // when the last of the waiters came; zero if none waits
}

// Any reports whether anybody waits.
func (w Waiting) Any() bool { return w.Count != [Kinds]int{} }

// Pick is the next job.
type Pick struct {
	Kind   Kind
	Most   int  // how many waiters the job may have; 0: it has none and serves everybody
	Newest bool // the newest waiter goes first, see Waiter.Made; false: First decides
	// First is the share of the job's places, 0 to 1, for waiters that are not Later, while waiters of both sorts wait. 0:
	// the order in which they came decides.
	First float64
	Tag   any // handed to the runner with the job
	// Lend is after how long the job's slot is lent to other jobs, so that a request that hangs
	// does not keep them waiting. 0: never.
	Lend time.Duration
}

// Waiter is one thing that a caller waits for.
type Waiter struct {
	Kind    Kind
	Group   any       // comparable; only waiters of one group share a job
	Most    int       // how many waiters its job may have, itself included; 0: the waiter sets no limit
	Made    time.Time // when its event was recorded; for Pick.Newest, which among equal times takes the waiter that came last
	Later   bool      // it gets the share of places that Pick.First leaves; false: it gets the share of Pick.First
	Payload any       // for the runner
	// Costly says that a job with this waiter takes one request more, however many costly waiters it has. So costly waiters
	// are put together: none joins a job that others fill more than half. False: the waiter takes no such request.
	Costly bool

	since time.Time
	reply chan struct{} // closed with the outcome set

	// Guarded by the queue's lock, as all below.
	outcome  any
	answered bool
	sent     bool // its job has marked it as sent
	gone     bool // its caller does not wait any more
	stopping bool // its caller waits for the job at hand only
	job      *Job // nil: it is in the queue
}

// Queue is safe for concurrent use. There is no goroutine in an idle one.
type Queue struct {
	policy Policy
	run    func(*Job)
	batch  int // as many waiters fill a job, so that no more are waited for
	slots  int // how many jobs may run at once, without those whose slots are lent

	mu         sync.Mutex // guards everything below
	waiters    [Kinds][]*Waiter
	turns      [Kinds]share.Turns // between the waiters that are Later and those that are not
	jobs       map[*Job]struct{}
	free       int  // slots in which a job can start
	lent       int  // slots of jobs that take long, used by other jobs meanwhile
	scheduling bool // a goroutine of schedule runs
	timer      *time.Timer
}

// New makes a queue over so many slots. run works on a job in a goroutine of its own and may
// answer its waiters; those without an answer go back into the queue. batch is how many
// waiters fill a job.
func New(slots, batch int, p Policy, run func(*Job)) *Queue {
	q := &Queue{policy: p, run: run, batch: batch, slots: slots, free: slots, jobs: map[*Job]struct{}{}}
	q.timer = time.AfterFunc(time.Hour, q.Poke)
	q.timer.Stop()
	return q
}

// Poke has the policy asked again: what it decides by has changed.
func (q *Queue) Poke() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.start()
}

// Stats returns how many waiters are in jobs, and how many are not.
func (q *Queue) Stats() (inFlight, waiting int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for j := range q.jobs {
		inFlight += len(j.waiters)
	}
	for _, w := range q.waiters {
		waiting += len(w)
	}
	return inFlight, waiting
}

// Count returns how many waiters of a kind are not in jobs.
func (q *Queue) Count(k Kind) int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.waiters[k])
}

// Wait blocks until a job has answered the waiter, and returns the answer. When ctx ends before,
// it returns at once; a job that nobody waits for any more is cancelled. After stop was closed it
// waits for a job that has the waiter in hand, and for nothing else.
func (q *Queue) Wait(ctx context.Context, stop <-chan struct{}, w *Waiter) (any, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	select {
	case <-stop:
		return nil, ErrStopped
	default:
	}
	q.enter(w)
	for {
		select {
		case <-w.reply:
			if w.outcome == nil { // the job ended without an answer, after stop
				return nil, ErrStopped
			}
			return w.outcome, nil
		case <-stop:
			stop = nil
			if !q.finishJob(w) {
				return q.leave(w, ErrStopped)
			}
		case <-ctx.Done():
			return q.leave(w, ctx.Err())
		}
	}
}

func (q *Queue) enter(w *Waiter) {
	q.mu.Lock()
	defer q.mu.Unlock()
	w.reply, w.since = make(chan struct{}), time.Now()
	q.waiters[w.Kind] = append(q.waiters[w.Kind], w)
	q.schedule()
}

// finishJob reports whether a job has the waiter in hand, and if so, lets the waiter end with that job: it
// does not go back into the queue. A job has a look-up in hand, a create that was marked as sent, and an extra
// always, as the job may be reading the event with which the extra's caller would go on.
func (q *Queue) finishJob(w *Waiter) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	w.stopping = w.answered || w.job != nil && (w.Kind == LookUp || w.Kind == ExtraLookUp || w.Kind == Extra || w.sent)
	return w.stopping
}

// leave takes a waiter out of the queue. It returns an answer that came meanwhile; otherwise why.
func (q *Queue) leave(w *Waiter, why error) (any, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if w.answered && w.outcome != nil {
		return w.outcome, nil
	}
	w.gone = true
	if w.job == nil {
		q.waiters[w.Kind] = slices.DeleteFunc(q.waiters[w.Kind], func(o *Waiter) bool { return o == w })
	}
	q.cancelAbandoned()
	q.start()
	return nil, why
}

// Sent reports whether a job has marked the waiter as sent. It is final once Wait has returned.
func (q *Queue) Sent(w *Waiter) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return w.sent
}

// cancelAbandoned cancels the jobs that nobody waits for. A job without waiters serves everybody: it is cancelled when the queue
// is empty.
func (q *Queue) cancelAbandoned() {
	anybody := slices.ContainsFunc(q.waiters[:], func(w []*Waiter) bool { return len(w) > 0 })
	for j := range q.jobs {
		waits := slices.ContainsFunc(j.waiters, func(w *Waiter) bool { return !w.gone && !w.answered })
		if !waits && (len(j.waiters) > 0 || !anybody) {
			j.cancel()
		}
	}
}

// settledReadings is how often in a row the number of waiters must be unchanged. Then all that are about to come have come.
const settledReadings = 3

// schedule starts jobs once the waiters that are about to come have come, so that a job takes them along.
// It does not sleep, it only yields to goroutines that can run.
func (q *Queue) schedule() {
	if q.free == 0 || q.scheduling {
		return
	}
	q.scheduling = true
	go func() {
		before, same := -1, 0 // readings of how many wait
		for {
			runtime.Gosched()
			q.mu.Lock()
			// Look-ups are not counted: the policy itself decides how long they wait for further ones.
			n := len(q.waiters[Fresh]) + len(q.waiters[Tried]) + len(q.waiters[Extra])
			if n == before {
				same++
			} else {
				before, same = n, 0
			}
			if same == settledReadings || n >= q.batch {
				q.scheduling = false
				q.start()
				q.mu.Unlock()
				return
			}
			q.mu.Unlock()
		}
	}()
}

// start starts what may leave now and sets the timer for what may leave later.
func (q *Queue) start() {
	q.timer.Stop()
	for q.free > 0 {
		w := q.waiting()
		if !w.Any() {
			return
		}
		now := time.Now()
		p, at, ok := q.policy.Next(now, w)
		if !ok {
			if !at.IsZero() {
				q.timer.Reset(max(at.Sub(now), time.Millisecond))
			}
			return
		}
		j := newJob(q, p, q.take(p))
		q.free--
		q.jobs[j] = struct{}{}
		if p.Lend > 0 {
			j.lend = time.AfterFunc(p.Lend, func() { q.lend(j) })
		}
		go q.work(j)
	}
}

// lend lets another job use the slot of a job that takes long. At most 2*slots slots are lent at once.
func (q *Queue) lend(j *Job) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if _, running := q.jobs[j]; !running || q.lent >= 2*q.slots {
		return
	}
	j.lent = true
	q.lent++
	q.free++
	q.start()
}

// giveBack frees the slot of a job that ended, unless the slot was lent and has been free since.
func (q *Queue) giveBack(j *Job) {
	delete(q.jobs, j)
	if j.lend != nil {
		j.lend.Stop()
	}
	if j.lent {
		q.lent--
		return
	}
	q.free++
}

func (q *Queue) waiting() Waiting {
	var w Waiting
	for k, waiters := range q.waiters {
		w.Count[k] = len(waiters)
		for i, one := range waiters { // those that went back into the queue stand behind others that came later
			if i == 0 || one.since.Before(w.Oldest[k]) {
				w.Oldest[k] = one.since
			}
			if i == 0 || one.since.After(w.Newest[k]) {
				w.Newest[k] = one.since
			}
		}
	}
	for j := range q.jobs {
		if !j.lent {
			w.InFlight[j.Kind]++
		}
	}
	return w
}

// take takes waiters of one group off the queue.
func (q *Queue) take(p Pick) []*Waiter {
	queue := q.waiters[p.Kind]
	if p.Most == 0 || len(queue) == 0 {
		return nil
	}
	turns := &q.turns[p.Kind]
	var first *Waiter
	if p.Newest {
		first, p.First = newest(queue), 0
	} else {
		first = queue[inTurn(queue, p.First, turns, func(*Waiter) bool { return true })]
	}
	queue = slices.DeleteFunc(queue, func(w *Waiter) bool { return w == first })
	most := first.bound(p.Most)
	taken := append(make([]*Waiter, 0, min(most, len(queue)+1)), first)
	takeAlong := func(costly bool) {
		fits := func(w *Waiter) bool {
			return w.Costly == costly && w.Group == first.Group && len(taken) < w.bound(most)
		}
		for i := inTurn(queue, p.First, turns, fits); i >= 0; i = inTurn(queue, p.First, turns, fits) {
			most = queue[i].bound(most) // each waiter that is taken may lower it
			taken = append(taken, queue[i])
			queue = slices.Delete(queue, i, i+1)
		}
	}
	takeAlong(first.Costly)
	if first.Costly || len(taken) <= most/2 {
		takeAlong(!first.Costly)
	}
	q.waiters[p.Kind] = queue
	return taken
}

// inTurn returns the index of the waiter that gets the next place of a job, among those that fit; -1 if none does. While
// waiters of both sorts fit, those that are not Later get this part of the turns, 0 to 1; 0: the order in which they came
// decides. A Later waiter that does not fit costs its side no turn.
func inTurn(queue []*Waiter, part float64, turns *share.Turns, fits func(*Waiter) bool) int {
	if part == 0 {
		return slices.IndexFunc(queue, fits)
	}
	sooner := slices.IndexFunc(queue, func(w *Waiter) bool { return !w.Later && fits(w) })
	later := slices.IndexFunc(queue, func(w *Waiter) bool { return w.Later && fits(w) })
	if later < 0 || sooner >= 0 && turns.First(part) {
		return sooner
	}
	return later
}

// newest returns the waiter with the latest Made; of several the one that came last.
func newest(waiters []*Waiter) *Waiter {
	last := waiters[0]
	for _, w := range waiters[1:] {
		if !w.Made.Before(last.Made) {
			last = w
		}
	}
	return last
}

// bound returns most, or w.Most if that is smaller and not 0.
func (w *Waiter) bound(most int) int {
	if w.Most > 0 {
		return min(most, w.Most)
	}
	return most
}

// work runs a job and gives its slot back.
func (q *Queue) work(j *Job) {
	q.run(j)
	j.cancel()
	q.mu.Lock()
	defer q.mu.Unlock()
	q.giveBack(j)
	for _, w := range j.waiters {
		w.job = nil
		if w.answered || w.gone {
			continue
		}
		w.sent = false // run answers whatever may have taken effect
		if w.stopping {
			w.answer(nil)
			continue
		}
		q.waiters[w.Kind] = append(q.waiters[w.Kind], w)
	}
	q.schedule()
}

// answer ends the waiter's Wait with an outcome; nil: the job ended without an answer, after stop.
func (w *Waiter) answer(outcome any) {
	w.answered, w.outcome = true, outcome
	close(w.reply)
}
