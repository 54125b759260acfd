// Package audit accounts for a run: each event of a topic must be exactly what its target says, or dead letters of its
// own id, and the CRM and the dead-letter topic must hold nothing else.
//
// The demo, the integration and chaos suites and the benchmark gather an [Evidence] each in its own way; what is right
// and what is a fault is decided here.
package audit

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/leadbridge/leadbridge/crmclient"
)

// Evidence is all that the broker and the CRM hold at the end.
type Evidence struct {
	Records  []Record // of the topic; those of one partition in their order
	Letters  []Letter // of the dead-letter topic
	Objects  []Object // contacts, leads and deals
	Comments []Comment

	Originator string // CRM_ORIGINATOR, which is in the marks of comments; "": leadbridge
	Match      Match
}

// Match says that persons are looked for before a contact is made. The zero value: they are not.
type Match struct {
	By crmclient.Match
	// Blind is how long before another contact of a person one may have been made and still be missed by the look-up: the
	// CRM's look-ups lag, and two processes do not know of each other. Such a second contact is [Excepted].
	Blind time.Duration
}

// Fault is something that leadbridge promises, or that the audit relies on, and that is not so.
type Fault struct {
	Kind   string // one word, to be counted: see [Account]
	Text   string
	Origin string // the origin id of the event that it is about; "": none
}

// Excepted is the kind of a fault that docs/exceptions.md excepts: it is shown, and the audit passes all the same.
const Excepted = "Excepted"

// Counts says how much an audit has seen.
type Counts struct {
	Records, Events, Contacts, Leads, Deals, Letters, Repeats, Replays, Tombstones int
	Comments                                                                       int // on cards
	Matched                                                                        int // events that were given to a contact of the same person
	Excepted                                                                       int // faults of the kind Excepted
}

// Minus returns what has come since earlier counts.
func (c Counts) Minus(d Counts) Counts {
	return Counts{
		Records: c.Records - d.Records, Events: c.Events - d.Events, Contacts: c.Contacts - d.Contacts, Leads: c.Leads - d.Leads, Deals: c.Deals - d.Deals,
		Letters: c.Letters - d.Letters, Repeats: c.Repeats - d.Repeats, Replays: c.Replays - d.Replays, Tombstones: c.Tombstones - d.Tombstones,
		Comments: c.Comments - d.Comments, Matched: c.Matched - d.Matched, Excepted: c.Excepted - d.Excepted,
	}
}

// Plus returns the sum of two counts.
func (c Counts) Plus(d Counts) Counts { return c.Minus(Counts{}.Minus(d)) }

// Audit is the result of [Account].
type Audit struct {
	Counts Counts
	Faults []Fault
	Events []*Event // in the order in which their first records were given

	match   Match
	byID    map[string]*Event   // by event id
	byPlace map[Place]*Event    // by the place of each of its records
	origins map[string]*Event   // by origin id
	objects map[card]Object     // of all kinds
	lines   map[string][]*Event // by line, in the order of their first records
}

// Account compares what became of each event with what was due. The kinds of faults are:
//
//   - lost: there is neither an object nor a letter
//   - doubled: two objects of one kind carry the event's id
//   - both: there is an object and a letter
//   - target: an object of a kind that the event does not become
//   - apart: a deal without its contact, or with another person's
//   - content: an object of another person, or a letter with another value
//   - fate: an object where a letter was due, a letter where an object was due, or a letter for a reason that was not due
//   - letter-ids: a letter that names another event than the one whose record it names
//   - done: a letter that does not name what exists of its event
//   - comment: a second comment of an event, or one on a card that is not its event's
//   - second-card: a second contact of one person
//   - order: an event that was made before an earlier one of its line
//   - stranger: an object, a comment or a letter that belongs to no event
//   - [Excepted]: what docs/exceptions.md excepts
func Account(ev Evidence) Audit {
	a := Audit{match: ev.Match, byID: map[string]*Event{}, byPlace: map[Place]*Event{}, origins: map[string]*Event{}, objects: map[card]Object{}, lines: map[string][]*Event{}}
	a.readRecords(ev.Records)
	a.readObjects(ev.Objects)
	a.readComments(ev.Comments, ev.Originator)
	a.readLetters(ev.Letters)
	for _, e := range a.Events {
		a.judge(e)
		if e.Given != nil {
			a.Counts.Matched++
		}
	}
	a.judgeOrder()
	a.judgePersons(ev.Objects)
	for _, f := range a.Faults {
		if f.Kind == Excepted {
			a.Counts.Excepted++
		}
	}
	return a
}

// Good reports whether all faults, if there are any, are of the kind [Excepted].
func (a *Audit) Good() bool {
	return !slices.ContainsFunc(a.Faults, func(f Fault) bool { return f.Kind != Excepted })
}

