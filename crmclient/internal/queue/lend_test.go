package queue_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/leadbridge/leadbridge/crmclient/internal/queue"
)

// lending lets each job leave alone and lends its slot after a while.
func lending(after time.Duration) policy {
	return func(now time.Time, w queue.Waiting) (queue.Pick, time.Time, bool) {
		p, at, ok := greedy(1)(now, w)
		p.Lend = after
		return p, at, ok
	}
}

// The slot of a job that takes long is lent to others, but no more than twice as many as there are.
func TestSlotsOfHangingJobsAreLent(t *testing.T) {
	for _, slots := range []int{1, 2} {
		inBubble(t, slots, 50, lending(5*time.Second), func(d *desk) {
			begun := time.Now()
			for n := range 20 {
				d.enter(create(n))
			}
			time.Sleep(time.Hour)
			jobs := d.began()
			if len(jobs) != 3*slots {
				t.Fatalf("%d jobs hang with %d slots, want %d", len(jobs), slots, 3*slots)
			}
			for i, j := range jobs {
				if want := time.Duration(i/slots) * 5 * time.Second; j.began.Sub(begun) != want {
					t.Errorf("job %d began after %v, want %v", i, j.began.Sub(begun), want)
				}
			}
			// When they end, as many run as there are slots.
			for _, j := range jobs {
				j.finish()
			}
			if n := len(d.began()) - len(jobs); n != slots {
				t.Errorf("%d jobs run then, want %d", n, slots)
			}
			for i := len(jobs); i < 20; i++ {
				d.began()[i].finish()
			}
		})
	}
}

// A job that ends in time lends nothing, and a slot that was lent is no slot more afterwards.
func TestSlotsAreGivenBack(t *testing.T) {
	inBubble(t, 1, 50, lending(5*time.Second), func(d *desk) {
		for n := range 6 {
			d.enter(create(n))
		}
		time.Sleep(5*time.Second - time.Millisecond)
		d.began()[0].finish()
		time.Sleep(2 * time.Millisecond)
		if n := len(d.began()); n != 2 {
			t.Fatalf("%d jobs, the first of which ended in time", n)
		}
		time.Sleep(5 * time.Second) // the second lends its slot to the third
		if n := len(d.began()); n != 3 {
			t.Fatalf("%d jobs, the second of which hangs", n)
		}
		d.began()[1].finish()
		if n := len(d.began()); n != 3 {
			t.Errorf("%d jobs: the slot that was lent was given back twice", n)
		}
		for i := 2; i < 6; i++ {
			d.began()[i].finish()
			if n := len(d.began()); n != min(i+2, 6) {
				t.Errorf("%d jobs after %d have ended", n, i+1)
			}
		}
	})
}

// A job whose slot is lent does not count as in flight: the policy decides as if it were not there.
func TestLentJobsAreNotInFlight(t *testing.T) {
	var seen queue.Waiting
	p := policy(func(now time.Time, w queue.Waiting) (queue.Pick, time.Time, bool) {
		seen = w
		return lending(time.Second)(now, w)
	})
	inBubble(t, 1, 50, p, func(d *desk) {
		d.enter(create(1))
		d.enter(create(2))
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if seen.InFlight != [queue.Kinds]int{} {
			t.Errorf("in flight %v when the second left", seen.InFlight)
		}
		for _, j := range d.began() {
			j.finish()
		}
	})
}
