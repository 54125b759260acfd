package leads

import (
	"fmt"
	"slices"
	"strings"

	"github.com/leadbridge/leadbridge/crmclient"
	"github.com/leadbridge/leadbridge/crmclient/crmtest"
	"github.com/leadbridge/leadbridge/transform"
)

// kind is a kind of objects in the CRM, as an audit spells it.
type kind string

const (
	contacts kind = "contact"
	cards    kind = "lead"
	deals    kind = "deal"
)

// kindsOf are the kinds of objects that an event of a target becomes; the last one says that it is done.
func kindsOf(t crmclient.Target) []kind {
	switch t {
	case crmclient.TargetLead:
		return []kind{cards}
	case crmclient.TargetDeal:
		return []kind{contacts, deals}
	}
	return []kind{contacts}
}

// event is one event and what became of it.
type event struct {
	id, origin string
	first      place
	number     int // of its lead
	fate       Fate
	kinds      []kind
	replays    int            // of its newest record
	values     map[int][]byte // of its records, by replays
	made       map[kind][]crmtest.Record
	letters    []letter // since its last replay
	commented  bool     // on its last object
}

// letter is what a dead letter says.
type letter struct {
	reason string
	done   string // what exists of the event all the same, as contact=2457; "": nothing
}

func newEvent(r transform.Record, decoded transform.Event, number int, due Fate, target crmclient.Target) *event {
	return &event{
		id: decoded.ID, origin: decoded.OriginID, first: placeOf(r), number: number, fate: due,
		kinds: kindsOf(target), values: map[int][]byte{0: r.Value}, made: map[kind][]crmtest.Record{},
	}
}

// replayed notes that the event was put back into its topic. An edit may have mended it: then it must
// become what its target says.
func (e *event) replayed(times int, value []byte) {
	e.values[times] = value
	if e.replays = max(e.replays, times); e.replays == times && e.fate == refused && !troublesome(value) {
		e.fate = AsTarget
	}
}

// goalKind is the kind of the object that says that the event is done.
func (e *event) goalKind() kind { return e.kinds[len(e.kinds)-1] }

// goal is the object that says that the event is done; nil: there is none.
func (e *event) goal() *crmtest.Record {
	if made := e.made[e.goalKind()]; len(made) > 0 {
		return &made[0]
	}
	return nil
}

// spell names all objects of the event; "nothing" when there are none.
func (e *event) spell() string {
	var words []string
	for _, k := range []kind{contacts, cards, deals} {
		for _, c := range e.made[k] {
			words = append(words, fmt.Sprintf("%s %d (created %s)", k, c.ID, c.Created.UTC().Format(clock)))
		}
	}
	if len(words) == 0 {
		return "nothing"
	}
	return strings.Join(words, ", ")
}

// judge looks at all that became of an event.
func (a *Audit) judge(e *event) {
	for k, made := range e.made {
		switch {
		case !slices.Contains(e.kinds, k):
			a.fault("target", e, "%s, should be %v", e.spell(), e.kinds)
			return
		case len(made) > 1:
			a.fault("doubled", e, "%s", e.spell())
			return
		}
	}
	switch {
	case e.goal() == nil && len(e.letters) == 0:
		a.fault("lost", e, "no %s and no letter, but %s", e.goalKind(), e.spell())
	case e.goal() != nil && len(e.letters) > 0:
		a.fault("both", e, "%s and letters %v", e.spell(), e.letters)
	case e.goal() != nil:
		a.judgeMade(e)
	default:
		a.judgeLetters(e)
	}
}

// judgeMade looks at an event that is done: whether it may be, and whether all of it is there, joined
// and of its person.
func (a *Audit) judgeMade(e *event) {
	if e.fate != AsTarget {
		a.fault("fate", e, "%s, should be %s", e.spell(), e.fate)
		return
	}
	for _, k := range e.kinds {
		if len(e.made[k]) == 0 {
			a.fault("apart", e, "%s without its %s", e.spell(), k)
			return
		}
		if c := e.made[k][0]; k != deals && !isOf(c, e.number) {
			a.fault("content", e, "%s %d has another person's phone or e-mail", k, c.ID)
		}
	}
	if slices.Contains(e.kinds, deals) {
		if contact := e.made[contacts][0].ID; e.goal().Get("contactId") != float64(contact) {
			a.fault("apart", e, "the deal is with contact %v: %s", e.goal().Get("contactId"), e.spell())
		}
	}
}

// judgeLetters looks at an event that is a dead letter: whether it may be, and whether it says what
// exists all the same.
func (a *Audit) judgeLetters(e *event) {
	done := ""
	if made := e.made[contacts]; len(made) > 0 {
		done = fmt.Sprintf("contact=%d", made[0].ID)
	}
	reasons := map[string]bool{}
	for _, l := range e.letters {
		if l.done != done {
			a.fault("done", e, "a letter says that %q exists; there is %s", l.done, e.spell())
		}
		if reasons[l.reason] {
			continue
		}
		reasons[l.reason] = true
		switch {
		case e.fate == AsTarget && l.reason == "RETRIES_EXHAUSTED":
			a.fault(Excepted, e, "a letter %s although it is good: too much failed around it to tell (docs/exceptions.md)", l.reason)
		case !e.fate.allows(l.reason):
			a.fault("fate", e, "a letter %s, should be %s", l.reason, e.fate)
		}
	}
}

// isOf tells whether a contact or a lead can be reached as its lead says.
func isOf(c crmtest.Record, number int) bool {
	for _, v := range slices.Concat(c.Phones(), c.Emails()) {
		if v.Value != phoneOf(number) && v.Value != emailOf(number) {
			return false
		}
	}
	return len(c.Phones())+len(c.Emails()) > 0
}
