package main

import (
	"bytes"
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/leadbridge/leadbridge/crmclient/crmtest"
	"github.com/leadbridge/leadbridge/transform"
)

// evidence is all that the broker and the CRM hold at the end.
type evidence struct {
	records  []transform.Record // of the topic
	letters  []transform.Record // of the dead-letter topic
	contacts []crmtest.Contact
	acked    map[int]int // how many records of a lead's number the broker acknowledged
}

// fault is one breach of what leadbridge promises, or of what the run relies on.
type fault struct {
	kind   string // lost, doubled, …: one word, to be counted
	text   string
	origin string // of the event, in the CRM; "": of none
}

// counts of an audit.
type counts struct {
	records, events, contacts, letters, repeats, tombstones int
}

// decoder gives events the identity that leadbridge gives them.
type decoder interface {
	Decode(transform.Record) (transform.Event, error)
}

// place is where a record lies.
type place struct {
	partition int
	offset    int64
}

func (p place) String() string { return fmt.Sprintf("partition %d offset %d", p.partition, p.offset) }

// event is one event and what became of it.
type event struct {
	id, origin string
	first      place
	number     int // of its lead
	fate       fate
	value      []byte
	contacts   []crmtest.Contact
	reasons    []string // of its letters, without repeats
}

// audit is one run of the accounts.
type audit struct {
	counts  counts
	faults  []fault
	byID    map[string]*event
	byPlace map[place]*event
	origins map[string]*event
}

// account tells what is wrong with the evidence: each event must be exactly one contact, or
// dead letters of exactly one event id and no contact, and nothing else may be there.
func account(ev evidence, d decoder) audit {
	a := audit{byID: map[string]*event{}, byPlace: map[place]*event{}, origins: map[string]*event{}}
	a.readRecords(ev, d)
	a.readContacts(ev.contacts)
	a.readLetters(ev.letters)
	for _, e := range slices.SortedFunc(maps.Values(a.byID), func(x, y *event) int { return cmp.Compare(x.number, y.number) }) {
		a.judge(e)
	}
	return a
}

func (a *audit) fault(kind string, e *event, format string, args ...any) {
	f := fault{kind: kind, text: fmt.Sprintf(format, args...)}
	if e != nil {
		f.text = fmt.Sprintf("lead %d at %v: %s (%s)", e.number, e.first, f.text, e.id)
		f.origin = e.origin
	}
	a.faults = append(a.faults, f)
}

func (a *audit) readRecords(ev evidence, d decoder) {
	stored := map[int]int{}
	for _, r := range ev.records {
		a.counts.records++
		number, err := strconv.Atoi(headerOf(r, headerLead))
		if err != nil {
			a.fault("stranger", nil, "a record at %v that nobody of this run wrote", placeOf(r))
			continue
		}
		stored[number]++
		if r.Value == nil {
			a.counts.tombstones++
			continue
		}
		decoded, _ := d.Decode(r) // what cannot be decoded has its identity all the same
		e, known := a.byID[decoded.ID]
		if known {
			a.counts.repeats++
		} else {
			e = &event{id: decoded.ID, origin: decoded.OriginID, first: placeOf(r), number: number,
				fate: fate(headerOf(r, headerFate)), value: r.Value}
			a.byID[e.id], a.origins[e.origin] = e, e
			a.counts.events++
		}
		a.byPlace[placeOf(r)] = e
	}
	for _, number := range slices.Sorted(maps.Keys(ev.acked)) {
		if want, have := ev.acked[number], stored[number]; have < want {
			a.fault("broker", nil, "lead %d: the broker acknowledged %d records and holds %d: it lost them, not leadbridge", number, want, have)
		}
	}
}

func (a *audit) readContacts(contacts []crmtest.Contact) {
	for _, c := range contacts {
		a.counts.contacts++
		e := a.origins[c.OriginID()]
		if e == nil {
			a.fault("stranger", nil, "contact %d belongs to no event", c.ID)
			continue
		}
		e.contacts = append(e.contacts, c)
	}
}

// readLetters looks at each letter both ways: the event that it names, and the record from which
// it says to come.
func (a *audit) readLetters(letters []transform.Record) {
	for _, l := range letters {
		a.counts.letters++
		from := originalOf(l)
		e, named := a.byPlace[from], a.byID[headerOf(l, "dlt-event-id")]
		switch {
		case e == nil || named == nil:
			a.fault("stranger", nil, "the letter at %v belongs to no event: it names %q, of %v", placeOf(l), headerOf(l, "dlt-event-id"), from)
			continue
		case e != named:
			a.fault("letter-ids", e, "its letter at %v has the id of another event, %s", placeOf(l), named.id)
		case !bytes.Equal(l.Value, e.value):
			a.fault("content", e, "its letter at %v has another value", placeOf(l))
		}
		if reason := headerOf(l, "dlt-reason"); !slices.Contains(e.reasons, reason) {
			e.reasons = append(e.reasons, reason)
		}
	}
}

func (a *audit) judge(e *event) {
	contacts, letters := len(e.contacts), len(e.reasons)
	switch {
	case contacts == 0 && letters == 0:
		a.fault("lost", e, "no contact and no letter")
	case contacts > 0 && letters > 0:
		a.fault("both", e, "contacts%s and letter %v", ids(e.contacts), e.reasons)
	case contacts > 1:
		a.fault("doubled", e, "%d contacts:%s", contacts, ids(e.contacts))
	case contacts == 1:
		a.judgeContact(e)
	default:
		a.judgeLetters(e)
	}
}

func (a *audit) judgeContact(e *event) {
	if e.fate != asContact {
		a.fault("fate", e, "a contact, should be %s", e.fate)
	} else if c := e.contacts[0]; !isOf(c, e.number) {
		a.fault("content", e, "contact %d has another person's phone or e-mail", c.ID)
	}
}

func (a *audit) judgeLetters(e *event) {
	for _, reason := range e.reasons {
		switch {
		case e.fate == asContact && reason == "RETRIES_EXHAUSTED":
			a.fault(excepted, e, "a letter %s although it is good: too much failed around it to tell (README, What cannot be promised)", reason)
		case !e.fate.allows(reason):
			a.fault("fate", e, "a letter %s, should be %s", reason, e.fate)
		}
	}
}

// excepted is the kind of what the README does not promise: shown, but no failure.
const excepted = "excepted"

// isOf tells whether a contact can be reached as its lead says.
func isOf(c crmtest.Contact, number int) bool {
	for _, v := range slices.Concat(c.Phones(), c.Emails()) {
		if v.Value != phoneOf(number) && v.Value != emailOf(number) {
			return false
		}
	}
	return len(c.Phones())+len(c.Emails()) > 0
}

func ids(contacts []crmtest.Contact) string {
	var text strings.Builder
	for _, c := range contacts {
		fmt.Fprintf(&text, " %d (created %s)", c.ID, c.Created.UTC().Format(clock))
	}
	return text.String()
}

func placeOf(r transform.Record) place { return place{r.Partition, r.Offset} }

// originalOf is where a letter says that its record lies; offset -1 when it does not.
func originalOf(l transform.Record) place {
	partition, err := strconv.Atoi(headerOf(l, "dlt-original-partition"))
	if err != nil {
		return place{offset: -1}
	}
	offset, err := strconv.ParseInt(headerOf(l, "dlt-original-offset"), 10, 64)
	if err != nil {
		return place{offset: -1}
	}
	return place{partition, offset}
}

func headerOf(r transform.Record, key string) string {
	for _, h := range r.Headers {
		if h.Key == key {
			return string(h.Value)
		}
	}
	return ""
}
