package main

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
)

// partitions of the topic: more than there are consumers.
const partitions = 6

// Headers that tell the audit what a record is. leadbridge does not look at them
// and passes them on to a dead letter.
const (
	headerLead = "chaos-lead" // its number
	headerFate = "chaos-fate"
)

// fate is what must become of an event: a contact, nothing, or a dead letter of
// one of the reasons, with bars between them.
type fate string

const (
	asContact fate = "contact"
	asNothing fate = "nothing"
	malformed fate = "MALFORMED_EVENT"
	noContact fate = "NO_CONTACT_POINT"
	// A refusal that comes after other failures may be the last of several.
	refused fate = "CRM_REFUSED|RETRIES_EXHAUSTED"
)

func (f fate) allows(reason string) bool {
	for one := range strings.SplitSeq(string(f), "|") {
		if one == reason {
			return true
		}
	}
	return false
}

// What the simulated CRM makes trouble over when a contact contains it.
const (
	markRefuse   = "NO-SUCH-TYPE"
	markBusiness = "PORTAL-RULE"
	markForbid   = "OTHER-DEPARTMENT"
	markConflict = "TWIN-OF-ANOTHER"
	markPoison   = "POISON-PILL"
)

// lead is one record to be produced.
type lead struct {
	number    int
	partition int32
	key       string // "": none
	value     []byte // nil: a tombstone
	webhookID string // of the header; "": none
	fate      fate
	named     bool // the sender gave the event an id, so that it may send it again
}

func phoneOf(number int) string { return fmt.Sprintf("+7916%07d", number) }
func emailOf(number int) string { return fmt.Sprintf("lead.%d@chaos.example", number) }

// shape is a kind of lead and how many of a thousand are such.
type shape struct {
	weight int
	fate   fate
	make   func(l *lead)
}

func shapes() []shape {
	return []shape{
		{340, asContact, cloudEvent("")},
		{260, asContact, webhook},
		{303, asContact, anonymous},
		{18, malformed, text("name=Nobody&phone=none")},
		{18, malformed, text(`["a list"]`)},
		{30, noContact, text(`{"name":"Nobody"}`)},
		{7, refused, cloudEvent(markRefuse)},
		{7, refused, cloudEvent(markConflict)},
		// These are tried several times, and hold each other up when they are many.
		{3, refused, cloudEvent(markBusiness)},
		{3, refused, cloudEvent(markForbid)},
		{1, refused, cloudEvent(markPoison)},
		{10, asNothing, func(l *lead) { l.value = nil }},
	}
}

// cloudEvent has an id of its own; a post makes trouble in the CRM.
func cloudEvent(post string) func(*lead) {
	return func(l *lead) {
		l.named = true
		l.value = fmt.Appendf(nil, `{"specversion":"1.0","id":"e%d","source":"/chaos","type":"lead","data":{"name":"Nobody %d","phone":%q,"email":%q,"post":%q}}`,
			l.number, l.number, phoneOf(l.number), emailOf(l.number), post)
	}
}

func webhook(l *lead) {
	l.named, l.webhookID = true, fmt.Sprintf("w%d", l.number)
	l.value = fmt.Appendf(nil, `{"name":"Nobody %d","email":%q}`, l.number, emailOf(l.number))
}

// anonymous has no id: each record of it is an event.
func anonymous(l *lead) {
	l.value = fmt.Appendf(nil, `{"name":"Nobody %d","phone":%q}`, l.number, phoneOf(l.number))
}

func text(s string) func(*lead) { return func(l *lead) { l.value = []byte(s) } }

// author makes leads, one after another, from a seed.
type author struct {
	random *rand.Rand
	shapes []shape
	number int
	recent []lead // that a sender may send again
}

func newAuthor(seed uint64) *author {
	return &author{random: rand.New(rand.NewPCG(seed, 1<<32)), shapes: shapes()}
}

// How often, in a thousand, a lead is one that was sent before, and how far back that
// may lie: well within DEDUPE_WINDOW.
const (
	repeatShare = 40
	repeatReach = 300
)

// next is a new lead, or one that its sender sends again: to the same partition, as
// its key or its retry demands.
func (a *author) next() lead {
	if len(a.recent) > 0 && a.random.IntN(1000) < repeatShare {
		return a.recent[a.random.IntN(len(a.recent))]
	}
	a.number++
	l := lead{number: a.number}
	a.place(&l)
	at := a.random.IntN(1000)
	for _, s := range a.shapes {
		if at -= s.weight; at < 0 {
			l.fate = s.fate
			s.make(&l)
			break
		}
	}
	if l.named {
		a.recent = append(a.recent[max(0, len(a.recent)-repeatReach+1):], l)
	}
	return l
}

// place chooses key and partition. Two of three leads have a key.
func (a *author) place(l *lead) {
	if a.random.IntN(3) == 0 {
		l.partition = a.random.Int32N(partitions)
		return
	}
	person := a.random.Int32N(97)
	l.key, l.partition = "k"+strconv.Itoa(int(person)), person%partitions
}
