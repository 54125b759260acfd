package leads

import (
	"bytes"
	"cmp"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/leadbridge/leadbridge/crmclient/crmtest"
	"github.com/leadbridge/leadbridge/transform"
)

// Evidence is all that the broker and the CRM hold at the end.
type Evidence struct {
	Records  []transform.Record // of the topic
	Letters  []transform.Record // of the dead-letter topic
	Contacts []crmtest.Contact
	Acked    map[int]int // how many records of a lead's number the broker acknowledged
}

// Fault is one breach of what leadbridge promises, or of what the run relies on.
type Fault struct {
	Kind   string // lost, doubled, …: one word, to be counted
	Text   string
	Origin string // of the event, in the CRM; "": of none
}

// Counts of an audit.
type Counts struct {
	Records, Events, Contacts, Letters, Repeats, Tombstones int
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
	fate       Fate
	value      []byte
	contacts   []crmtest.Contact
	reasons    []string // of its letters, without repeats
}

// Audit is one run of the accounts.
type Audit struct {
	Counts  Counts
	Faults  []Fault
	byID    map[string]*event
	byPlace map[place]*event
	origins map[string]*event
}

// Account tells what is wrong with the evidence: each event must be exactly one contact, or
// dead letters of exactly one event id and no contact, and nothing else may be there.
func Account(ev Evidence, d decoder) Audit {
	a := Audit{byID: map[string]*event{}, byPlace: map[place]*event{}, origins: map[string]*event{}}
	a.readRecords(ev, d)
	a.readContacts(ev.Contacts)
	a.readLetters(ev.Letters)
	for _, e := range slices.SortedFunc(maps.Values(a.byID), func(x, y *event) int { return cmp.Compare(x.number, y.number) }) {
		a.judge(e)
	}
	return a
}

// Good tells whether nothing is wrong beyond what the README does not promise.
func (a *Audit) Good() bool {
	return !slices.ContainsFunc(a.Faults, func(f Fault) bool { return f.Kind != Excepted })
}

func (a *Audit) fault(kind string, e *event, format string, args ...any) {
	f := Fault{Kind: kind, Text: fmt.Sprintf(format, args...)}
	if e != nil {
		f.Text = fmt.Sprintf("lead %d at %v: %s (%s)", e.number, e.first, f.Text, e.id)
		f.Origin = e.origin
	}
	a.Faults = append(a.Faults, f)
}

func (a *Audit) readRecords(ev Evidence, d decoder) {
	stored := map[int]int{}
	for _, r := range ev.Records {
		a.Counts.Records++
		decoded, _ := d.Decode(r) // what cannot be decoded has its identity all the same
		number, due, ok := leadOf(r, decoded.ID)
		if !ok {
			a.fault("stranger", nil, "a record at %v that nobody of this run wrote", placeOf(r))
			continue
		}
		stored[number]++
		if r.Value == nil {
			a.Counts.Tombstones++
			continue
		}
		e, known := a.byID[decoded.ID]
		if known {
			a.Counts.Repeats++
		} else {
			e = &event{id: decoded.ID, origin: decoded.OriginID, first: placeOf(r), number: number, fate: due, value: r.Value}
			a.byID[e.id], a.origins[e.origin] = e, e
			a.Counts.Events++
		}
		a.byPlace[placeOf(r)] = e
	}
	for _, number := range slices.Sorted(maps.Keys(ev.Acked)) {
		if want, have := ev.Acked[number], stored[number]; have < want {
			a.fault("broker", nil, "lead %d: the broker acknowledged %d records and holds %d: it lost them, not leadbridge", number, want, have)
		}
	}
}

// ofGate is the event id of a webhook that a gate wrote.
var ofGate = regexp.MustCompile(`^ce:/hooks/\S+ w(\d+)$`)

// leadOf finds the lead of a record: by its headers, or where a gate wrote it, by the event's id.
func leadOf(r transform.Record, id string) (number int, due Fate, ok bool) {
	if m := ofGate.FindStringSubmatch(id); m != nil {
		number, err := strconv.Atoi(m[1])
		return number, AsContact, err == nil
	}
	number, err := strconv.Atoi(headerOf(r, HeaderLead))
	return number, Fate(headerOf(r, HeaderFate)), err == nil
}

func (a *Audit) readContacts(contacts []crmtest.Contact) {
	for _, c := range contacts {
		a.Counts.Contacts++
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
func (a *Audit) readLetters(letters []transform.Record) {
	for _, l := range letters {
		a.Counts.Letters++
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

func (a *Audit) judge(e *event) {
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

func (a *Audit) judgeContact(e *event) {
	if e.fate != AsContact {
		a.fault("fate", e, "a contact, should be %s", e.fate)
	} else if c := e.contacts[0]; !isOf(c, e.number) {
		a.fault("content", e, "contact %d has another person's phone or e-mail", c.ID)
	}
}

func (a *Audit) judgeLetters(e *event) {
	for _, reason := range e.reasons {
		switch {
		case e.fate == AsContact && reason == "RETRIES_EXHAUSTED":
			a.fault(Excepted, e, "a letter %s although it is good: too much failed around it to tell (README, What cannot be promised)", reason)
		case !e.fate.allows(reason):
			a.fault("fate", e, "a letter %s, should be %s", reason, e.fate)
		}
	}
}

// Excepted is the kind of what the README does not promise: shown, but no failure.
const Excepted = "Excepted"

// isOf tells whether a contact can be reached as its lead says.
func isOf(c crmtest.Contact, number int) bool {
	for _, v := range slices.Concat(c.Phones(), c.Emails()) {
		if v.Value != phoneOf(number) && v.Value != emailOf(number) {
			return false
		}
	}
	return len(c.Phones())+len(c.Emails()) > 0
}

// clock is how times are told, in UTC.
const clock = "15:04:05.000"

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
