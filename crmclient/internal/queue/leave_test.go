package queue_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leadbridge/leadbridge/crmclient/internal/queue"
)

// Who is told to leave before it comes has no place in the queue.
func TestLeaveBeforeEntering(t *testing.T) {
	inBubble(t, 1, 50, greedy(50), func(d *desk) {
		ctx, cancel := context.WithCancel(d.t.Context())
		cancel()
		d.want("with an ended context", d.wait(ctx, nil, create(1)), nil, context.Canceled)
		stop := make(chan struct{})
		close(stop)
		d.want("with a closed stop", d.wait(d.t.Context(), stop, create(1)), nil, queue.ErrStopped)
		if n := len(d.began()); n != 0 {
			t.Errorf("%d jobs", n)
		}
	})
}

// leaver is how a caller leaves.
type leaver struct {
	ctx    context.Context
	stop   chan struct{}
	leave  func()
	reason error
}

// leavers are the ways to leave.
var leavers = map[string]func(context.Context) leaver{
	"ctx": func(parent context.Context) leaver {
		ctx, cancel := context.WithCancel(parent)
		return leaver{ctx, nil, cancel, context.Canceled}
	},
	"stop": func(parent context.Context) leaver {
		stop := make(chan struct{})
		return leaver{parent, stop, func() { close(stop) }, queue.ErrStopped}
	},
}

// Who leaves while it waits for its turn leaves at once, and no job takes it along.
func TestLeaveTheQueue(t *testing.T) {
	for name, newLeaver := range leavers {
		t.Run(name, func(t *testing.T) {
			inBubble(t, 1, 50, greedy(50), func(d *desk) {
				l := newLeaver(d.t.Context())
				d.enter(create(0))
				done := d.wait(l.ctx, l.stop, create(1))
				d.enter(create(2))
				l.leave()
				d.want("who leaves", done, nil, l.reason)
				if n := d.queue.Count(queue.Fresh); n != 1 {
					t.Errorf("%d wait", n)
				}
				d.began()[0].finish()
				if got := d.began()[1].payloads(); len(got) != 1 || got[0] != 2 {
					t.Errorf("the next job is for %v", got)
				}
				d.began()[1].finish()
			})
		})
	}
}

// After stop a job that has the waiter in hand is waited for: a look-up, or a create that was marked as
// sent. One that prepares a create that has not left is not.
func TestStopWaitsForWhatIsInHand(t *testing.T) {
	for name, test := range map[string]struct {
		kind         queue.Kind
		sent, answer bool
		waits        bool
		err          error
	}{
		"look-up":                      {queue.LookUp, false, true, true, nil},
		"look-up without an answer":    {queue.LookUp, false, false, true, queue.ErrStopped},
		"create, sent":                 {queue.Fresh, true, true, true, nil},
		"tried, sent":                  {queue.Tried, true, true, true, nil},
		"create, sent, no answer":      {queue.Fresh, true, false, true, queue.ErrStopped},
		"create, not sent":             {queue.Fresh, false, false, false, queue.ErrStopped},
		"who waits to know the portal": {queue.Prepare, false, false, false, queue.ErrStopped},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, 1, 50, greedy(50), func(d *desk) {
				stop := make(chan struct{})
				w := &queue.Waiter{Kind: test.kind, Payload: 1}
				done := d.wait(d.t.Context(), stop, w)
				j := d.began()[0]
				if test.sent {
					j.MarkSent(j.Waiters())
				}
				close(stop)
				synctest.Wait()
				if waits := len(done) == 0; waits != test.waits {
					t.Fatalf("waits for the job: %v", waits)
				}
				if test.waits && j.Context().Err() != nil {
					t.Error("the job that is waited for was cancelled")
				}
				var except []*queue.Waiter
				outcome := any(1)
				if !test.answer {
					except, outcome = append(except, w), nil
				}
				j.finish(except...)
				d.want("who stops", done, outcome, test.err)
				if n := len(d.began()); n != 1 {
					t.Errorf("%d jobs: it went back into the queue", n)
				}
			})
		})
	}
}

