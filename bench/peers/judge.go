package main

import (
	"context"
	"encoding/json"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/segmentio/kafka-go"

	"github.com/leadbridge/leadbridge/bench/internal/lead"
	"github.com/leadbridge/leadbridge/bench/internal/sim"
	"github.com/leadbridge/leadbridge/internal/audit"
)

// outcome is what a case with a contestant came to. Times are in seconds. Leads that were sent before the case began are
// looked at like the others, but their waits do not count.
type outcome struct {
	Case       string `json:"case"`
	Contestant string `json:"contestant"`

	Good      int `json:"good_leads"`
	Once      int `json:"good_leads_with_one_contact"` // and no letter
	Second    int `json:"second_contacts"`             // beyond the first of a lead
	Doubled   int `json:"leads_with_second_contacts"`
	Wrong     int `json:"wrong_letters"` // good leads that are letters
	Both      int `json:"wrong_letters_with_a_contact"`
	Lost      int `json:"lost"`          // leads below the committed offset that are neither contact nor letter
	Waiting   int `json:"not_delivered"` // good leads at or above it when the case's time was over: neither contact nor letter
	Refused   int `json:"refused_leads"`
	Letters   int `json:"right_letters"`                // refused leads that are letters
	SameTwice int `json:"letters_written_again"`        // beyond the first of a lead
	Made      int `json:"refused_leads_with_a_contact"` // the simulator makes none

	P50 float64 `json:"wait_p50"` // of the good leads that became contacts, from the acknowledgement by Kafka
	Max float64 `json:"wait_max"`

	First float64 `json:"first_after,omitzero"` // from the end of the fault to the contact of a lead that came after it
	All   float64 `json:"all_after,omitzero"`   // from the end of the fault to the last contact; leads that are letters are not among them

	Speed speed  `json:"speed,omitzero"`
	Error string `json:"error,omitempty"` // why the case could not be played
}

// evidence is what is looked at at the end of a case.
type evidence struct {
	sent      []sentLead
	held      map[int][]time.Time // when contacts were made, by the lead's number
	letters   map[int]int         // by the lead's number
	committed []int64             // by partition
	mended    time.Time           // zero: no fault ended
}

// evidence asks the simulator and the broker.
func (s *scene) evidence(ctx context.Context) (evidence, error) {
	e := evidence{sent: s.sent, mended: s.mended, letters: map[int]int{}}
	contacts, err := s.sim.Held(ctx, "contacts")
	if err != nil {
		return e, err
	}
	e.held = heldBy(contacts)
	err = s.broker.Read(ctx, s.world.dlt, partitions, func(_ audit.Place, value []byte, _ []kafka.Header) error {
		if n, ok := leadIn(value); ok {
			e.letters[n]++
		}
		return nil
	})
	if err == nil {
		e.committed, err = s.broker.Committed(ctx, s.world.group, s.world.topic, partitions)
	}
	return e, err
}

// heldBy returns when contacts were made, by the lead's number, which is in their e-mails.
func heldBy(contacts []sim.Contact) map[int][]time.Time {
	held := map[int][]time.Time{}
	for _, c := range contacts {
		for _, email := range c.Email {
			if n, ok := lead.Of(email.Value); ok {
				held[n] = append(held[n], c.Created)
			}
		}
	}
	return held
}

// leadIn finds which lead a letter holds: its value is the event as it was sent, whoever wrote it.
func leadIn(value []byte) (int, bool) {
	var event struct{ Email string }
	if json.Unmarshal(value, &event) != nil {
		return 0, false
	}
	return lead.Of(event.Email)
}

// account gives what was found to the audit that the product's own tests use.
func (e evidence) account() []*audit.Event {
	var ev audit.Evidence
	for n, l := range e.sent {
		id := strconv.Itoa(n)
		due := audit.Due{Kinds: []audit.Kind{audit.Contact}, Open: l.place.Offset >= e.committed[l.place.Partition]}
		ev.Records = append(ev.Records, audit.Record{Place: l.place, EventID: id, Origin: id, Value: []byte(l.value), Due: due})
		for range e.letters[n] {
			ev.Letters = append(ev.Letters, audit.Letter{EventID: id, From: l.place})
		}
		for _, made := range e.held[n] {
			ev.Objects = append(ev.Objects, audit.Object{Kind: audit.Contact, Origin: id, Created: made})
		}
	}
	return audit.Account(ev).Events
}

// uncommitted is how many leads the contestant has not committed: it is not done with them.
func (e evidence) uncommitted() (n int) {
	for _, l := range e.sent {
		n += count(l.place.Offset >= e.committed[l.place.Partition])
	}
	return n
}

// judge counts what became of each lead.
func (e evidence) judge() outcome {
	var o outcome
	var waits []time.Duration
	for n, became := range e.account() {
		l, contact, letters := e.sent[n], became.Goal(), len(became.Letters)
		o.Second += became.Duplicates()
		o.Doubled += count(became.Duplicates() > 0)
		o.Lost += count(became.Lost())
		o.SameTwice += max(0, letters-1)
		if l.refused {
			o.Refused++
			o.Letters += count(letters > 0)
			o.Made += count(contact != nil)
			continue
		}
		o.Good++
		o.Once += count(contact != nil && letters == 0 && became.Duplicates() == 0)
		o.Wrong += count(letters > 0)
		o.Both += count(letters > 0 && contact != nil)
		o.Waiting += count(contact == nil && letters == 0 && !became.Lost())
		if contact == nil || l.warm {
			continue
		}
		waits = append(waits, contact.Created.Sub(l.acked))
		if e.mended.IsZero() {
			continue
		}
		after := contact.Created.Sub(e.mended)
		o.All = max(o.All, seconds(after))
		if l.acked.After(e.mended) && o.First == 0 {
			o.First = seconds(after)
		}
	}
	slices.Sort(waits)
	if len(waits) > 0 {
		o.P50, o.Max = seconds(max(0, waits[(len(waits)-1)/2])), seconds(max(0, waits[len(waits)-1]))
	}
	return o
}

// seconds has three digits behind the point.
func seconds(d time.Duration) float64 { return math.Round(d.Seconds()*1000) / 1000 }

func count(b bool) int {
	if b {
		return 1
	}
	return 0
}
