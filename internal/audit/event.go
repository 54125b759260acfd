package audit

import (
	"fmt"
	"slices"
	"strings"
)

// Event is one event and what became of it.
type Event struct {
	ID, Origin string
	First      Place // where its first record lies
	Due        Due   // of its first record, but with Reasons and Excepted of its newest one
	Made       map[Kind][]Object
	Letters    []Letter // the letters that were written since the last replay of the event
	Given      *Object  // the older contact of the same person on which the event became a comment; nil: none

	replays       int            // how often the event was replayed, by its newest record
	values        map[int][]byte // the values of its records, by how often the event was replayed before
	commented     int64          // id of its first comment; 0: none
	commentsTwice int            // comments beyond the first
}

func newEvent(r Record) *Event {
	return &Event{ID: r.EventID, Origin: r.Origin, First: r.Place, Due: r.Due, values: map[int][]byte{0: r.Value}, Made: map[Kind][]Object{}}
}

// replayed notes that the event was put back into its topic. An edit may have changed what is due.
func (e *Event) replayed(r Record) {
	e.values[r.Replays] = r.Value
	if e.replays <= r.Replays {
		e.replays, e.Due.Reasons, e.Due.Excepted = r.Replays, r.Due.Reasons, r.Due.Excepted
	}
}

// goalKind returns the kind of the object that shows that the event is done.
func (e *Event) goalKind() Kind { return e.Due.Kinds[len(e.Due.Kinds)-1] }

// Goal returns the object that shows that the event is done, the first if there are several; nil when there is none. For an
// event that became a comment on an older contact of the same person, Goal returns Given.
func (e *Event) Goal() *Object {
	if made := e.Made[e.goalKind()]; len(made) > 0 {
		return &made[0]
	}
	if e.goalKind() == Contact {
		return e.Given
	}
	return nil
}

// Duplicates returns how many objects beyond the first of their kind the event has, and comments beyond its first.
func (e *Event) Duplicates() (n int) {
	for _, made := range e.Made {
		n += max(len(made)-1, 0)
	}
	return n + e.commentsTwice
}

// Commented reports whether the event has a comment on a card.
func (e *Event) Commented() bool { return e.commented > 0 }

// Reasons returns the reasons of the event's letters, each once.
func (e *Event) Reasons() (reasons []string) {
	for _, l := range e.Letters {
		if !slices.Contains(reasons, l.Reason) {
			reasons = append(reasons, l.Reason)
		}
	}
	return reasons
}

// Lost reports whether nothing became of the event although something must have.
func (e *Event) Lost() bool { return e.Goal() == nil && len(e.Letters) == 0 && !e.Due.Open }

func (e *Event) name() string {
	if e.Due.Name == "" {
		return "the event at " + e.First.String()
	}
	return e.Due.Name + " at " + e.First.String()
}

// spell names all objects of the event; "nothing" when there are none.
func (e *Event) spell() string {
	var words []string
	for _, k := range []Kind{Contact, Lead, Deal} {
		for _, o := range e.Made[k] {
			words = append(words, o.String())
		}
	}
	if e.Given != nil {
		words = append(words, "given to "+e.Given.String())
	}
	if len(words) == 0 {
		return "nothing"
	}
	return strings.Join(words, ", ")
}

func (o Object) String() string {
	return fmt.Sprintf("%s %d (created %s)", o.Kind, o.ID, o.Created.UTC().Format("15:04:05.000"))
}

// card identifies an object of the CRM.
type card struct {
	kind Kind
	id   int64
}

func (c card) String() string { return fmt.Sprintf("%s %d", c.kind, c.id) }

// judge records the faults in what became of an event.
func (a *Audit) judge(e *Event) {
	for _, k := range []Kind{Contact, Lead, Deal} {
		switch made := e.Made[k]; {
		case len(made) > 0 && !slices.Contains(e.Due.Kinds, k):
			a.fault("target", e, "%s, should be %v", e.spell(), e.Due.Kinds)
			return
		case len(made) > 1:
			a.fault("doubled", e, "%s", e.spell())
			return
		}
	}
	switch goal := e.Goal(); {
	case e.Lost():
		a.fault("lost", e, "no %s and no letter, but %s", e.goalKind(), e.spell())
	case goal != nil && len(e.Letters) > 0:
		a.fault("both", e, "%s and letters %v", e.spell(), e.Reasons())
	case goal != nil:
		a.judgeMade(e)
	default:
		a.judgeLetters(e)
	}
}

