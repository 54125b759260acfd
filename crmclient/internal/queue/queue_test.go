package queue_test

import (
	"slices"
	"testing"
	"time"

	"github.com/leadbridge/leadbridge/crmclient/internal/queue"
)

// What comes while the slots are busy leaves in full jobs, in the order in which it came.
func TestWhatWaitsLeavesTogether(t *testing.T) {
	inBubble(t, 1, 50, greedy(50), func(d *desk) {
		d.enter(create(0))
		for n := range 120 {
			d.enter(create(n + 1))
		}
		next := 0
		for i, want := range []int{1, 50, 50, 20} {
			jobs := d.began()
			if len(jobs) != i+1 {
				t.Fatalf("%d jobs, want %d", len(jobs), i+1)
			}
			for _, n := range jobs[i].payloads() {
				if n != next {
					t.Errorf("job %d is for %d, want %d", i, n, next)
				}
				next++
			}
			if got := len(jobs[i].Waiters()); got != want {
				t.Errorf("job %d of %d, want %d", i, got, want)
			}
			jobs[i].finish()
		}
	})
}

// What comes at once is gathered as far as it has come: how far is up to the scheduler, but the last of it
// never waits for a time, and all else leaves in full jobs.
func TestWhatComesAtOnceIsGathered(t *testing.T) {
	inBubble(t, 1, 50, greedy(50), func(d *desk) {
		begun := time.Now()
		for n := range 500 {
			d.wait(d.t.Context(), nil, create(n))
		}
		left := 500
		for i := 0; left > 0; i++ {
			jobs := d.began()
			if got := len(jobs[i].Waiters()); i > 0 && got != min(50, left) {
				t.Errorf("job %d of %d, while %d waited", i, got, left)
			}
			left -= len(jobs[i].Waiters())
			jobs[i].finish()
		}
		if took := time.Since(begun); took != 0 {
			t.Errorf("it took %v", took)
		}
	})
}

// One alone does not wait for others, and those that come meanwhile wait for the slot only.
func TestOneAloneLeavesAtOnce(t *testing.T) {
	inBubble(t, 1, 50, greedy(50), func(d *desk) {
		begun := time.Now()
		first := d.enter(create(1))
		d.enter(create(2))
		d.enter(create(3))
		if got := d.sizes(); !slices.Equal(got, []int{1}) {
			t.Fatalf("jobs of %v", got)
		}
		d.began()[0].finish()
		d.want("the first", first, 1, nil)
		jobs := d.began()
		if got := jobs[1].payloads(); !slices.Equal(got, []int{2, 3}) || time.Since(begun) != 0 {
			t.Errorf("then %v, after %v", got, time.Since(begun))
		}
		jobs[1].finish()
	})
}

// As many jobs run as there are slots.
func TestSlotsBoundTheJobs(t *testing.T) {
	inBubble(t, 2, 50, greedy(1), func(d *desk) {
		for n := range 5 {
			d.enter(create(n))
		}
		for i := range 5 {
			jobs := d.began()
			if want := min(i+2, 5); len(jobs) != want {
				t.Fatalf("%d jobs after %d have ended, want %d", len(jobs), i, want)
			}
			if got := jobs[i].payloads(); got[0] != i {
				t.Errorf("job %d is for %v: who came first leaves first", i, got)
			}
			if inFlight, waiting := d.queue.Stats(); inFlight != min(2, 5-i) || waiting != max(0, 3-i) || d.queue.Count(queue.Fresh) != waiting {
				t.Errorf("%d in jobs and %d waiting after %d have ended", inFlight, waiting, i)
			}
			jobs[i].finish()
		}
	})
}

// Only waiters of one group share a job, and no more than each of them bears.
func TestGroupsAndBoundsAreKept(t *testing.T) {
	inBubble(t, 1, 50, greedy(3), func(d *desk) {
		d.enter(create(0)) // keeps the slot busy
		for n, w := range []queue.Waiter{
			{Group: "a"}, {Group: "b"}, {Group: "a"}, {Group: "a", Most: 2}, {Group: "a"}, {Group: "a"}, {Group: "a", Most: 2}, {Group: "a", Most: 2}, {Group: "a", Most: 5},
		} {
			w.Kind, w.Payload = queue.Fresh, n+1
			d.enter(&w)
		}
		want := [][]int{{0}, {1, 3, 5}, {2}, {4, 6}, {7, 8}, {9}}
		for i, payloads := range want {
			jobs := d.began()
			if len(jobs) != i+1 || !slices.Equal(jobs[i].payloads(), payloads) {
				t.Fatalf("%d jobs, the last of %v, want %v", len(jobs), jobs[len(jobs)-1].payloads(), payloads)
			}
			jobs[i].finish()
		}
	})
}

