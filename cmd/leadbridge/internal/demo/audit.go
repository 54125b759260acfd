package demo

import (
	"cmp"
	"slices"

	"github.com/leadbridge/leadbridge/crmclient"
	"github.com/leadbridge/leadbridge/crmclient/crmtest"
	"github.com/leadbridge/leadbridge/internal/audit"
	"github.com/leadbridge/leadbridge/transform"
)

// evidence is what broker and simulator hold at the end.
type evidence struct {
	records  []transform.Record // of the topic
	fates    map[audit.Place]due
	letters  []transform.Record // of the dead-letter topic
	objects  []audit.Object
	comments []audit.Comment
	target   crmclient.Target // what an event becomes; empty: a contact
	match    crmclient.Match
}

// due is what must become of a record.
type due struct {
	fate   fate
	points []string // phone and e-mail of its person; nil: the audit does not compare persons for this record
}

// verdict is what an audit found.
type verdict struct {
	records    int
	tombstones int
	events     int            // different ones: records sent twice are one event
	created    int            // events for which an object of the target's kind was made
	matched    int            // events that were given to an older contact of their person
	letters    map[string]int // events that became a dead letter, by reason
	comments   int
	duplicates int // objects beyond the first of their kind and event, comments beyond the first of their event
	problems   []string
	thing      string // what an event becomes: contact, lead or deal
}

// auditOf accounts for every record: each event must be exactly what the target says or one dead letter, the right one,
// and nothing else may be there.
func auditOf(ev evidence, d audit.Decoder) verdict {
	kinds := audit.KindsOf(ev.target)
	records := make([]audit.Record, len(ev.records))
	for i, r := range ev.records {
		said := ev.fates[audit.PlaceOf(r)]
		records[i] = audit.RecordOf(r, d, audit.Due{Kinds: kinds, Reasons: said.fate.reasons(), Points: said.points})
	}
	a := audit.Account(audit.Evidence{
		Records: records, Letters: audit.LettersOf(ev.letters), Objects: ev.objects, Comments: ev.comments, Originator: originator,
		Match: audit.Match{By: ev.match},
	})
	v := verdict{
		records: a.Counts.Records, tombstones: a.Counts.Tombstones, events: a.Counts.Events, matched: a.Counts.Matched,
		letters: map[string]int{}, thing: cmp.Or(string(ev.target), "contact"),
	}
	for _, e := range a.Events {
		// Goal returns Given itself if no object was made for the event.
		if goal := e.Goal(); goal != nil && goal != e.Given {
			v.created++
		}
		if e.Commented() {
			v.comments++
		}
		for _, reason := range e.Reasons() {
			v.letters[reason]++
		}
		v.duplicates += e.Duplicates()
	}
	for _, f := range a.Faults {
		v.problems = append(v.problems, f.Text)
	}
	return v
}

// objectsOf returns all contacts, leads and deals of a portal.
func objectsOf(s *crmtest.Simulator) []audit.Object {
	return slices.Concat(audit.ObjectsOf(audit.Contact, s.Contacts()), audit.ObjectsOf(audit.Lead, s.Records(crmtest.Leads)), audit.ObjectsOf(audit.Deal, s.Records(crmtest.Deals)))
}

// reasons returns a fate without asContact. For a tombstone that is asNothing, which no letter has as its reason: a tombstone is not
// an event, so the audit does not use it.
func (f fate) reasons() []string {
	return slices.DeleteFunc(slices.Clone([]string(f)), func(s string) bool { return s == asContact })
}