// judgeMade judges an event that is done: whether a letter was due instead, whether its objects are of its person, and
// whether they are joined.
func (a *Audit) judgeMade(e *Event) {
	if len(e.Due.Reasons) > 0 {
		a.fault("fate", e, "%s, should be a letter %s", e.spell(), strings.Join(e.Due.Reasons, " or "))
		return
	}
	for _, k := range e.Due.Kinds {
		if made := e.Made[k]; len(made) > 0 && k != Deal && !e.isOf(made[0]) {
			a.fault("content", e, "%s %d has another person's phone or e-mail", k, made[0].ID)
		}
	}
	if e.goalKind() == Deal {
		a.judgeDeal(e)
	}
	if goal := e.Goal(); goal.Kind == Lead && goal.With > 0 {
		a.judgeLead(e, goal.With)
	}
}

// judgeDeal judges whether a deal is with the contact of its event or, where persons are looked for, with one of the same
// person.
func (a *Audit) judgeDeal(e *Event) {
	with := e.Goal().With
	contact, exists := a.objects[card{Contact, with}]
	own := e.Made[Contact]
	switch {
	case len(own) > 0 && with != own[0].ID:
		a.fault("apart", e, "the deal is with contact %d: %s", with, e.spell())
	case len(own) > 0:
	case !exists:
		a.fault("apart", e, "%s without its contact", e.spell())
	case !a.matches(e, contact):
		a.fault("apart", e, "the deal is with contact %d, which is not of its person: %s", with, e.spell())
	default:
		e.Given = &contact
	}
}

// judgeLead judges whether the contact of a lead is one of the same person.
func (a *Audit) judgeLead(e *Event, with int64) {
	contact, exists := a.objects[card{Contact, with}]
	if !exists || !a.matches(e, contact) {
		a.fault("apart", e, "the lead is with contact %d, which is not of its person: %s", with, e.spell())
		return
	}
	e.Given = &contact
}

// judgeLetters judges an event without objects of its goal: whether its letters were due, and whether they say what exists
// all the same.
func (a *Audit) judgeLetters(e *Event) {
	var judged []string
	for _, l := range e.Letters {
		if !a.saysWhatExists(e, l) {
			a.fault("done", e, "a letter says that %q exists; there is %s", l.Done, e.spell())
		}
		if slices.Contains(judged, l.Reason) {
			continue
		}
		judged = append(judged, l.Reason)
		switch {
		case slices.Contains(e.Due.Excepted, l.Reason):
			a.fault(Excepted, e, "a letter %s although it is good: too much failed around it to tell (docs/exceptions.md)", l.Reason)
		case len(e.Due.Reasons) == 0:
			a.fault("fate", e, "a letter %s, should be %v", l.Reason, e.Due.Kinds)
		case !slices.Contains(e.Due.Reasons, l.Reason):
			a.fault("fate", e, "a letter %s, should be %s", l.Reason, strings.Join(e.Due.Reasons, " or "))
		}
	}
}

// saysWhatExists reports whether a letter names what exists of its event: the contact that was made of it or, where
// persons are looked for, a contact of its person.
func (a *Audit) saysWhatExists(e *Event, l Letter) bool {
	if made := e.Made[Contact]; len(made) > 0 {
		return l.Done == fmt.Sprintf("contact=%d", made[0].ID)
	}
	var id int64
	if _, err := fmt.Sscanf(l.Done, "contact=%d", &id); err != nil {
		return l.Done == ""
	}
	contact, exists := a.objects[card{Contact, id}]
	return exists && a.matches(e, contact)
}

// isOf reports whether an object has no other phones and e-mails than those of the event's person.
func (e *Event) isOf(o Object) bool {
	if e.Due.Points == nil {
		return true
	}
	return len(o.Points) > 0 && !slices.ContainsFunc(o.Points, func(point string) bool { return !slices.Contains(e.Due.Points, point) })
}