// Waiters that cost a request more share jobs: a job of others takes them along only if it is not half full without.
func TestCostlyWaitersAreTakenTogether(t *testing.T) {
	for _, c := range []struct {
		name string
		come string   // the waiters in the order in which they came; c: a costly one
		jobs []string // of four at most, one after another
	}{
		{"few of both", "oc", []string{"oc"}},
		{"half full without", "ooccc", []string{"oocc", "c"}},
		{"more than half full without", "ococo", []string{"ooo", "cc"}},
		{"a costly one is first", "coooo", []string{"cooo", "o"}},
		{"the rest is filled", "coccooo", []string{"ccco", "ooo"}},
		{"mixed", "ocococococ", []string{"oooo", "cccc", "oc"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			inBubble(t, 1, 50, greedy(4), func(d *desk) {
				d.enter(create(0)) // keeps the slot busy
				for _, kind := range c.come {
					d.enter(&queue.Waiter{Kind: queue.Fresh, Payload: 1, Costly: kind == 'c'})
				}
				for i := range len(c.jobs) + 1 {
					jobs := d.began()
					if len(jobs) != i+1 {
						t.Fatalf("%d jobs have begun, want %d", len(jobs), i+1)
					}
					if got := costs(jobs[i]); i > 0 && got != c.jobs[i-1] {
						t.Errorf("job %d has %q, want %q", i, got, c.jobs[i-1])
					}
					jobs[i].finish()
				}
			})
		})
	}
}

// costs are the waiters of a job; c: a costly one.
func costs(w *work) string {
	text := ""
	for _, one := range w.Waiters() {
		if one.Costly {
			text += "c"
		} else {
			text += "o"
		}
	}
	return text
}

// A policy may have the waiter first that came last.
func TestNewestFirst(t *testing.T) {
	newest := func(now time.Time, w queue.Waiting) (queue.Pick, time.Time, bool) {
		p, at, ok := greedy(1)(now, w)
		p.Newest = true
		return p, at, ok
	}
	inBubble(t, 1, 50, policy(newest), func(d *desk) {
		for n := range 4 {
			d.enter(create(n))
		}
		for i, want := range []int{0, 3, 2, 1} {
			jobs := d.began()
			if got := jobs[i].payloads(); got[0] != want {
				t.Errorf("job %d is for %v, want %d", i, got, want)
			}
			jobs[i].finish()
		}
	})
}

// The newest waiter is the one whose event is the youngest, whenever it came.
func TestNewestIsOfTheYoungestEvent(t *testing.T) {
	newest := func(now time.Time, w queue.Waiting) (queue.Pick, time.Time, bool) {
		p, at, ok := greedy(1)(now, w)
		p.Newest = true
		return p, at, ok
	}
	inBubble(t, 1, 50, policy(newest), func(d *desk) {
		begun := time.Now()
		for n, hours := range []int{0, 3, 1, 1, 2} {
			w := create(n)
			w.Made = begun.Add(-time.Duration(hours) * time.Hour)
			d.enter(w)
		}
		for i, want := range []int{0, 3, 2, 4, 1} { // the first has left before the others came
			jobs := d.began()
			if got := jobs[i].payloads(); got[0] != want {
				t.Errorf("job %d is for %v, want %d", i, got, want)
			}
			jobs[i].finish()
		}
	})
}

// Who has no answer when the job ends goes back into the queue, behind the others.
func TestUnansweredGoBack(t *testing.T) {
	inBubble(t, 1, 50, greedy(1), func(d *desk) {
		back := create(1)
		first := d.enter(back)
		second := d.enter(create(2))
		d.began()[0].MarkSent([]*queue.Waiter{back})
		d.began()[0].finish(back)
		if got := d.began()[1].payloads(); got[0] != 2 {
			t.Errorf("then %v", got)
		}
		if d.queue.Sent(back) {
			t.Error("what was sent without an answer took no effect: it is not sent")
		}
		d.began()[1].finish()
		d.want("the second", second, 2, nil)
		d.began()[2].finish()
		d.want("the first", first, 1, nil)
	})
}

