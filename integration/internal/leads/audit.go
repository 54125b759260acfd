package leads

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/leadbridge/leadbridge/crmclient"
	"github.com/leadbridge/leadbridge/crmclient/crmtest"
	"github.com/leadbridge/leadbridge/internal/audit"
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
	Match   crmclient.Match  // CRM_MATCH
	Blind   time.Duration    // how long before another contact of its person one may be made and be missed: see [audit.Match]
}

// Account audits the evidence by what the leads' authors said of them. Besides the faults of [audit.Account] it finds
// records of nobody (stranger) and such that the broker lost (broker).
func Account(ev Evidence, d audit.Decoder) audit.Audit {
	var faults []audit.Fault
	fault := func(kind, format string, args ...any) {
		faults = append(faults, audit.Fault{Kind: kind, Text: fmt.Sprintf(format, args...)})
	}
	var records []audit.Record
	stored := map[int]int{}
	for _, r := range ev.Records {
		one := audit.RecordOf(r, d, audit.Due{})
		says, ok := readSays(r, one.EventID)
		if !ok {
			fault("stranger", "a record at %v that nobody of this run wrote", one.Place)
			continue
		}
		stored[says.number]++
		one.Due = says.due(r, ev.Target)
		if ev.Ordered && r.Key != nil {
			one.Line = fmt.Sprintf("%d %s", r.Partition, r.Key)
		}
		records = append(records, one)
	}
	for _, number := range slices.Sorted(maps.Keys(ev.Acked)) {
		if want, have := ev.Acked[number], stored[number]; have < want {
			fault("broker", "lead %d: the broker acknowledged %d records and holds %d: it lost them, not leadbridge", number, want, have)
		}
	}
	a := audit.Account(audit.Evidence{
		Records: records, Letters: audit.LettersOf(ev.Letters), Comments: audit.CommentsOf(ev.Comments),
		Objects: slices.Concat(audit.ObjectsOf(audit.Contact, ev.Contacts), audit.ObjectsOf(audit.Lead, ev.Leads), audit.ObjectsOf(audit.Deal, ev.Deals)),
		Match:   audit.Match{By: ev.Match, Blind: ev.Blind},
	})
	a.Counts.Records = len(ev.Records)
	a.Faults = append(faults, a.Faults...)
	return a
}

// says is what a record says of its lead.
type says struct {
	number, person int
	fate           Fate
	target         crmclient.Target // that it names; "": none
}

// ofGate is the event id of a webhook that a gate wrote: its number, its person, its target.
var ofGate = regexp.MustCompile(`^ce:/hooks/\S+ w(\d+)(?:p(\d+))?(?:\.(\w+))?$`)

// readSays reads what a record says of its lead: in its headers, or where a gate wrote it, in the event's id.
func readSays(r transform.Record, id string) (s says, ok bool) {
	s = says{fate: Fate(audit.Header(r, HeaderFate)), target: crmclient.Target(audit.Header(r, HeaderTarget))}
	number, person := audit.Header(r, HeaderLead), audit.Header(r, HeaderPerson)
	if m := ofGate.FindStringSubmatch(id); m != nil {
		number, person, s.fate, s.target = m[1], m[2], AsTarget, crmclient.Target(m[3])
	}
	var err error
	if s.number, err = strconv.Atoi(number); err != nil {
		return s, false
	}
	if s.person = s.number; person != "" {
		s.person, err = strconv.Atoi(person)
	}
	return s, err == nil
}

// due is what must become of a record's event. An edit may have mended what the CRM refused.
func (s says) due(r transform.Record, standard crmclient.Target) audit.Due {
	if s.target == "" {
		s.target = standard
	}
	due := audit.Due{Name: fmt.Sprintf("lead %d", s.number), Kinds: audit.KindsOf(s.target), Points: []string{phoneOf(s.person), emailOf(s.person)}}
	if mended := audit.Replays(r) > 0 && s.fate == refused && !troublesome(r.Value); s.fate == AsTarget || mended {
		due.Excepted = []string{"RETRIES_EXHAUSTED"}
	} else {
		due.Reasons = strings.Split(string(s.fate), "|")
	}
	return due
}
