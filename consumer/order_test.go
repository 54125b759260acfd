package consumer

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/leadbridge/leadbridge/crmclient"
	"github.com/leadbridge/leadbridge/internal/wait"
)

// person returns the contact of a person who has these phones.
func person(phones ...string) *crmclient.Contact {
	c := &crmclient.Contact{}
	for _, phone := range phones {
		c.Phones = append(c.Phones, crmclient.Multifield{Value: phone})
	}
	return c
}

func (l *lines) enterAs(by OrderBy, partition int, id, key string, c *crmclient.Contact) *place {
	return l.enter(l.keysFor(by, partition, id, []byte(key), c), make(chan struct{}, 1))
}

func TestOrderBy(t *testing.T) {
	for name, tt := range map[string]struct {
		by        OrderBy
		partition int
		id, key   string
		person    *crmclient.Contact
		waits     bool
	}{
		"person, one address shared": {OrderByPerson, 0, "b", "other", person("+2", "+9"), true},
		"person, another one":        {OrderByPerson, 0, "b", "key", person("+9"), false},
		"person, another partition":  {OrderByPerson, 1, "b", "key", person("+1"), false},
		"person, one id":             {OrderByPerson, 1, "a", "", person("+9"), true},
		"key":                        {OrderByKey, 0, "b", "key", person("+9"), true},
		"key, another one":           {OrderByKey, 0, "b", "other", person("+1"), false},
		"key, none":                  {OrderByKey, 0, "b", "", person("+1"), false},
		"none":                       {OrderByNone, 0, "b", "key", person("+1"), false},
		"none, one id":               {OrderByNone, 0, "a", "", person("+9"), true},
	} {
		l := newLines()
		first := l.enterAs(tt.by, 0, "a", "key", person("+1", "+2"))
		second := l.enterAs(tt.by, tt.partition, tt.id, tt.key, tt.person)
		if !first.mayGo() || second.mayGo() == tt.waits {
			t.Errorf("%s: the second may go: %v", name, second.mayGo())
		}
		l.leave(first)
		l.leave(second)
		if !second.mayGo() || len(l.lines) != 0 {
			t.Errorf("%s: may go %v, %d lines are left", name, second.mayGo(), len(l.lines))
		}
	}
}

// A record behind a parked one is held, whether it enters the line before or after that is parked.
func TestLinesTellThoseBehindAParkedRecord(t *testing.T) {
	l := newLines()
	enter := func(id string) *place { return l.enterAs(OrderByPerson, 0, id, "", person("+1")) }
	first, second := enter("a"), enter("b")
	if wait.Closed(second.held) {
		t.Error("held by one that is not parked")
	}
	l.park(first)
	third := enter("c") // waits for the second, which is not parked yet
	if !wait.Closed(second.held) || wait.Closed(third.held) {
		t.Errorf("held: second %v, third %v", wait.Closed(second.held), wait.Closed(third.held))
	}
	l.park(second)
	fourth := l.enterAs(OrderByPerson, 0, "b", "", person("+9")) // has the id of the second, and is of another person
	if !wait.Closed(third.held) || !wait.Closed(fourth.held) {
		t.Errorf("held: third %v, fourth %v", wait.Closed(third.held), wait.Closed(fourth.held))
	}
	l.resume(first)
	l.leave(first)
	if !second.mayGo() || len(second.wake) != 1 {
		t.Error("the second is not woken when its turn has come")
	}
}

