package main

import (
	"reflect"
	"testing"
	"time"

	"github.com/leadbridge/leadbridge/transform"
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

// TestLeadsAreWhatTheirFateSays sees to it that leadbridge can read what must become a contact, and only that
// or what the CRM refuses.
func TestLeadsAreWhatTheirFateSays(t *testing.T) {
	t.Parallel()
	tr, err := transform.New(transform.Options{PhoneRegion: "RU", SourceID: "WEB"})
	if err != nil {
		t.Fatal(err)
	}
	a := newAuthor(7)
	met := map[fate]int{}
	repeats, keyed := 0, 0
	newest := 0
	for range 5000 {
		l := a.next()
		if l.number <= newest {
			repeats++
		}
		newest = max(newest, l.number)
		if l.key != "" {
			keyed++
		}
		met[l.fate]++
		if l.fate == asNothing {
			if l.value != nil {
				t.Errorf("lead %d is no tombstone", l.number)
			}
			continue
		}
		e, err := tr.Decode(transform.Record{Topic: topic, Value: l.value})
		if err == nil {
			_, err = tr.Contact(e)
		}
		if readable := l.fate == asContact || l.fate == refused; readable != (err == nil) {
			t.Errorf("lead %d, %s: %v", l.number, l.fate, err)
		}
	}
	for _, s := range shapes() {
		if met[s.fate] == 0 {
			t.Errorf("no lead that ends as %s", s.fate)
		}
	}
	if repeats < 100 || keyed < 2500 || keyed > 4500 {
		t.Errorf("%d repeats, %d with a key", repeats, keyed)
	}
}