// An answer is handed out at once, while others of the job go on.
func TestAnswersComeOneByOne(t *testing.T) {
	inBubble(t, 1, 50, greedy(50), func(d *desk) {
		d.enter(create(0))
		one, two := create(1), create(2)
		first, second := d.enter(one), d.enter(two)
		d.began()[0].finish()
		j := d.began()[1]
		j.Answer(map[*queue.Waiter]any{one: "early"})
		j.Answer(map[*queue.Waiter]any{one: "again"}) // the first answer counts
		d.want("the first", first, "early", nil)
		if !j.Answered(one) || j.Answered(two) || len(second) > 0 {
			t.Error("the other has an answer")
		}
		j.finish()
		d.want("the second", second, 2, nil)
	})
}

// A policy that lets nothing leave is asked again at the time that it names.
func TestPolicyIsAskedAgainByTimer(t *testing.T) {
	var open time.Time
	asked := 0
	inBubble(t, 1, 50, policy(func(now time.Time, w queue.Waiting) (queue.Pick, time.Time, bool) {
		asked++
		if open.IsZero() {
			open = now.Add(90 * time.Second)
		}
		if now.Before(open) {
			return queue.Pick{}, open, false
		}
		return greedy(1)(now, w)
	}), func(d *desk) {
		begun := time.Now()
		done := d.enter(create(1))
		time.Sleep(2 * time.Minute)
		jobs := d.began()
		if len(jobs) != 1 || jobs[0].began.Sub(begun) != 90*time.Second || asked != 2 {
			t.Fatalf("%d jobs, asked %d times", len(jobs), asked)
		}
		jobs[0].finish()
		d.want("it", done, 1, nil)
	})
}

// Poke has the policy asked at once.
func TestPoke(t *testing.T) {
	open := false
	inBubble(t, 1, 50, policy(func(now time.Time, w queue.Waiting) (queue.Pick, time.Time, bool) {
		if !open {
			return queue.Pick{}, time.Time{}, false
		}
		return greedy(1)(now, w)
	}), func(d *desk) {
		d.enter(create(1))
		time.Sleep(time.Hour)
		if n := len(d.began()); n != 0 {
			t.Errorf("%d jobs", n)
		}
		open = true
		d.queue.Poke()
		jobs := d.began()
		if len(jobs) != 1 {
			t.Fatalf("%d jobs", len(jobs))
		}
		jobs[0].finish()
	})
}

// The policy sees how many wait and run, and since when.
func TestPolicySeesTheQueue(t *testing.T) {
	var seen queue.Waiting
	inBubble(t, 2, 50, policy(func(now time.Time, w queue.Waiting) (queue.Pick, time.Time, bool) {
		seen = w
		if w.InFlight[queue.Fresh] > 0 {
			return queue.Pick{}, time.Time{}, false
		}
		return greedy(1)(now, w)
	}), func(d *desk) {
		begun := time.Now()
		d.enter(create(1))
		for n := range 3 {
			time.Sleep(time.Second)
			d.enter(&queue.Waiter{Kind: queue.Tried, Payload: n})
		}
		if seen.InFlight != [queue.Kinds]int{queue.Fresh: 1} || seen.Count != [queue.Kinds]int{queue.Tried: 3} || !seen.Any() ||
			seen.Oldest[queue.Tried].Sub(begun) != time.Second || seen.Newest[queue.Tried].Sub(begun) != 3*time.Second {
			t.Errorf("the policy sees %+v", seen)
		}
		for i := range 4 {
			d.began()[i].finish()
		}
	})
}

// A waiter that went back into the queue stands behind those that came later. The policy sees when each came all the same.
func TestPolicySeesWhenThoseThatWentBackCame(t *testing.T) {
	var seen queue.Waiting
	inBubble(t, 1, 50, policy(func(now time.Time, w queue.Waiting) (queue.Pick, time.Time, bool) {
		if w.Count[queue.Fresh] == 2 {
			seen = w
		}
		return greedy(1)(now, w)
	}), func(d *desk) {
		begun := time.Now()
		back := create(1)
		d.enter(back)
		job := d.began()[0]
		time.Sleep(time.Second)
		d.enter(create(2))
		job.finish(back)
		if n := len(d.began()); n != 2 {
			t.Fatalf("%d jobs", n)
		}
		if oldest := seen.Oldest[queue.Fresh].Sub(begun); oldest != 0 {
			t.Errorf("the oldest came after %v, want 0", oldest)
		}
		if newest := seen.Newest[queue.Fresh].Sub(begun); newest != time.Second {
			t.Errorf("the newest came after %v, want 1s", newest)
		}
		d.began()[1].finish()
		d.began()[2].finish()
	})
}

