// Package leads makes up the leads of a run, each with the fate that it must have, and
// accounts for them at its end.
package leads

import (
	"bytes"
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"

	"github.com/leadbridge/leadbridge/crmclient"
	"github.com/leadbridge/leadbridge/crmclient/crmtest"
)

// Partitions of the topic: more than there are consumers.
const Partitions = 6

// Headers that tell the audit what a record is. leadbridge does not look at them
// and passes them on to a dead letter.
const (
	HeaderLead   = "test-lead" // its number
	HeaderFate   = "test-fate"
	HeaderTarget = "test-target" // that the event itself names; missing when it names none
	HeaderPerson = "test-person" // the number of the lead that was its person's first; missing: its own
)

// Fate is what must become of an event: what its target says, nothing, or a dead letter of
// one of the reasons, with bars between them.
type Fate string

// Fates.
const (
	AsTarget  Fate = "target"
	AsNothing Fate = "nothing"
	malformed Fate = "MALFORMED_EVENT"
	noContact Fate = "NO_CONTACT_POINT"
	// A refusal that comes after other failures may be the last of several.
	refused Fate = "CRM_REFUSED|RETRIES_EXHAUSTED"
)

// What the simulated CRM makes trouble over when a contact contains it.
const (
	MarkRefuse   = "NO-SUCH-TYPE"
	MarkBusiness = "PORTAL-RULE"
	MarkForbid   = "OTHER-DEPARTMENT"
	MarkConflict = "TWIN-OF-ANOTHER"
	MarkPoison   = "POISON-PILL"
)

// Troubles are the CRM's faults that the marks ask for.
func Troubles() crmtest.Faults {
	return crmtest.Faults{Refuse: MarkRefuse, Business: MarkBusiness, Forbid: MarkForbid, Conflict: MarkConflict, Poison: MarkPoison}
}

// troublesome reports whether the CRM makes trouble over a value.
func troublesome(value []byte) bool {
	return slices.ContainsFunc([]string{MarkRefuse, MarkBusiness, MarkForbid, MarkConflict, MarkPoison}, func(mark string) bool {
		return bytes.Contains(value, []byte(mark))
	})
}

// Lead is one record to be produced.
type Lead struct {
	Number    int
	Person    int // the number of its person's first lead; 0: its own
	Partition int32
	Key       string // "": none
	Value     []byte // nil: a tombstone
	WebhookID string // of the header; "": none
	Fate      Fate
	Target    crmclient.Target // that the event itself names; "": none
	named     bool             // the sender gave the event an id, so that it may send it again
}

func phoneOf(number int) string { return fmt.Sprintf("+7916%07d", number) }
func emailOf(number int) string { return fmt.Sprintf("lead.%d@chaos.example", number) }

// shape is a kind of lead and how often it comes beside the others.
type shape struct {
	weight int
	fate   Fate
	make   func(l *Lead)
}

func shapes() []shape {
	return []shape{
		{340, AsTarget, cloudEvent("")},
		{260, AsTarget, webhook},
		{303, AsTarget, anonymous},
		{18, malformed, text("name=Nobody&phone=none")},
		{18, malformed, text(`["a list"]`)},
		{30, noContact, text(`{"name":"Nobody"}`)},
		{7, refused, cloudEvent(MarkRefuse)},
		{7, refused, cloudEvent(MarkConflict)},
		// These are tried several times, and hold each other up when they are many.
		{3, refused, cloudEvent(MarkBusiness)},
		{3, refused, cloudEvent(MarkForbid)},
		{1, refused, cloudEvent(MarkPoison)},
		{10, AsNothing, func(l *Lead) { l.Value = nil }},
	}
}

// naming are the shapes of events that name their target. Trouble over the title of a deal comes when
// its contact exists.
func naming(targets []crmclient.Target) (all []shape) {
	for _, t := range targets {
		all = append(all, shape{80, AsTarget, targeted(t, "")})
		if t != crmclient.TargetContact {
			all = append(all, shape{4, refused, targeted(t, MarkRefuse)}, shape{1, refused, targeted(t, MarkPoison)})
		}
	}
	return all
}

// cloudEvent has an id of its own; a post makes trouble in the CRM.
func cloudEvent(post string) func(*Lead) {
	return func(l *Lead) {
		l.named = true
		l.Value = fmt.Appendf(nil, `{"specversion":"1.0","id":"e%d","source":"/chaos","type":"lead","data":{"name":"Nobody %d","phone":%q,"email":%q,"post":%q,"message":"Call me"}}`,
			l.Number, l.Number, phoneOf(l.Number), emailOf(l.Number), post)
	}
}

// targeted names its target; a title of the lead or the deal makes trouble in the CRM.
func targeted(target crmclient.Target, title string) func(*Lead) {
	return func(l *Lead) {
		l.named, l.Target = true, target
		l.Value = fmt.Appendf(nil, `{"specversion":"1.0","id":"e%d","source":"/chaos","type":"lead","data":{"name":"Nobody %d","phone":%q,"email":%q,"message":"Call me","target":%q,"deal":{"title":%q}}}`,
			l.Number, l.Number, phoneOf(l.Number), emailOf(l.Number), target, title)
	}
}

// Webhook is what a website sends of a person.
func Webhook(number int) Lead {
	l := Lead{Number: number, Fate: AsTarget}
	webhook(&l)
	return l
}

// Good is a good lead that names its target.
func Good(number int, target crmclient.Target) Lead {
	l := Lead{Number: number, Fate: AsTarget}
	targeted(target, "")(&l)
	return l
}

