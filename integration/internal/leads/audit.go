package leads

import (
	"bytes"
	"cmp"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"

	"github.com/leadbridge/leadbridge/crmclient"
	"github.com/leadbridge/leadbridge/crmclient/crmtest"
	"github.com/leadbridge/leadbridge/transform"
)

// Evidence is all that the broker and the CRM hold at the end.
type Evidence struct {
	Records                []transform.Record // of the topic
	Letters                []transform.Record // of the dead-letter topic; markers of replays may be among them
	Contacts, Leads, Deals []crmtest.Record
	Comments               []crmtest.Record // on cards
	Acked                  map[int]int      // how many records of a lead's number the broker acknowledged

	Target  crmclient.Target // CRM_TARGET; "": contact
	Ordered bool             // ORDER_BY is key: events of one key are made in their order
}

// Fault is one breach of what leadbridge promises, or of what the run relies on.
type Fault struct {
	Kind   string // lost, doubled, …: one word, to be counted
	Text   string
	Origin string // of the event, in the CRM; "": of none
}

// Counts of an audit.
type Counts struct {
	Records, Events, Contacts, Leads, Deals, Letters, Repeats, Replays, Tombstones int
	Comments                                                                       int // on cards
	Excepted                                                                       int // letters of good events that docs/exceptions.md excepts
}

// Minus is what came since earlier counts.
func (c Counts) Minus(d Counts) Counts {
	return Counts{
		Records: c.Records - d.Records, Events: c.Events - d.Events, Contacts: c.Contacts - d.Contacts, Leads: c.Leads - d.Leads, Deals: c.Deals - d.Deals,
		Letters: c.Letters - d.Letters, Repeats: c.Repeats - d.Repeats, Replays: c.Replays - d.Replays, Tombstones: c.Tombstones - d.Tombstones,
		Comments: c.Comments - d.Comments, Excepted: c.Excepted - d.Excepted,
	}
}

// Plus adds counts.
func (c Counts) Plus(d Counts) Counts { return c.Minus(Counts{}.Minus(d)) }

// decoder gives events the identity that leadbridge gives them.
type decoder interface {
	Decode(transform.Record) (transform.Event, error)
}

// Audit is one run of the accounts.
type Audit struct {
	Counts  Counts
	Faults  []Fault
	byID    map[string]*event
	byPlace map[place]*event
	origins map[string]*event
	cards   map[card]*event
	lines   map[string][]*event // by partition and key, in the order of their first records
}

// Account tells what is wrong with the evidence: each event must be exactly what its target says, or
// dead letters of exactly one event id and no such object, and nothing else may be there.
func Account(ev Evidence, d decoder) Audit {
	a := Audit{byID: map[string]*event{}, byPlace: map[place]*event{}, origins: map[string]*event{}, cards: map[card]*event{}, lines: map[string][]*event{}}
	a.readRecords(ev, d)
	a.Counts.Contacts = a.readObjects(ev.Contacts, contacts)
	a.Counts.Leads = a.readObjects(ev.Leads, cards)
	a.Counts.Deals = a.readObjects(ev.Deals, deals)
	a.readComments(ev.Comments)
	a.readLetters(ev.Letters)
	for _, e := range slices.SortedFunc(maps.Values(a.byID), func(x, y *event) int { return cmp.Compare(x.number, y.number) }) {
		a.judge(e)
	}
	if ev.Ordered {
		a.judgeOrder()
	}
	for _, f := range a.Faults {
		if f.Kind == Excepted {
			a.Counts.Excepted++
		}
	}
	return a
}

// Good reports whether nothing is wrong beyond what docs/exceptions.md excepts.
func (a *Audit) Good() bool {
	return !slices.ContainsFunc(a.Faults, func(f Fault) bool { return f.Kind != Excepted })
}

