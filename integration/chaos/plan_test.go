package main

import (
	"reflect"
	"testing"
	"time"
)

func TestPlanFollowsFromTheSeed(t *testing.T) {
	t.Parallel()
	one, again, other := newPlan(1, time.Minute, scope{}), newPlan(1, time.Minute, scope{}), newPlan(2, time.Minute, scope{})
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
		for target, actions := range newPlan(seed, 75*time.Second, scope{clocks: true}) {
			free := time.Duration(0)
			for _, a := range actions {
				dealt[a.blow]++
				if a.at < free {
					t.Errorf("seed %d: %s suffers %s before the last blow is over", seed, target, a.blow)
				}
				free = a.at + a.lasts
			}
		}
		for _, l := range lanes(scope{clocks: true}) {
			for _, c := range l.deck {
				if dealt[c.blow] == 0 {
					t.Errorf("seed %d: no %s", seed, c.blow)
				}
			}
		}
	}
}

// TestPlanSparesTheMemberThatStays sees to it that nothing ends the process whose memory is watched for hours.
func TestPlanSparesTheMemberThatStays(t *testing.T) {
	t.Parallel()
	for _, a := range newPlan(1, time.Hour, scope{stays: true})[member(0)] {
		if a.blow.kills() || a.blow == terminate {
			t.Errorf("%v", a)
		}
	}
}