// Those that are not Later get their part of the places while both wait, and what one group leaves is the other's.
func TestLaterOnesGetWhatIsLeft(t *testing.T) {
	part := func(_ time.Time, w queue.Waiting) (queue.Pick, time.Time, bool) {
		return queue.Pick{Kind: queue.Fresh, Most: 10, First: .8}, time.Time{}, w.Count[queue.Fresh] > 0
	}
	inBubble(t, 1, 10, policy(part), func(d *desk) {
		d.enter(create(-1)) // keeps the slot until all have come
		for n := range 30 {
			w := create(n)
			w.Later = true
			d.enter(w)
		}
		for n := range 20 {
			d.enter(create(100 + n))
		}
		next := map[bool]int{false: 100} // by whether they are later: each group keeps its order
		for i, wantSooner := range []int{0, 8, 8, 4, 0, 0} {
			j := d.began()[i]
			if i == 0 {
				j.finish()
				continue
			}
			sooner := 0
			for _, n := range j.payloads() {
				later := n < 100
				if !later {
					sooner++
				}
				if n != next[later] {
					t.Errorf("job %d is for %d, want %d", i, n, next[later])
				}
				next[later]++
			}
			if len(j.payloads()) != 10 || sooner != wantSooner {
				t.Errorf("job %d of %d has %d that are not later, want %d", i, len(j.payloads()), sooner, wantSooner)
			}
			j.finish()
		}
	})
}

// Where requests have one place each, the later ones get theirs as well.
func TestLaterOnesGetTheirTurnsOneByOne(t *testing.T) {
	part := func(_ time.Time, w queue.Waiting) (queue.Pick, time.Time, bool) {
		return queue.Pick{Kind: queue.Fresh, Most: 1, First: .5}, time.Time{}, w.Count[queue.Fresh] > 0
	}
	inBubble(t, 1, 1, policy(part), func(d *desk) {
		d.enter(create(-1))
		for n := range 3 {
			w := create(n)
			w.Later = true
			d.enter(w)
		}
		for n := range 3 {
			d.enter(create(100 + n))
		}
		var order []int
		for i := range 7 {
			j := d.began()[i]
			order = append(order, j.payloads()...)
			j.finish()
		}
		if want := []int{-1, 100, 0, 101, 1, 102, 2}; !slices.Equal(order, want) {
			t.Errorf("left in the order %v, want %v", order, want)
		}
	})
}

// A job that waiters of one kind alone can share takes no turn from those that cannot, whether that is for their group or
// for what they cost.
func TestLaterOnesThatShareNoJobGetTheirTurns(t *testing.T) {
	part := func(_ time.Time, w queue.Waiting) (queue.Pick, time.Time, bool) {
		return queue.Pick{Kind: queue.Fresh, Most: 4, First: .5}, time.Time{}, w.Count[queue.Fresh] > 0
	}
	for _, c := range []struct {
		name  string
		later queue.Waiter
	}{
		{"of another group", queue.Waiter{Group: "b"}},
		{"costly", queue.Waiter{Costly: true}},
	} {
		t.Run(c.name, func(t *testing.T) {
			inBubble(t, 1, 20, policy(part), func(d *desk) {
				d.enter(create(-1)) // keeps the slot until all have come
				for n := range 8 {
					w := c.later
					w.Kind, w.Later, w.Payload = queue.Fresh, true, n
					d.enter(&w)
				}
				for n := range 8 {
					d.enter(create(100 + n))
				}
				want := [][]int{{-1}, {100, 101, 102, 103}, {0, 1, 2, 3}, {104, 105, 106, 107}, {4, 5, 6, 7}}
				for i, payloads := range want {
					j := d.began()[i]
					if !slices.Equal(j.payloads(), payloads) {
						t.Errorf("job %d is for %v, want %v", i, j.payloads(), payloads)
					}
					j.finish()
				}
			})
		})
	}
}
