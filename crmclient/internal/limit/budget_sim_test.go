package limit

import (
	"math/rand/v2"
	"testing"
	"time"
)

// simPlatform is the CRM's window of a minute and the portal's limit of a second.
type simPlatform struct {
	perMinute, perSecond int
	minute, second       []time.Time
	throttled, over      int
}

func within(times []time.Time, window time.Duration, now time.Time) []time.Time {
	for len(times) > 0 && now.Sub(times[0]) >= window {
		times = times[1:]
	}
	return times
}

// request counts a request and returns its answer.
func (p *simPlatform) request(now time.Time) (r RateLimit, ok bool) {
	p.minute, p.second = within(p.minute, time.Minute, now), within(p.second, time.Second, now)
	if ok = len(p.minute) < p.perMinute; ok {
		p.minute = append(p.minute, now)
	} else {
		p.throttled++
	}
	if p.second = append(p.second, now); len(p.second) > p.perSecond {
		p.over++
	}
	reset := max(1, p.minute[0].Add(time.Minute).Sub(now).Seconds())
	return RateLimit{float64(p.perMinute), float64(p.perMinute - len(p.minute)), reset}, ok
}

// simProcess wants to send every so often.
type simProcess struct {
	budget *Budget
	every  time.Duration // between two events; 0: always more to send
	wants  time.Time     // when the next event is there
	deaf   bool          // does not wait after a 429
	sent   []time.Time
	passed int       // requests that were not throttled
	at     time.Time // when it sends next; the zero time: not known
}

func (p *simProcess) next(now time.Time) time.Time {
	if p.at.IsZero() || !p.at.After(now) {
		at := later(p.wants, now)
		p.at = later(at, p.budget.At(at))
	}
	return p.at
}

// simReply is a request on its way: it arrives, then its answer does.
type simReply struct {
	at      time.Time
	of      *simProcess
	answer  RateLimit
	ok      bool
	arrived bool
}

// run lets the processes send until a time. Requests take up to 50 ms, answers up to a second.
func run(p *simPlatform, processes []*simProcess, now, end time.Time, rng *rand.Rand) {
	var air []*simReply
	for now.Before(end) {
		at := end
		var sender *simProcess
		for _, c := range processes {
			if next := c.next(now); next.Before(at) {
				at, sender = next, c
			}
		}
		first := -1
		for i, r := range air {
			if !r.at.After(at) {
				at, first = r.at, i
			}
		}
		now = at
		switch {
		case first >= 0 && !air[first].arrived:
			r := air[first]
			r.arrived = true
			r.answer, r.ok = p.request(now)
			r.at = now.Add(time.Duration(rng.Int64N(int64(time.Second))))
		case first >= 0:
			r := air[first]
			air = append(air[:first], air[first+1:]...)
			r.of.at = time.Time{}
			r.of.budget.Hear(r.answer, now)
			if r.ok {
				r.of.passed++
			} else if !r.of.deaf {
				r.of.budget.Throttled(time.Duration(r.answer.Reset*float64(time.Second)), rng.Float64(), now)
			}
		case sender != nil:
			sender.at = time.Time{}
			sender.budget.Take(now)
			sender.sent = append(sender.sent, now)
			sender.wants = later(sender.wants, noon).Add(sender.every)
			air = append(air, &simReply{at: now.Add(time.Duration(rng.Int64N(int64(50 * time.Millisecond)))), of: sender})
		}
	}
}

func simulated(n int, share float64, every func(i int) time.Duration) []*simProcess {
	processes := make([]*simProcess, n)
	for i := range processes {
		processes[i] = &simProcess{budget: withShare(300, 10, share), every: every(i), wants: noon}
	}
	return processes
}

const never = 24 * time.Hour