func (a *Audit) fault(kind string, e *Event, format string, args ...any) {
	f := Fault{Kind: kind, Text: fmt.Sprintf(format, args...)}
	if e != nil {
		f.Text = fmt.Sprintf("%s: %s (%s)", e.name(), f.Text, e.ID)
		f.Origin = e.Origin
	}
	a.Faults = append(a.Faults, f)
}

func (a *Audit) readRecords(records []Record) {
	for _, r := range records {
		a.Counts.Records++
		if r.Value == nil {
			a.Counts.Tombstones++
			continue
		}
		e := a.byID[r.EventID]
		switch {
		case e == nil:
			e = newEvent(r)
			a.byID[e.ID], a.origins[e.Origin] = e, e
			a.Events = append(a.Events, e)
			a.Counts.Events++
			if r.Line != "" {
				a.lines[r.Line] = append(a.lines[r.Line], e)
			}
		case r.Replays > 0:
			a.Counts.Replays++
			e.replayed(r)
		default:
			a.Counts.Repeats++
		}
		a.byPlace[r.Place] = e
	}
}

// readObjects gives objects to the events whose id they carry.
func (a *Audit) readObjects(objects []Object) {
	for _, o := range objects {
		switch o.Kind {
		case Contact:
			a.Counts.Contacts++
		case Lead:
			a.Counts.Leads++
		case Deal:
			a.Counts.Deals++
		}
		a.objects[card{o.Kind, o.ID}] = o
		e := a.origins[o.Origin]
		if e == nil {
			a.fault("stranger", nil, "%s %d belongs to no event", o.Kind, o.ID)
			continue
		}
		e.Made[o.Kind] = append(e.Made[o.Kind], o)
	}
}

// readComments gives comments to the events whose marks they end with. A missing comment is a fault only if it
// is all that the event becomes: other events are delivered without the comment when it cannot be written.
func (a *Audit) readComments(comments []Comment, originator string) {
	if originator == "" {
		originator = "leadbridge"
	}
	byMark := map[string]*Event{}
	for _, e := range a.Events {
		byMark[crmclient.CommentMark(originator, e.Origin)] = e
	}
	for _, c := range comments {
		a.Counts.Comments++
		e, on := byMark[c.Mark], card{c.On, c.OnID}
		object, exists := a.objects[on]
		switch {
		case e == nil || !exists:
			a.fault("stranger", nil, "comment %d on %v belongs to no event", c.ID, on)
		case e.commented > 0:
			a.fault("comment", e, "comment %d on %v says again what comment %d says", c.ID, on, e.commented)
			e.commentsTwice++
		case object.Kind == e.goalKind() && object.Origin == e.Origin:
			e.commented = c.ID
		case e.goalKind() == Contact && len(e.Made[Contact]) == 0 && object.Kind == Contact && a.matches(e, object):
			e.commented, e.Given = c.ID, &object
		default:
			a.fault("comment", e, "comment %d is on %v, which is not the %s of its event", c.ID, on, e.goalKind())
			e.commented = c.ID
		}
	}
}

// readLetters gives letters to their events, and compares the event that a letter names with the record that it says it
// comes from. A letter that was replayed since does not count for its event.
func (a *Audit) readLetters(letters []Letter) {
	for _, l := range letters {
		a.Counts.Letters++
		e, named := a.byPlace[l.From], a.byID[l.EventID]
		if l.FromUnknown {
			e = named
		}
		switch {
		case e == nil || named == nil:
			a.fault("stranger", nil, "the letter at %v belongs to no event: it names %q, of %v", l.Place, l.EventID, l.From)
			continue
		case e != named:
			a.fault("letter-ids", e, "its letter at %v has the id of another event, %s", l.Place, named.ID)
		case l.Value != nil && !bytes.Equal(l.Value, e.values[l.Replays]):
			a.fault("content", e, "its letter at %v has another value", l.Place)
		}
		if l.Replays == e.replays {
			e.Letters = append(e.Letters, l)
		}
	}
}

// judgeOrder records a fault for each event that was made before an earlier one of its line. Events that were replayed lose
// their place in the line, and are left out.
func (a *Audit) judgeOrder() {
	for _, line := range slices.Sorted(maps.Keys(a.lines)) {
		last := map[Kind]*Event{} // ids follow each other within a kind
		for _, e := range a.lines[line] {
			goal := e.Goal()
			if goal == nil || goal.Origin != e.Origin || e.replays > 0 {
				continue
			}
			if before := last[goal.Kind]; before != nil && goal.ID < before.Goal().ID {
				a.fault("order", e, "%s was made before %s of %s, which has the same key and lies before it", e.spell(), before.spell(), before.name())
			}
			last[goal.Kind] = e
		}
	}
}
