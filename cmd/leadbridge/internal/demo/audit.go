package demo

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/leadbridge/leadbridge/crmclient/crmtest"
	"github.com/leadbridge/leadbridge/transform"
)

// evidence is all that broker and simulator hold.
type evidence struct {
	records  []transform.Record // of the topic
	fates    map[place]fate     // what must become of each
	letters  []transform.Record // of the dead-letter topic
	contacts []crmtest.Contact
}

// verdict is what an audit found.
type verdict struct {
	records    int
	tombstones int
	events     int            // different ones
	contacts   int            // events that became one
	letters    map[string]int // events that became one, by reason
	duplicates int            // contacts beyond the first of their event
	problems   []string
}

// decoder names events, as the service does.
type decoder interface {
	Decode(transform.Record) (transform.Event, error)
}

// event is what became of one event.
type event struct {
	id       string
	records  int
	fate     fate
	first    place
	contacts int
	reasons  []string // of its dead letters, without repeats
}

// audit accounts for every record: each event must be exactly one contact or
// one dead letter, the right one, and nothing else may be there.
func audit(ev evidence, d decoder) verdict {
	v := verdict{records: len(ev.records), letters: map[string]int{}}
	byID, byOrigin := map[string]*event{}, map[string]*event{}
	for _, r := range ev.records {
		if r.Value == nil {
			v.tombstones++
			continue
		}
		// What cannot be decoded has its identity all the same.
		decoded, _ := d.Decode(r)
		at := place{r.Partition, r.Offset}
		e, ok := byID[decoded.ID]
		if !ok {
			e = &event{id: decoded.ID, fate: ev.fates[at], first: at}
			byID[decoded.ID], byOrigin[decoded.OriginID] = e, e
		}
		e.records++
	}
	v.events = len(byID)
	v.countContacts(ev.contacts, byOrigin)
	v.countLetters(ev.letters, byID)
	order := func(a, b *event) int {
		return cmp.Or(cmp.Compare(a.first.partition, b.first.partition), cmp.Compare(a.first.offset, b.first.offset))
	}
	for _, e := range slices.SortedFunc(maps.Values(byID), order) {
		v.judge(e)
	}
	return v
}

func (v *verdict) countContacts(contacts []crmtest.Contact, byOrigin map[string]*event) {
	for _, c := range contacts {
		if e, ok := byOrigin[c.OriginID()]; ok {
			e.contacts++
			continue
		}
		v.problem("contact %d belongs to no event", c.ID)
	}
}

// countLetters folds letters by event: a letter may be written twice.
func (v *verdict) countLetters(letters []transform.Record, byID map[string]*event) {
	for _, l := range letters {
		id, reason := headerText(l, "dlt-event-id"), headerText(l, "dlt-reason")
		e, ok := byID[id]
		switch {
		case !ok:
			v.problem("the dead letter at %s belongs to no event", shown(place{l.Partition, l.Offset}))
		case !slices.Contains(e.reasons, reason):
			e.reasons = append(e.reasons, reason)
		}
	}
}

func (v *verdict) judge(e *event) {
	v.duplicates += max(e.contacts-1, 0)
	if e.contacts > 0 {
		v.contacts++
	}
	for _, reason := range e.reasons {
		v.letters[reason]++
	}
	where := shown(e.first)
	switch {
	case e.contacts == 0 && len(e.reasons) == 0:
		v.problem("the event at %s is missing: no contact and no dead letter", where)
	case e.contacts > 1:
		v.problem("the event at %s is %d contacts", where, e.contacts)
	case e.contacts > 0 && len(e.reasons) > 0:
		v.problem("the event at %s is a contact and a dead letter (%s)", where, e.reasons[0])
	case len(e.reasons) > 1:
		v.problem("the event at %s is dead letters of several reasons: %v", where, e.reasons)
	case e.contacts > 0 && !slices.Contains(e.fate, asContact):
		v.problem("the event at %s is a contact, should be a dead letter %v", where, e.fate)
	case len(e.reasons) > 0 && !slices.Contains(e.fate, e.reasons[0]):
		v.problem("the event at %s is a dead letter %s, should be %v", where, e.reasons[0], e.fate)
	}
}

func (v *verdict) problem(format string, args ...any) {
	v.problems = append(v.problems, fmt.Sprintf(format, args...))
}

func shown(p place) string { return fmt.Sprintf("partition %d offset %d", p.partition, p.offset) }

func headerText(r transform.Record, key string) string {
	for _, h := range r.Headers {
		if h.Key == key {
			return string(h.Value)
		}
	}
	return ""
}
