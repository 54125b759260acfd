package main

import (
	"reflect"
	"testing"
	"time"
)

func TestPlanFollowsFromTheSeed(t *testing.T) {
	t.Parallel()
	one, again, other := newPlan(1, time.Minute), newPlan(1, time.Minute), newPlan(2, time.Minute)
	if !reflect.DeepEqual(one, again) {
		t.Error("one seed, two plans")
	}
	if reflect.DeepEqual(one, other) {
		t.Error("two seeds, one plan")
	}
}

// TestPlanLeavesNothingOut sees to it that even the short run of CI deals every blow, whatever
// its seed, and that no target suffers two at a time.
func TestPlanLeavesNothingOut(t *testing.T) {
	t.Parallel()
	for seed := range uint64(50) {
		dealt := map[blow]int{}
		for target, actions := range newPlan(seed, 75*time.Second) {
			free := time.Duration(0)
			for _, a := range actions {
				dealt[a.blow]++
				if a.at < free {
					t.Errorf("seed %d: %s suffers %s before the last blow is over", seed, target, a.blow)
				}
				free = a.at + a.lasts
			}
		}
		for _, l := range lanes() {
			for _, c := range l.deck {
				if dealt[c.blow] == 0 {
					t.Errorf("seed %d: no %s", seed, c.blow)
				}
			}
		}
	}
}
