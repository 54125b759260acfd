package limit

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// batchStep is what happens to a BatchSize, and the size afterwards.
type batchStep struct {
	after time.Duration // since the step before
	what  string
	n     int
	size  int
}

func TestBatchSize(t *testing.T) {
	const failed, doubt, passed, wait, none = "failed", "in doubt", "passed", "wait", "not offered"
	for name, steps := range map[string][]batchStep{
		"another batch passes": {{0, failed, 50, 1}, {0, passed, 50, 50}, {0, failed, 50, 1}, {0, passed, 1, 50}},
		"a single fails too":   {{0, failed, 50, 1}, {0, failed, 1, 50}, {0, failed, 50, 1}, {0, passed, 1, 50}},
		"by chance":            {{0, failed, 50, 1}, {0, passed, 1, 50}, {0, passed, 50, 50}},
		"twice":                {{0, failed, 50, 1}, {0, passed, 1, 50}, {0, failed, 50, 25}, {0, passed, 25, 25}},
		"two at a time":        {{0, failed, 50, 1}, {0, failed, 40, 1}, {0, passed, 1, 20}},
		"a few fail":           {{0, failed, 7, 1}, {0, passed, 1, 50}, {0, passed, 50, 50}},
		"whole after a minute": {{0, failed, 50, 1}, {0, failed, 50, 1}, {0, passed, 1, 25}, {59 * time.Second, wait, 0, 25}, {time.Second, wait, 0, 50}, {0, passed, 3, 50}},
		"whole with many":      {{0, failed, 50, 1}, {0, failed, 50, 1}, {0, passed, 1, 25}, {time.Minute, wait, 0, 50}, {0, passed, 30, 50}, {time.Hour, wait, 0, 50}},
		"another minute":       {{0, failed, 50, 1}, {0, failed, 50, 1}, {0, passed, 1, 25}, {time.Minute, wait, 0, 50}, {0, failed, 50, 25}, {time.Minute, wait, 0, 50}},
		"lost by chance":       {{0, doubt, 50, 1}, {0, passed, 1, 50}, {0, doubt, 50, 50}, {0, passed, 50, 50}},
		"lost three times":     {{0, doubt, 50, 1}, {0, passed, 1, 50}, {0, doubt, 50, 50}, {0, doubt, 50, 25}, {10 * time.Second, wait, 0, 50}, {0, doubt, 50, 25}},
		"doubled after doubt":  {{0, doubt, 8, 1}, {0, doubt, 8, 1}, {0, doubt, 8, 1}, {0, passed, 1, 4}, {10 * time.Second, wait, 0, 8}, {0, passed, 8, 8}, {9 * time.Second, wait, 0, 8}, {time.Second, wait, 0, 16}},
		"not offered":          {{0, none, 0, 1}, {59 * time.Second, wait, 0, 1}, {time.Second, wait, 0, 50}, {0, none, 0, 1}, {time.Minute, wait, 0, 50}, {0, passed, 2, 50}},
	} {
		b, now := NewBatchSize(50), noon
		for i, s := range steps {
			now = now.Add(s.after)
			switch s.what {
			case failed, doubt:
				b.Failed(s.n, s.what == doubt, now)
			case passed:
				b.Passed(s.n, now)
			case none:
				b.NotOffered(now)
			}
			if got := b.Size(now); got != s.size {
				t.Errorf("%s, step %d (%s %d): size %d, want %d", name, i, s.what, s.n, got, s.size)
			}
		}
	}
}

func TestBatchSizeOfOne(t *testing.T) {
	for _, largest := range []int{-1, 0, 1} {
		b := NewBatchSize(largest)
		b.NotOffered(noon)
		b.Failed(1, false, noon)
		if got := b.Size(noon.Add(time.Hour)); got != 1 {
			t.Errorf("largest %d: size %d", largest, got)
		}
	}
}

// simBatch is a request on its way.
type simBatch struct {
	n    int
	left time.Time
	ends time.Time
}

// simBatches sends events at five requests a second, by two slots, until all have passed. answer
// tells how a batch ends that left so long after the beginning. It returns the requests it took and
// how long.
func simBatches(rng *rand.Rand, events int, answer func(b *BatchSize, n int, left time.Duration, now time.Time) (passed bool)) (requests int, took time.Duration) {
	b, budget := NewBatchSize(50), NewBudget(300, 10)
	var air []simBatch
	for now := noon; ; now = now.Add(10 * time.Millisecond) {
		for i := 0; i < len(air); i++ {
			r := air[i]
			if r.ends.After(now) {
				continue
			}
			air = slices.Delete(air, i, i+1)
			i--
			if answer(b, r.n, r.left.Sub(noon), now) {
				b.Passed(r.n, now)
			} else {
				events += r.n
			}
		}
		if events == 0 && len(air) == 0 {
			return requests, now.Sub(noon)
		}
		if n := min(events, b.Size(now)); n > 0 && len(air) < 2 && !budget.At(now).After(now) {
			budget.Take(now)
			requests++
			events -= n
			air = append(air, simBatch{n, now, now.Add(time.Duration(200+rng.IntN(400)) * time.Millisecond)})
		}
	}
}

func TestBatchSizeWhenBatchesAlwaysFail(t *testing.T) {
	for seed := range uint64(200) {
		rng := rand.New(rand.NewPCG(seed, 21))
		requests, _ := simBatches(rng, 600, func(b *BatchSize, n int, _ time.Duration, now time.Time) bool {
			if n > 1 {
				b.Failed(n, false, now)
			}
			return n == 1
		})
		if requests > 620 {
			t.Errorf("seed %d: 600 events took %d requests", seed, requests)
		}
	}
}

func TestBatchSizeWhenLargeBatchesFail(t *testing.T) {
	for seed := range uint64(200) {
		rng := rand.New(rand.NewPCG(seed, 21))
		largest := 1 + rng.IntN(49)
		requests, _ := simBatches(rng, 3000, func(b *BatchSize, n int, _ time.Duration, now time.Time) bool {
			if n > largest {
				b.Failed(n, false, now)
			}
			return n <= largest
		})
		if most := 3000/((largest+1)/2) + 40; requests > most {
			t.Errorf("seed %d: 3000 events took %d requests in batches of at most %d, want at most %d", seed, requests, largest, most)
		}
	}
}

func TestBatchesAreBackWithinAMinute(t *testing.T) {
	for seed := range uint64(200) {
		rng := rand.New(rand.NewPCG(seed, 10))
		_, took := simBatches(rng, 1000, func(b *BatchSize, n int, left time.Duration, now time.Time) bool {
			if n > 1 && left < 2*time.Second {
				b.NotOffered(now)
				return false
			}
			return true
		})
		if took > 70*time.Second {
			t.Errorf("seed %d: 1000 events took %v", seed, took)
		}
	}
}

// Batches that fail now and then, for an event of theirs, cost no throughput to speak of.
func TestBatchSizeRecoversFromSingleFailures(t *testing.T) {
	for seed := range uint64(200) {
		rng := rand.New(rand.NewPCG(seed, 1))
		requests, _ := simBatches(rng, 20_000, func(b *BatchSize, n int, _ time.Duration, now time.Time) bool {
			if n > 1 && rng.IntN(30) == 0 {
				b.Failed(n, false, now)
				return false
			}
			return true
		})
		if requests > 900 {
			t.Errorf("seed %d: 20,000 events took %d requests, 400 is the least", seed, requests)
		}
	}
}