// Whatever lines records stand in, and in whatever order they are parked and leave: a record goes after all earlier ones
// of its lines, there is always one that may go, and no line is left at the end.
func TestLinesNeverStandStill(t *testing.T) {
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 2))
		l := newLines()
		type entry struct {
			place *place
			lines []uint64
		}
		var waiting []entry
		for step := 0; step < 200 || len(waiting) > 0; step++ {
			if step < 200 && r.IntN(2) == 0 {
				var in []uint64
				for range 1 + r.IntN(3) {
					in = append(in, r.Uint64N(6))
				}
				waiting = append(waiting, entry{l.enter(keysOf(in), make(chan struct{}, 1)), in})
				continue
			}
			free := slices.IndexFunc(waiting, func(e entry) bool { return e.place.mayGo() })
			if len(waiting) > 0 && free != 0 {
				t.Fatalf("seed %d: the oldest may not go", seed)
			}
			for i, e := range waiting {
				for _, before := range waiting[:i] {
					shares := slices.ContainsFunc(e.lines, func(n uint64) bool { return slices.Contains(before.lines, n) })
					if shares && e.place.mayGo() {
						t.Fatalf("seed %d: a record may go before an earlier one of its line", seed)
					}
				}
			}
			for i, e := range waiting {
				if e.place.mayGo() && r.IntN(2) == 0 {
					if l.park(e.place); r.IntN(2) == 0 {
						l.resume(e.place)
						l.leave(e.place)
						waiting = slices.Delete(waiting, i, i+1)
					}
					break
				}
			}
		}
		if len(l.lines) != 0 {
			t.Fatalf("seed %d: %d lines are left", seed, len(l.lines))
		}
	}
}

// keysOf returns the keys of lines that have no bound of persons.
func keysOf(lines []uint64) []lineKey {
	keys := make([]lineKey, len(lines))
	for i, line := range lines {
		keys[i].line = line
	}
	return keys
}

// A phone that maxPersonsPerPoint persons share belongs to none of them: a further person waits for nobody in its line, only
// for earlier records of the same event id.
func TestManyOfOnePhoneHaveNoOrder(t *testing.T) {
	l := newLines()
	phone := func(n int) *crmclient.Contact {
		return &crmclient.Contact{Phones: []crmclient.Multifield{{Value: "+74951234567"}}, Emails: []crmclient.Multifield{{Value: fmt.Sprint(n)}}}
	}
	enter := func(id string, n int) *place {
		return l.enter(l.keysFor(OrderByPerson, 0, id, nil, phone(n)), make(chan struct{}, 1))
	}
	var first []*place
	for n := range maxPersonsPerPoint {
		first = append(first, enter(fmt.Sprint("id", n), n))
	}
	if n := len(slices.DeleteFunc(slices.Clone(first), func(p *place) bool { return !p.mayGo() })); n != 1 {
		t.Fatalf("%d of the first may go", n)
	}
	next := enter("another", 100)
	if !next.mayGo() {
		t.Error("a further person waits in the line of a call centre's phone")
	}
	if again := enter("another", 101); again.mayGo() {
		t.Error("a record of the same id does not wait")
	}
	if again := enter("again", 3); again.mayGo() {
		t.Error("a further event of a person in the line does not wait for that person's first one")
	}
	l.leave(first[3])
	if further := enter("full", 103); !further.mayGo() {
		t.Error("a person who still has a record in the line no longer counts")
	}
	l.leave(first[0])
	if further := enter("later", 102); further.mayGo() {
		t.Error("a further person does not wait, although the line has room again")
	}
}

// After a record has stepped aside, only records of the same event id wait for it, also those that come later.
func TestStepAside(t *testing.T) {
	for _, by := range []OrderBy{OrderByPerson, OrderByKey, OrderByNone} {
		l := newLines()
		enter := func(id string) *place { return l.enterAs(by, 0, id, "key", person("+1")) }
		first, second, repeat, third := enter("a"), enter("b"), enter("a"), enter("c")
		l.stepAside(first)
		l.stepAside(first)
		if !second.mayGo() || repeat.mayGo() || third.mayGo() != (by == OrderByNone) {
			t.Errorf("%s: may go: %v, %v, %v", by, second.mayGo(), repeat.mayGo(), third.mayGo())
		}
		l.leave(second)
		l.leave(first)
		if !repeat.mayGo() {
			t.Errorf("%s: the repeat still waits, though the first has left", by)
		}
		l.leave(repeat)
		l.leave(third)
		if later := enter("d"); !third.mayGo() || !later.mayGo() {
			t.Errorf("%s: a record still waits, though all earlier ones have left", by)
		} else if l.leave(later); len(l.lines) != 0 {
			t.Errorf("%s: %d lines are left", by, len(l.lines))
		}
	}
}
