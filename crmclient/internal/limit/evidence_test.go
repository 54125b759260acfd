package limit

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

func TestEvidence(t *testing.T) {
	var e Evidence
	if tries, failed := e.Since(0, 0); tries != 0 || failed != 0 {
		t.Errorf("nothing: %d tries, %d failed", tries, failed)
	}
	e.First(true)
	mark := e.Mark()
	e.First(false)
	own := e.First(false)
	e.First(true)
	for _, test := range []struct {
		mark, own     uint64
		tries, failed int
	}{
		{0, 0, 4, 2}, {0, own, 3, 1}, {mark, 0, 3, 2}, {mark, own, 2, 1}, {own, own, 1, 0}, {e.Mark(), own, 0, 0},
	} {
		if tries, failed := e.Since(test.mark, test.own); tries != test.tries || failed != test.failed {
			t.Errorf("%+v: %d tries, %d failed", test, tries, failed)
		}
	}
	for range 3 * evidenceLimit {
		e.First(false)
	}
	for range evidenceLimit / 2 {
		e.First(true)
	}
	if tries, failed := e.Since(mark, own); tries != evidenceLimit || failed != evidenceLimit/2 {
		t.Errorf("only the latest count: %d tries, %d failed", tries, failed)
	}
}

func TestCharge(t *testing.T) {
	for _, test := range []struct {
		tries, failed int
		want          float64
		ok            bool
	}{
		{0, 0, 0, false},
		{3, 3, 0, false},
		{1, 0, math.Log(1. / 3), true},
		{100, 50, math.Log(.5), true},
		{98, 0, math.Log(.01), true},
	} {
		if got, ok := Charge(test.tries, test.failed); math.Abs(got-test.want) > 1e-12 || ok != test.ok {
			t.Errorf("%+v: %v, %v", test, got, ok)
		}
	}
}

func TestGuilty(t *testing.T) {
	for name, test := range map[string]struct {
		attempts [][2]int // tries and failures of others after each
		want     bool
	}{
		"none":                         {nil, false},
		"five, however heavy":          {slices.Repeat([][2]int{{1000, 0}}, 5), false},
		"six too light":                {slices.Repeat([][2]int{{7, 0}}, 6), false},
		"six heavy ones":               {slices.Repeat([][2]int{{9, 0}}, 6), true},
		"half fails":                   {slices.Repeat([][2]int{{100, 50}}, 19), false},
		"half fails, twenty one times": {slices.Repeat([][2]int{{100, 50}}, 21), true},
		"none passed":                  {slices.Repeat([][2]int{{100, 100}}, 100), false},
		"heavy alone, light together":  {append(slices.Repeat([][2]int{{1, 0}}, 13), [2]int{1000, 900}), false},
	} {
		var c Charges
		for _, a := range test.attempts {
			c.Add(a[0], a[1])
		}
		if got := c.Guilty(6); got != test.want {
			t.Errorf("%s: %v, %+v", name, got, c)
		}
	}
}

// simSuspect is an event that is tried until it passes or is found guilty.
type simSuspect struct {
	mark, own uint64
	due       time.Time
	attempts  int // that failed
	charges   Charges
}

// settle charges the attempt that failed last with what ended since it left.
func (s *simSuspect) settle(e *Evidence) {
	s.charges.Add(e.Since(s.mark, s.own))
}

// simFirst is a first try: it passes or not.
func simFirst(e *Evidence, fails bool) *simSuspect {
	mark := e.Mark()
	own := e.First(!fails)
	if !fails {
		return nil
	}
	return &simSuspect{mark: mark, own: own, attempts: 1}
}

// Creates fail at random, half of them or nearly all; nobody is to blame.
func TestRandomFailuresBlameNoEvent(t *testing.T) {
	for _, each := range []time.Duration{200 * time.Millisecond, 5 * time.Second, time.Minute} {
		for _, rate := range []float64{.5, .8, .9, .95, .98} {
			failAtRandom(t, each, rate)
		}
	}
}

