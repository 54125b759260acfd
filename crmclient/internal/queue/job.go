package queue

import (
	"context"
	"time"
)

// Job is one use of a slot, for waiters that were taken out of the queue together. Its methods are for the runner.
type Job struct {
	Kind Kind
	Tag  any // of the pick

	queue   *Queue
	waiters []*Waiter
	ctx     context.Context // of the job, which outlives no call
	cancel  context.CancelFunc

	lend *time.Timer // nil: its slot is not lent
	lent bool        // another job may use its slot; guarded by the queue's lock
}

func newJob(q *Queue, p Pick, waiters []*Waiter) *Job {
	j := &Job{Kind: p.Kind, Tag: p.Tag, queue: q, waiters: waiters}
	j.ctx, j.cancel = context.WithCancel(context.Background())
	for _, w := range waiters {
		w.job = j
	}
	return j
}

// Context ends when nobody waits for the job any more.
func (j *Job) Context() context.Context { return j.ctx }

// Waiters returns those who wait for the job, in the order in which they were taken; none: the job serves everybody.
func (j *Job) Waiters() []*Waiter { return j.waiters }

// MarkSent marks waiters as sent, and returns those that it marked. It leaves out waiters whose callers have left, or wait for
// nothing but the end of the job: their creates must not be sent.
func (j *Job) MarkSent(waiters []*Waiter) []*Waiter {
	j.queue.mu.Lock()
	defer j.queue.mu.Unlock()
	sent := make([]*Waiter, 0, len(waiters))
	for _, w := range waiters {
		if !w.gone && !w.stopping {
			w.sent = true
			sent = append(sent, w)
		}
	}
	return sent
}

// Answer hands outcomes, none of them nil, to waiters at once, while others of the job may go on.
func (j *Job) Answer(outcomes map[*Waiter]any) {
	j.queue.mu.Lock()
	defer j.queue.mu.Unlock()
	for w, o := range outcomes {
		if !w.answered {
			w.answer(o)
		}
	}
	j.queue.cancelAbandoned()
}

// Answered reports whether the waiter has its answer.
func (j *Job) Answered(w *Waiter) bool {
	j.queue.mu.Lock()
	defer j.queue.mu.Unlock()
	return w.answered
}
