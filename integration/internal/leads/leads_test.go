package leads

import (
	"testing"

	"github.com/leadbridge/leadbridge/crmclient"
	"github.com/leadbridge/leadbridge/transform"
)

// TestLeadsAreWhatTheirFateSays sees to it that leadbridge can read what must become a contact, and only that
// or what the CRM refuses.
func TestLeadsAreWhatTheirFateSays(t *testing.T) {
	t.Parallel()
	tr, err := transform.New(transform.Options{PhoneRegion: "RU", SourceID: "WEB"})
	if err != nil {
		t.Fatal(err)
	}
	a := NewAuthor(7, Options{Targets: crmclient.Targets(), PersonsReturn: true})
	met, named := map[Fate]int{}, map[crmclient.Target]int{}
	repeats, keyed := 0, 0
	returning, returned := map[int]bool{}, map[int]bool{} // leads, persons
	newest := 0
	for range 5000 {
		l := a.Next()
		if l.Number <= newest {
			repeats++
		}
		newest = max(newest, l.Number)
		if l.Key != "" {
			keyed++
		}
		met[l.Fate]++
		if l.Person > 0 {
			returning[l.Number], returned[l.Person] = true, true
			if l.Key != emailOf(l.Person) || int(l.Partition) != l.Person%Partitions {
				t.Errorf("lead %d of person %d has the key %q, in partition %d", l.Number, l.Person, l.Key, l.Partition)
			}
		}
		if l.Fate == AsNothing {
			if l.Value != nil {
				t.Errorf("lead %d is no tombstone", l.Number)
			}
			continue
		}
		e, err := tr.Decode(transform.Record{Topic: "leads", Value: l.Value})
		var plan transform.Plan
		if err == nil {
			plan, err = tr.Plan(e)
		}
		if named[l.Target]++; plan.Target != l.Target {
			t.Errorf("lead %d becomes a %q, should be %q", l.Number, plan.Target, l.Target)
		}
		if readable := l.Fate == AsTarget || l.Fate == refused; readable != (err == nil) {
			t.Errorf("lead %d, %s: %v", l.Number, l.Fate, err)
		}
	}
	if len(returned) < 5 || 2*len(returned) > len(returning) {
		t.Errorf("%d leads of %d persons who return", len(returning), len(returned))
	}
	for _, s := range shapes() {
		if met[s.fate] == 0 {
			t.Errorf("no lead that ends as %s", s.fate)
		}
	}
	for _, target := range append(crmclient.Targets(), "") {
		if named[target] < 100 {
			t.Errorf("%d leads name the target %q", named[target], target)
		}
	}
	if repeats < 100 || keyed < 2500 || keyed > 4500 {
		t.Errorf("%d repeats, %d with a key", repeats, keyed)
	}
}

// TestHookSaysWhoseItIs reads number, person and target of a webhook from the id that it has behind a gate.
func TestHookSaysWhoseItIs(t *testing.T) {
	t.Parallel()
	persons := map[int]bool{}
	for number := 100; number < 108; number++ {
		for _, o := range []Options{{}, {Targets: crmclient.Targets()}, {PersonsReturn: true}, {Targets: crmclient.Targets(), PersonsReturn: true}} {
			l := Hook(number, o)
			got, ok := readSays(transform.Record{}, "ce:/hooks/site "+l.WebhookID)
			if want := (says{number: number, person: l.Person, fate: AsTarget, target: l.Target}); !ok || got != want {
				t.Errorf("%s says %+v, want %+v", l.WebhookID, got, want)
			}
			if o.PersonsReturn {
				persons[l.Person] = true
			}
		}
	}
	if len(persons) != 2 {
		t.Errorf("8 webhooks of %d persons", len(persons))
	}
}