// hooksOfAPerson is how many webhooks a person sends, where persons return.
const hooksOfAPerson = 4

// Hook is what a website sends of a person to a gate. It names one of the targets, or none; its id says which, and whose
// it is, as what a gate writes has no headers of ours.
func Hook(number int, o Options) Lead {
	l := Lead{Number: number, Fate: AsTarget, Person: number}
	id := fmt.Sprintf("w%d", number)
	if o.PersonsReturn {
		l.Person -= number % hooksOfAPerson
		id += fmt.Sprintf("p%d", l.Person)
	}
	webhook(&l)
	if i := number % (len(o.Targets) + 1); i > 0 {
		l.Target = o.Targets[i-1]
		id += "." + string(l.Target)
		l.Value = fmt.Appendf(nil, `{"name":"Nobody %d","email":%q,"message":"Call me","target":%q}`, l.Person, emailOf(l.Person), l.Target)
	}
	l.WebhookID = id
	return l
}

func webhook(l *Lead) {
	l.named, l.WebhookID = true, fmt.Sprintf("w%d", l.Number)
	person := cmp.Or(l.Person, l.Number)
	l.Value = fmt.Appendf(nil, `{"name":"Nobody %d","email":%q,"message":"Call me"}`, person, emailOf(person))
}

// anonymous has no id: each record of it is an event.
func anonymous(l *Lead) {
	l.Value = fmt.Appendf(nil, `{"name":"Nobody %d","phone":%q}`, l.Number, phoneOf(l.Number))
}

func text(s string) func(*Lead) { return func(l *Lead) { l.Value = []byte(s) } }

// Author makes leads, one after another, from a seed.
type Author struct {
	random  *rand.Rand
	shapes  []shape
	weights int // of all shapes
	options Options
	number  int
	recent  []Lead // that a sender may send again
	persons []int  // who may come back, by the numbers of their first leads
}

// Options of leads.
type Options struct {
	Targets       []crmclient.Target // that events name by themselves: about a tenth of them each
	PersonsReturn bool               // some persons send one lead after another, all with one key
}

// NewAuthor makes one whose leads all follow from the seed.
func NewAuthor(seed uint64, o Options) *Author {
	a := &Author{random: rand.New(rand.NewPCG(seed, 1<<32)), shapes: slices.Concat(shapes(), naming(o.Targets)), options: o}
	for _, s := range a.shapes {
		a.weights += s.weight
	}
	return a
}

// How often, in a thousand, a lead is one that was sent before, and how far back that
// may lie: well within DEDUPE_WINDOW.
const (
	repeatShare = 40
	repeatReach = 300
)

// Next is a new lead, or one that its sender sends again: to the same partition, as
// its key or its retry demands.
func (a *Author) Next() Lead {
	if len(a.recent) > 0 && a.random.IntN(1000) < repeatShare {
		return a.recent[a.random.IntN(len(a.recent))]
	}
	a.number++
	l := Lead{Number: a.number}
	if a.options.PersonsReturn && a.OneIn(returnShare) {
		a.returning(&l)
		a.recent = append(a.recent[max(0, len(a.recent)-repeatReach+1):], l)
		return l
	}
	a.place(&l)
	at := a.random.IntN(a.weights)
	for _, s := range a.shapes {
		if at -= s.weight; at < 0 {
			l.Fate = s.fate
			s.make(&l)
			break
		}
	}
	if l.named {
		a.recent = append(a.recent[max(0, len(a.recent)-repeatReach+1):], l)
	}
	return l
}

// Where persons return, one lead in so many is of such a person, and so many persons do.
const (
	returnShare  = 4
	mostPersons  = 40
	personsShare = 6 // one in so many is a new one
	refusedShare = 20
)

// returning makes a lead of a person who has sent one before, or will send more. All have one key, as a gate's: the
// person's e-mail.
func (a *Author) returning(l *Lead) {
	if len(a.persons) == 0 || a.OneIn(personsShare) {
		a.persons = append(a.persons[max(0, len(a.persons)-mostPersons+1):], l.Number)
	}
	l.Person = a.persons[a.random.IntN(len(a.persons))]
	l.Key, l.Partition = emailOf(l.Person), int32(l.Person%Partitions)
	if i := a.random.IntN(len(a.options.Targets) + 1); i > 0 {
		l.Target = a.options.Targets[i-1]
	}
	title := ""
	if l.Fate = AsTarget; l.Target != "" && l.Target != crmclient.TargetContact && a.OneIn(refusedShare) {
		l.Fate, title = refused, MarkRefuse
	}
	l.named = true
	l.Value = fmt.Appendf(nil, `{"specversion":"1.0","id":"e%d","source":"/chaos","type":"lead","data":{"name":"Nobody %d","phone":%q,"email":%q,"message":"Call me","target":%q,"deal":{"title":%q}}}`,
		l.Number, l.Person, phoneOf(l.Person), emailOf(l.Person), l.Target, title)
}

// OneIn is true once in n times, by the seed.
func (a *Author) OneIn(n int) bool { return a.random.IntN(n) == 0 }

// keys is how many keys there are.
const keys = 97

// place chooses key and partition. Two of three leads have a key.
func (a *Author) place(l *Lead) {
	if a.random.IntN(3) == 0 {
		l.Partition = a.random.Int32N(Partitions)
		return
	}
	person := a.random.Int32N(keys)
	l.Key, l.Partition = "k"+strconv.Itoa(int(person)), person%Partitions
}
