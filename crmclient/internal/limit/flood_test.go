package limit

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"
)

func TestFlood(t *testing.T) {
	type step struct {
		id       string // "": a pass
		first    uint64
		replayed bool
		write    bool
		flood    string
	}
	const name = "20260415T120000Z"
	for _, test := range []struct {
		name  string
		limit int
		steps []step
	}{
		{"off", 0, []step{{"a", 0, false, true, ""}, {"b", 0, false, true, ""}, {"c", 0, false, true, ""}}},
		{"full", 2, []step{{"a", 0, false, true, ""}, {"b", 0, false, true, ""}, {"c", 0, false, false, name}, {"c", 0, false, false, name}}},
		{"one event", 2, []step{{"a", 0, false, true, ""}, {"a", 0, false, true, ""}, {"a", 0, false, true, ""}}},
		{"a pass between", 2, []step{{"a", 0, false, true, ""}, {}, {"b", 1, false, true, ""}, {"c", 1, false, true, ""}, {"d", 1, false, false, name}}},
		{"refused before the pass", 2, []step{{}, {"a", 0, false, true, ""}, {"b", 0, false, true, ""}, {"c", 0, false, true, ""}}},
		{"after the flood", 1, []step{{"a", 0, false, true, ""}, {"b", 0, false, false, name}, {}, {"b", 0, false, true, ""}, {"c", 0, false, true, ""}}},
		{"refused again in the next flood", 1, []step{{}, {"a", 1, false, true, ""}, {"b", 0, false, true, ""}, {"c", 1, false, false, name}}},
		{"replayed", 2, []step{{"a", 0, true, true, ""}, {"b", 0, true, true, ""}, {"c", 0, true, true, ""},
			{"d", 0, false, true, ""}, {"e", 0, false, true, ""}, {"f", 0, true, false, name}}},
	} {
		f := NewFlood(test.limit, time.Minute)
		for i, s := range test.steps {
			if s.id == "" {
				f.Pass()
				continue
			}
			if write, flood := f.Refused(s.id, s.first, s.replayed, noon); write != s.write || flood != s.flood {
				t.Errorf("%s, step %d: write %v, flood %q", test.name, i, write, flood)
			}
		}
	}
}

func TestFloodEnds(t *testing.T) {
	f := NewFlood(2, time.Minute)
	f.Refused("a", f.Passes(), false, noon)
	if f.Pass() || f.Name() != "" {
		t.Error("no flood, and it ended")
	}
	f.Refused("a", f.Passes(), false, noon)
	f.Refused("b", f.Passes(), false, noon.In(time.FixedZone("", 3600)))
	if got := f.Name(); got != "20260415T120000Z" {
		t.Errorf("named %q", got)
	}
	f.NextProbe(noon)
	if !f.Pass() || f.Name() != "" || f.Passes() != 2 {
		t.Errorf("did not end: %+v", f)
	}
	if at := f.NextProbe(noon); !at.Equal(second(1)) {
		t.Errorf("the schedule does not begin again: %v", at)
	}
}

func TestFloodProbes(t *testing.T) {
	f := NewFlood(1, 3*time.Second)
	now := noon
	for i, want := range []float64{1, 2.5, 4.75, 7.75, 10.75} {
		if at := f.NextProbe(now); !at.Equal(second(want)) {
			t.Errorf("probe %d at %v, want %v", i, at.Sub(noon), want)
		}
	}
	if at := f.NextProbe(second(100)); !at.Equal(second(103)) {
		t.Errorf("late: %v", at.Sub(noon))
	}
}

// Events are refused, 400 of them, and then good ones come; or refusals of suspects end late, among
// good events. A good event is sent when it arrives, and its pass ends the flood; a refusal counts
// only if nothing has passed since its event's first refused attempt.
func TestOnlyRefusalsWithoutAPassAreAFlood(t *testing.T) {
	for seed := range uint64(300) {
		rng := rand.New(rand.NewPCG(seed, 6))
		f, now := NewFlood(100, time.Minute), noon
		var refused []uint64 // the passes when each refused attempt left
		letters := 0
		for range 3200 {
			if rng.IntN(8) > 0 {
				f.Pass()
			} else {
				refused = append(refused, f.Passes())
			}
		}
		f.Pass()
		for i, first := range refused { // all of these answers come after the last pass
			now = now.Add(10 * time.Millisecond)
			if write, _ := f.Refused(fmt.Sprint(i), first, false, now); write {
				letters++
			}
		}
		if letters != len(refused) || f.Name() != "" {
			t.Errorf("seed %d: %d of %d letters, flood %q", seed, letters, len(refused), f.Name())
		}
		f, letters = NewFlood(100, time.Minute), 0
		for i := range 400 {
			if write, _ := f.Refused(fmt.Sprint(i), f.Passes(), false, now); write {
				letters++
			}
		}
		if ended := f.Pass(); letters != 100 || !ended {
			t.Errorf("seed %d: %d letters of 400 refused, ended %v", seed, letters, ended)
		}
	}
}
