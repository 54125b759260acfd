package consumer

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/leadbridge/leadbridge/crmclient"
	"github.com/leadbridge/leadbridge/internal/wait"
)

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
			t.Errorf("%s: may go %v, %d names are left", name, second.mayGo(), len(l.lines))
		}
	}
}

// Who stands behind a parked record is told, whether it comes before or after that is parked.
func TestLinesTellThoseBehindAParkedRecord(t *testing.T) {
	l := newLines()
	enter := func(id string) *place { return l.enterAs(OrderByPerson, 0, id, "", person("+1")) }
	first, second := enter("a"), enter("b")
	if wait.Closed(second.held) {
		t.Error("held by one that is not parked")
	}
	l.park(first)
	third := enter("c") // behind the second, which is to be parked next
	if !wait.Closed(second.held) || wait.Closed(third.held) {
		t.Errorf("held: second %v, third %v", wait.Closed(second.held), wait.Closed(third.held))
	}
	l.park(second)
	fourth := l.enterAs(OrderByPerson, 0, "b", "", person("+9")) // of the second's id, and not of its person
	if !wait.Closed(third.held) || !wait.Closed(fourth.held) {
		t.Errorf("held: third %v, fourth %v", wait.Closed(third.held), wait.Closed(fourth.held))
	}
	l.resume(first)
	l.leave(first)
	if !second.mayGo() || len(second.wake) != 1 {
		t.Error("the second is not told that it may go")
	}
}

// Whatever names records share, and in whatever order they are parked and leave: who shares one with an earlier record
// goes after it, there is always one who may go, and nothing is left at the end.
func TestLinesNeverStandStill(t *testing.T) {
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 2))
		l := newLines()
		type entry struct {
			place *place
			names []uint64
		}
		var waiting []entry
		for step := 0; step < 200 || len(waiting) > 0; step++ {
			if step < 200 && r.IntN(2) == 0 {
				var names []uint64
				for range 1 + r.IntN(3) {
					names = append(names, r.Uint64N(6))
				}
				waiting = append(waiting, entry{l.enter(inLines(names), make(chan struct{}, 1)), names})
				continue
			}
			free := slices.IndexFunc(waiting, func(e entry) bool { return e.place.mayGo() })
			if len(waiting) > 0 && free != 0 {
				t.Fatalf("seed %d: the oldest may not go", seed)
			}
			for i, e := range waiting {
				for _, before := range waiting[:i] {
					shares := slices.ContainsFunc(e.names, func(n uint64) bool { return slices.Contains(before.names, n) })
					if shares && e.place.mayGo() {
						t.Fatalf("seed %d: one may go before another of its name", seed)
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
			t.Fatalf("seed %d: %d names are left", seed, len(l.lines))
		}
	}
}

func inLines(names []uint64) []lineKey {
	lines := make([]lineKey, len(names))
	for i, name := range names {
		lines[i].line = name
	}
	return lines
}

// A phone that many give at a time is nobody's: who comes after the first of them waits for none of them, save for
// an earlier record of its own id.
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
		t.Error("one more waits for a call centre's phone")
	}
	if again := enter("another", 101); again.mayGo() {
		t.Error("a record of the same id does not wait")
	}
	if mine := enter("mine", 3); mine.mayGo() {
		t.Error("a further event of one of the first does not wait for that one's")
	}
	l.leave(first[3])
	if one := enter("full", 103); !one.mayGo() {
		t.Error("the line forgets one who has another record in it")
	}
	l.leave(first[0])
	if one := enter("later", 102); one.mayGo() {
		t.Error("with room in the line it is not kept")
	}
}

// Who steps aside keeps none but the records of its own id waiting, also those that come later.
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
			t.Errorf("%s: the repeat waits for nobody", by)
		}
		l.leave(repeat)
		l.leave(third)
		if later := enter("d"); !third.mayGo() || !later.mayGo() {
			t.Errorf("%s: somebody waits for nobody", by)
		} else if l.leave(later); len(l.lines) != 0 {
			t.Errorf("%s: %d lines are left", by, len(l.lines))
		}
	}
}