// Excepted is the kind of a fault that docs/exceptions.md excepts: shown, but no failure.
const Excepted = "Excepted"

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
		number, due, named, ok := leadOf(r, decoded.ID)
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
		switch {
		case !known:
			e = newEvent(r, decoded, number, due, cmp.Or(named, ev.Target, crmclient.TargetContact))
			a.byID[e.id], a.origins[e.origin] = e, e
			a.Counts.Events++
			if line := fmt.Sprintf("%d %s", r.Partition, r.Key); r.Key != nil {
				a.lines[line] = append(a.lines[line], e)
			}
		case replaysOf(r) > 0:
			a.Counts.Replays++
			e.replayed(replaysOf(r), r.Value)
		default:
			a.Counts.Repeats++
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
var ofGate = regexp.MustCompile(`^ce:/hooks/\S+ w(\d+)(?:\.(\w+))?$`)

// leadOf finds the lead of a record, its fate and the target that it names: by its headers, or where a gate
// wrote it, by the event's id.
func leadOf(r transform.Record, id string) (number int, due Fate, named crmclient.Target, ok bool) {
	if m := ofGate.FindStringSubmatch(id); m != nil {
		number, err := strconv.Atoi(m[1])
		return number, AsTarget, crmclient.Target(m[2]), err == nil
	}
	number, err := strconv.Atoi(headerOf(r, HeaderLead))
	return number, Fate(headerOf(r, HeaderFate)), crmclient.Target(headerOf(r, HeaderTarget)), err == nil
}

// readObjects gives objects of a kind to their events, and returns how many there are.
func (a *Audit) readObjects(records []crmtest.Record, k kind) int {
	for _, c := range records {
		e := a.origins[c.OriginID()]
		if e == nil {
			a.fault("stranger", nil, "%s %d belongs to no event", k, c.ID)
			continue
		}
		e.made[k] = append(e.made[k], c)
		a.cards[card{k, c.ID}] = e
	}
	return len(records)
}

// readComments gives comments to the events of their cards. A comment that is missing is no fault: what can
// not be written keeps no event.
func (a *Audit) readComments(records []crmtest.Record) {
	for _, c := range records {
		a.Counts.Comments++
		id, _ := c.Get("entityId").(float64)
		on := card{kind(c.Text("entityType")), int64(id)}
		e := a.cards[on]
		switch {
		case e == nil:
			a.fault("stranger", nil, "comment %d is on %v, which belongs to no event", c.ID, on)
		case on.kind != e.goalKind():
			a.fault("comment", e, "comment %d is on %v, should be on the %s", c.ID, on, e.goalKind())
		case e.commented:
			a.fault("comment", e, "comment %d is the second one on %v", c.ID, on)
		default:
			e.commented = true
		}
	}
}

// readLetters looks at each letter both ways: the event that it names, and the record from which
// it says to come. A letter that was replayed since is history.
func (a *Audit) readLetters(letters []transform.Record) {
	for _, l := range letters {
		if headerOf(l, "dlt-marker") != "" {
			continue
		}
		a.Counts.Letters++
		from := originalOf(l)
		e, named := a.byPlace[from], a.byID[headerOf(l, "dlt-event-id")]
		switch {
		case e == nil || named == nil:
			a.fault("stranger", nil, "the letter at %v belongs to no event: it names %q, of %v", placeOf(l), headerOf(l, "dlt-event-id"), from)
			continue
		case e != named:
			a.fault("letter-ids", e, "its letter at %v has the id of another event, %s", placeOf(l), named.id)
		case !bytes.Equal(l.Value, e.values[replaysOf(l)]):
			a.fault("content", e, "its letter at %v has another value", placeOf(l))
		}
		if replaysOf(l) == e.replays {
			e.letters = append(e.letters, letter{reason: headerOf(l, "dlt-reason"), done: headerOf(l, "dlt-done")})
		}
	}
}

// judgeOrder looks whether events of one key were made in their order. A replay, by itself, loses it.
func (a *Audit) judgeOrder() {
	for _, line := range slices.Sorted(maps.Keys(a.lines)) {
		last := map[kind]*event{} // ids follow each other within a kind
		for _, e := range a.lines[line] {
			if e.goal() == nil || e.replays > 0 {
				continue
			}
			before := last[e.goalKind()]
			if before != nil && e.goal().ID < before.goal().ID {
				a.fault("order", e, "%s was made before %s of lead %d, which has the same key and lies before it, at %v", e.spell(), before.spell(), before.number, before.first)
			}
			last[e.goalKind()] = e
		}
	}
}

// clock is how times are told, in UTC.
const clock = "15:04:05.000"

// card is an object of the CRM.
type card struct {
	kind kind
	id   int64
}

func (c card) String() string { return fmt.Sprintf("%s %d", c.kind, c.id) }

// place is where a record lies.
type place struct {
	partition int
	offset    int64
}

func (p place) String() string { return fmt.Sprintf("partition %d offset %d", p.partition, p.offset) }

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

// replaysOf is how often the event of a record or letter was replayed before.
func replaysOf(r transform.Record) int {
	n, err := strconv.Atoi(headerOf(r, "dlt-replays"))
	if err != nil {
		return 0
	}
	return n
}

// headerOf is the last value of a header: whoever adds one means it.
func headerOf(r transform.Record, key string) string {
	for _, h := range slices.Backward(r.Headers) {
		if h.Key == key {
			return string(h.Value)
		}
	}
	return ""
}
