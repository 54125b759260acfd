package demo

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/leadbridge/leadbridge/crmclient"
	"github.com/leadbridge/leadbridge/crmclient/crmtest"
	"github.com/leadbridge/leadbridge/transform"
)

// evidence is all that broker and simulator hold.
type evidence struct {
	records  []transform.Record // of the topic
	fates    map[place]fate     // what must become of each
	letters  []transform.Record // of the dead-letter topic
	contacts []crmtest.Contact  // or leads or deals: what an event becomes
	persons  []crmtest.Contact  // of deals
	thing    string             // what an event becomes: "" stands for a contact
	comments []crmtest.Record   // on their cards
}

// verdict is what an audit found.
type verdict struct {
	records    int
	tombstones int
	events     int            // different ones
	contacts   int            // events that became one, or a lead or a deal
	letters    map[string]int // events that became one, by reason
	comments   int
	duplicates int // contacts beyond the first of their event
	problems   []string
	thing      string // what an event becomes
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
	v := verdict{records: len(ev.records), letters: map[string]int{}, thing: ev.thing}
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
	v.checkPersons(ev, byOrigin)
	v.checkComments(ev)
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
		v.problem("%s %d belongs to no event", v.word(), c.ID)
	}
}

// checkPersons looks whether each deal is with the one contact of its event, which nobody else has.
func (v *verdict) checkPersons(ev evidence, byOrigin map[string]*event) {
	if ev.thing != "deal" {
		return
	}
	persons := map[string]int64{}
	for _, c := range ev.persons {
		if _, twice := persons[c.OriginID()]; twice || byOrigin[c.OriginID()] == nil {
			v.problem("contact %d is its event's second, or belongs to no event", c.ID)
		}
		persons[c.OriginID()] = c.ID
	}
	for _, deal := range ev.contacts {
		if id := persons[deal.OriginID()]; id == 0 || deal.Get("contactId") != float64(id) {
			v.problem("deal %d is not with the contact of its event", deal.ID)
		}
	}
}

// checkComments looks whether each comment is on the card of its event, which has no other.
func (v *verdict) checkComments(ev evidence) {
	cards := map[int64]crmtest.Record{}
	for _, c := range ev.contacts {
		cards[c.ID] = c
	}
	on := map[string]int64{} // by card
	for _, c := range ev.comments {
		id, _ := c.Get("entityId").(float64)
		card, there := cards[int64(id)]
		mark := crmclient.CommentMark(originator, card.OriginID())
		switch {
		case c.Text("entityType") != v.word() || !there || !strings.HasSuffix(c.Text("comment"), mark):
			v.problem("comment %d is not on the card of its event", c.ID)
		case on[mark] > 0:
			v.duplicates++
			v.problem("comment %d says again what comment %d says", c.ID, on[mark])
		default:
			on[mark] = c.ID
			v.comments++
		}
	}
}

// word names what an event becomes.
func (v *verdict) word() string { return cmp.Or(v.thing, "contact") }

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
		v.problem("the event at %s is missing: no %s and no dead letter", where, v.word())
	case e.contacts > 1:
		v.problem("the event at %s is %d %ss", where, e.contacts, v.word())
	case e.contacts > 0 && len(e.reasons) > 0:
		v.problem("the event at %s is a %s and a dead letter (%s)", where, v.word(), e.reasons[0])
	case len(e.reasons) > 1:
		v.problem("the event at %s is dead letters of several reasons: %v", where, e.reasons)
	case e.contacts > 0 && !slices.Contains(e.fate, asContact):
		v.problem("the event at %s is a %s, should be a dead letter %v", where, v.word(), e.fate)
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