// A job that nobody waits for any more is cancelled; one that somebody waits for is not.
func TestAbandonedJobIsCancelled(t *testing.T) {
	inBubble(t, 1, 50, greedy(50), func(d *desk) {
		d.enter(create(0))
		one, stopOne := context.WithCancel(d.t.Context())
		two, stopTwo := context.WithCancel(d.t.Context())
		first, second := d.wait(one, nil, create(1)), d.wait(two, nil, create(2))
		synctest.Wait()
		d.began()[0].finish()
		j := d.began()[1]
		stopOne()
		d.want("the first", first, nil, context.Canceled)
		if j.Context().Err() != nil {
			t.Error("cancelled while the second waits")
		}
		stopTwo()
		d.want("the second", second, nil, context.Canceled)
		if j.Context().Err() == nil {
			t.Error("goes on though nobody waits")
		}
		close(j.end)
	})
}

// A job whose last waiter gets its answer after the others have left is cancelled, too.
func TestJobEndsWithItsLastAnswer(t *testing.T) {
	inBubble(t, 1, 50, greedy(50), func(d *desk) {
		ctx, cancel := context.WithCancel(d.t.Context())
		d.enter(create(0))
		stays := create(2)
		d.wait(ctx, nil, create(1))
		d.enter(stays)
		d.began()[0].finish()
		j := d.began()[1]
		cancel()
		synctest.Wait()
		j.Answer(map[*queue.Waiter]any{stays: 2})
		if j.Context().Err() == nil {
			t.Error("goes on though nobody waits")
		}
		close(j.end)
	})
}

// A job that takes no waiter along serves all of them: it is cancelled when nobody waits at all.
func TestJobForEverybody(t *testing.T) {
	forAll := func(_ time.Time, w queue.Waiting) (queue.Pick, time.Time, bool) {
		return queue.Pick{Kind: queue.Prepare}, time.Time{}, w.Any() && w.InFlight[queue.Prepare] == 0
	}
	inBubble(t, 2, 50, policy(forAll), func(d *desk) {
		one, stopOne := context.WithCancel(d.t.Context())
		two, stopTwo := context.WithCancel(d.t.Context())
		d.wait(one, nil, create(1))
		d.wait(two, nil, &queue.Waiter{Kind: queue.LookUp, Payload: 2})
		j := d.began()[0]
		stopOne()
		synctest.Wait()
		if len(j.Waiters()) != 0 || j.Context().Err() != nil {
			t.Errorf("job of %d, cancelled: %v", len(j.Waiters()), j.Context().Err())
		}
		stopTwo()
		synctest.Wait()
		if j.Context().Err() == nil {
			t.Error("goes on though nobody waits")
		}
		close(j.end)
		if n := len(d.began()); n != 1 {
			t.Errorf("%d jobs", n)
		}
	})
}

// Who has left is not sent, and who was sent and leaves is told so.
func TestSent(t *testing.T) {
	inBubble(t, 1, 50, greedy(50), func(d *desk) {
		d.enter(create(0))
		one, stopOne := context.WithCancel(d.t.Context())
		two, stopTwo := context.WithCancel(d.t.Context())
		gone, sent, stays := create(1), create(2), create(3)
		first, second := d.wait(one, nil, gone), d.wait(two, nil, sent)
		third := d.enter(stays)
		d.began()[0].finish()
		j := d.began()[1]
		stopOne()
		d.want("who leaves before", first, nil, context.Canceled)
		if got := j.MarkSent(j.Waiters()); len(got) != 2 {
			t.Errorf("%d are sent, want all but the one that left", len(got))
		}
		stopTwo()
		d.want("who leaves after", second, nil, context.Canceled)
		if d.queue.Sent(gone) || !d.queue.Sent(sent) {
			t.Errorf("sent: %v, %v, want false, true", d.queue.Sent(gone), d.queue.Sent(sent))
		}
		j.finish()
		d.want("who stays", third, 3, nil)
	})
}

// The caller of a comment that is told to stop goes on only when the job that reads its event has ended, and without a request.
func TestStoppedCommentIsNotSent(t *testing.T) {
	inBubble(t, 1, 50, greedy(50), func(d *desk) {
		stop := make(chan struct{})
		w := &queue.Waiter{Kind: queue.Extra, Payload: 1}
		done := d.wait(d.t.Context(), stop, w)
		j := d.began()[0]
		close(stop)
		synctest.Wait()
		if len(done) > 0 {
			t.Fatal("it left while a job had it in hand")
		}
		if sent := j.MarkSent(j.Waiters()); len(sent) != 0 {
			t.Error("it is sent after the stop")
		}
		j.finish(w)
		d.want("after the job", done, nil, queue.ErrStopped)
		if d.queue.Sent(w) {
			t.Error("it counts as sent")
		}
	})
}