// Requests that are delayed on their way keep the limit of a strict sliding second.
func TestBurstAndPaceStayInsideTheSecond(t *testing.T) {
	for seed := range uint64(200) {
		rng := rand.New(rand.NewPCG(seed, 13))
		p := &simPlatform{perMinute: 1 << 20, perSecond: 1 + rng.IntN(20)}
		b := NewBudget(0, float64(p.perSecond))
		process := &simProcess{budget: b, wants: noon}
		for from := noon; from.Before(noon.Add(2 * time.Minute)); {
			to := from.Add(time.Duration(rng.Int64N(int64(10 * time.Second))))
			run(p, []*simProcess{process}, from, to, rng)
			from = to.Add(time.Duration(rng.Int64N(int64(5 * time.Second)))) // idle
		}
		if p.over > 0 {
			t.Errorf("seed %d, %d a second: %d requests too many", seed, p.perSecond, p.over)
		}
	}
}

// One busy process of ten uses what the others leave.
func TestOneBusyProcessOfTenUsesTheWholeLimit(t *testing.T) {
	for seed := range uint64(100) {
		rng := rand.New(rand.NewPCG(seed, 16))
		p := &simPlatform{perMinute: 300, perSecond: 10}
		processes := simulated(10, .1, func(i int) time.Duration {
			if i == 0 {
				return 0
			}
			return never
		})
		run(p, processes, noon, noon.Add(10*time.Minute), rng)
		if n := len(processes[0].sent); n < 300*10/3 {
			t.Errorf("seed %d: %d requests in ten minutes, a third is 1000", seed, n)
		}
		if p.throttled+p.over > 0 {
			t.Errorf("seed %d: %d throttled, %d over the second", seed, p.throttled, p.over)
		}
	}
}

// A lead a second in one process of ten hardly waits.
func TestALeadASecondInOneProcessOfTen(t *testing.T) {
	p := &simPlatform{perMinute: 300, perSecond: 10}
	processes := simulated(10, .1, func(i int) time.Duration {
		if i == 0 {
			return time.Second
		}
		return never
	})
	run(p, processes, noon, noon.Add(150*time.Second), rand.New(rand.NewPCG(1, 16)))
	if n := len(processes[0].sent); n < 148 {
		t.Errorf("%d of 150 leads were sent", n)
	}
}

// Ten busy processes share fairly and do not overrun the platform, whether they begin together or
// nine of them join one that has taken over what they left.
func TestTenBusyProcessesShareTheLimit(t *testing.T) {
	for seed := range uint64(100) {
		for _, alone := range []time.Duration{0, 3 * time.Minute} {
			rng := rand.New(rand.NewPCG(seed, 17))
			p := &simPlatform{perMinute: 300, perSecond: 10}
			processes := simulated(10, .1, func(int) time.Duration { return 0 })
			begin := noon.Add(alone)
			run(p, processes[:1], noon, begin, rng)
			run(p, processes, begin, begin.Add(2*time.Minute), rng)
			settled := begin.Add(2 * time.Minute)
			for _, c := range processes {
				c.sent = nil
			}
			run(p, processes, settled, settled.Add(5*time.Minute), rng)
			for i, c := range processes {
				if n := len(c.sent); n < 120 || n > 180 {
					t.Errorf("seed %d, process %d: %d requests in five minutes, a tenth is 150", seed, i, n)
				}
			}
			// That nine begin in the same instant as another sends at its best costs a few more.
			over := 2
			if alone > 0 {
				over = 9
			}
			if p.throttled > 3 || p.over > over {
				t.Errorf("seed %d, one alone for %v: %d throttled, %d over the second", seed, alone, p.throttled, p.over)
			}
		}
	}
}

// Another program sends without regard for the window: our half remains ours to try.
func TestBudgetWhenAnotherProgramUsesTheWindow(t *testing.T) {
	for seed := range uint64(100) {
		rng := rand.New(rand.NewPCG(seed, 14))
		p := &simPlatform{perMinute: 300, perSecond: 1 << 20}
		ours := &simProcess{budget: NewBudget(300, 10), every: 5 * time.Second, wants: noon}
		greedy := &simProcess{budget: NewBudget(0, 6), wants: noon, deaf: true}
		run(p, []*simProcess{ours, greedy}, noon, noon.Add(4*time.Minute), rng)
		t.Logf("seed %d: %d of %d passed, %d throttled", seed, ours.passed, len(ours.sent), p.throttled)
		if ours.passed < 24 {
			t.Errorf("seed %d: %d of 48 requests passed", seed, ours.passed)
		}
	}
}