func failAtRandom(t *testing.T, each time.Duration, rate float64) {
	t.Helper()
	rng := rand.New(rand.NewPCG(uint64(each), 3))
	var e Evidence
	var open []*simSuspect
	wrong, now := 0, noon
	for range 20_000 {
		now = now.Add(time.Duration(rng.ExpFloat64() * float64(each)))
		if s := simFirst(&e, rng.Float64() < rate); s != nil {
			s.due = now.Add(time.Second)
			open = append(open, s)
		}
		left := open[:0]
		for _, s := range open {
			if s.due.After(now) {
				left = append(left, s)
				continue
			}
			s.settle(&e)
			if s.charges.Guilty(6) {
				wrong++
				continue
			}
			s.mark = e.Mark()
			s.due = now.Add(interval(s.attempts, time.Second, time.Minute))
			s.attempts++
			if rng.Float64() < rate {
				left = append(left, s)
			}
		}
		open = left
	}
	if wrong > 1 {
		t.Errorf("an event each %v, %v fail: %d of 20,000 wrongly found guilty", each, rate, wrong)
	}
}

// Batches that fail as a whole at random count as one try each, and blame none of their events.
func TestHalfOfAllBatchesFailingBlamesNoEvent(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 3))
	var e Evidence
	wrong := 0
	for range 100_000 {
		if s := simFirst(&e, rng.IntN(2) == 0); s != nil { // the batch of the event's first try
			for {
				for range rng.IntN(5) {
					e.First(rng.IntN(2) == 0)
				}
				s.settle(&e)
				if s.charges.Guilty(6) {
					wrong++
					break
				}
				s.mark = e.Mark()
				if rng.IntN(2) == 0 {
					break
				}
			}
		}
	}
	if wrong > 3 {
		t.Errorf("%d of 100,000 wrongly found guilty", wrong)
	}
}

// attemptsUntilGuilty tries a poison event; others tell how the first tries of others between two
// attempts end. It returns the attempts and charges it took.
func attemptsUntilGuilty(limit int, others func(e *Evidence, attempt int)) (attempts, charges int, guilty bool) {
	var e Evidence
	for range 2000 {
		e.First(true) // what passed before proves nothing about this event
	}
	s := simFirst(&e, true)
	for s.attempts < limit {
		others(&e, s.attempts)
		s.settle(&e)
		if s.charges.Guilty(6) {
			return s.attempts, s.charges.Count, true
		}
		s.mark = e.Mark()
		s.attempts++
	}
	return s.attempts, s.charges.Count, false
}

func TestPoisonIsFound(t *testing.T) {
	for seed := range uint64(300) {
		rng := rand.New(rand.NewPCG(seed, 5))
		attempts, _, guilty := attemptsUntilGuilty(1000, func(e *Evidence, attempt int) {
			n := 5 * interval(attempt-1, time.Second, time.Minute).Seconds() // five a second
			for range max(1, int(n*(.5+rng.Float64()))) {
				e.First(rng.Float64() > .01)
			}
		})
		if !guilty || attempts > 8 {
			t.Errorf("seed %d: guilty %v after %d attempts among five events a second", seed, guilty, attempts)
		}
	}
	_, charges, guilty := attemptsUntilGuilty(10_000, func(e *Evidence, attempt int) {
		if attempt%60 == 0 { // a pass an hour, an attempt a minute
			e.First(true)
		}
	})
	if !guilty || charges > 15 {
		t.Errorf("one pass an hour: guilty %v after %d charges", guilty, charges)
	}
	if attempts, charges, guilty := attemptsUntilGuilty(10_000, func(e *Evidence, _ int) { e.First(false) }); guilty || charges > 0 {
		t.Errorf("no pass: guilty %v after %d attempts, %d charges", guilty, attempts, charges)
	}
	if attempts, charges, guilty := attemptsUntilGuilty(10_000, func(*Evidence, int) {}); guilty || charges > 0 {
		t.Errorf("alone: guilty %v after %d attempts, %d charges", guilty, attempts, charges)
	}
}
