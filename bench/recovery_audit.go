package main

import (
	"context"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/leadbridge/leadbridge/bench/internal/crm"
	"github.com/leadbridge/leadbridge/bench/internal/lead"
	"github.com/leadbridge/leadbridge/internal/audit"
)

// recoveryResult is the result of a case. Times are in seconds.
type recoveryResult struct {
	Case   string `json:"case"`
	Row    string `json:"kind"`
	Title  string `json:"title"`
	MustBe string `json:"must_be"`
	Met    bool   `json:"met"`

	Leads       int     `json:"leads"` // good ones whose wait counts
	P50         seconds `json:"p50"`
	P90         seconds `json:"p90"`
	P99         seconds `json:"p99"`
	Max         seconds `json:"max"`
	First       seconds `json:"first"`       // the wait of the first of these leads that came after the trouble
	Undelivered int     `json:"undelivered"` // how many of these leads were not delivered when the case's time was over

	InFlight    int     `json:"in_flight"`     // good leads that had come and were not delivered when a process was killed
	InFlightMax seconds `json:"in_flight_max"` // the longest wait of these, from the kill on

	Troubled            int `json:"leads_with_trouble_of_their_own"` // good leads one of whose creates met a fault; they are not among Leads
	TroubledUndelivered int `json:"leads_with_trouble_of_their_own_undelivered"`
	Background          int `json:"background_leads"` // good ones whose wait does not count
	BackgroundOpen      int `json:"background_leads_undelivered"`

	Bad          int `json:"bad_leads"`
	LettersRight int `json:"letters_right"` // bad leads that are letters
	LettersWrong int `json:"letters_wrong"` // good leads that are letters
	Twice        int `json:"twice"`         // leads with more than one contact
	Lost         int `json:"lost"`          // leads below the committed offset that are neither contact nor letter

	Took  float64   `json:"took"`
	CRM   crm.Stats `json:"crm"`
	Error string    `json:"error,omitempty"` // why the case could not be played
}

// seconds is a wait. AtLeast says that the wait had not ended when the case ended.
type seconds struct {
	Value   float64 `json:"seconds"`
	AtLeast bool    `json:"at_least,omitzero"`
}

// evidence is the data of an audit.
type evidence struct {
	sent      []sentLead
	held      map[int][]time.Time // when the contacts of a lead were created, by the lead's number
	troubled  map[int]bool        // the numbers of leads one of whose creates met a fault
	letters   map[audit.Place]int // how many letters a record has
	committed []int64             // by partition
	cleared   time.Time           // see scene
	killed    time.Time           // when a process was killed; zero if none was
	over      time.Time           // when the case's time was over
}

// heldBy returns when the contacts of each lead were created, by the lead's number.
func heldBy(contacts []crm.Contact) map[int][]time.Time {
	held := map[int][]time.Time{}
	for _, c := range contacts {
		for _, email := range c.Emails() {
			if n, ok := lead.Of(email); ok {
				held[n] = append(held[n], c.Created)
			}
		}
	}
	return held
}

// collect ends the services and gathers the evidence.
func (s *scene) collect(ctx context.Context) (evidence, error) {
	e := evidence{cleared: s.cleared, killed: s.killed, over: s.over, troubled: map[int]bool{}}
	if e.over.IsZero() {
		e.over = time.Now()
	}
	if err := s.stopServices(); err != nil {
		return e, err
	}
	e.sent, e.held = s.sent.list(), heldBy(s.crm.Contacts())
	for email := range s.crm.Troubled() {
		if n, ok := lead.Of(email); ok {
			e.troubled[n] = true
		}
	}
	var err error
	if e.letters, err = s.broker.Letters(ctx, s.deadLetters(), s.c.Partitions); err != nil {
		return e, err
	}
	e.committed, err = s.broker.Committed(ctx, s.topic, s.topic, s.c.Partitions)
	return e, err
}

// account returns what became of each lead, by its number. Contacts are found by their e-mail address, letters by the
// place of the lead's record. Leads at or above the committed offset need not be delivered.
func (e evidence) account() map[string]*audit.Event {
	var ev audit.Evidence
	for _, l := range e.sent {
		id := strconv.Itoa(l.n)
		due := audit.Due{Kinds: []audit.Kind{audit.Contact}, Open: l.place.Offset >= e.committed[l.place.Partition]}
		ev.Records = append(ev.Records, audit.Record{Place: l.place, EventID: id, Origin: id, Value: []byte(id), Due: due})
		if e.letters[l.place] > 0 {
			ev.Letters = append(ev.Letters, audit.Letter{EventID: id, From: l.place})
		}
		for _, made := range e.held[l.n] {
			ev.Objects = append(ev.Objects, audit.Object{Kind: audit.Contact, Origin: id, Created: made})
		}
	}
	events := map[string]*audit.Event{}
	for _, one := range audit.Account(ev).Events {
		events[one.ID] = one
	}
	return events
}

// audit counts what became of all leads, and measures the waits of those whose wait counts.
func (e evidence) audit() recoveryResult {
	var r recoveryResult
	var waits, inFlight []wait
	var first time.Time // when the first lead after the trouble came
	events := e.account()
	for _, l := range e.sent {
		became := events[strconv.Itoa(l.n)]
		letter, contact := len(became.Letters) > 0, became.Goal()
		delivered := contact != nil && !contact.Created.After(e.over)
		r.Twice += count(became.Duplicates() > 0)
		r.Lost += count(became.Lost())
		switch {
		case l.role.bad:
			r.Bad++
			r.LettersRight += count(letter)
			continue
		case letter:
			r.LettersWrong++
		}
		if e.wasInFlight(l) {
			inFlight = append(inFlight, e.waitedFrom(e.killed, l))
		}
		switch {
		case !l.role.measured:
			r.Background++
			r.BackgroundOpen += count(!delivered)
		case e.troubled[l.n] && e.cleared.IsZero():
			r.Troubled++
			r.TroubledUndelivered += count(!delivered)
		default:
			r.Undelivered += count(!delivered)
			waits = append(waits, e.waited(l))
			if !l.acked.Before(e.cleared) && (first.IsZero() || l.acked.Before(first)) {
				first, r.First = l.acked, e.waited(l).seconds()
			}
		}
	}
	r.Leads, r.InFlight = len(waits), len(inFlight)
	slices.SortFunc(waits, wait.compare)
	slices.SortFunc(inFlight, wait.compare)
	r.InFlightMax = at(inFlight, 1)
	r.P50, r.P90, r.P99, r.Max = at(waits, .5), at(waits, .9), at(waits, .99), at(waits, 1)
	return r
}

// wait is how long a lead waited.
type wait struct {
	time time.Duration
	open bool // the lead was not delivered when the case's time was over
}

// compare orders waits by length. Open waits count as longer than all others.
func (w wait) compare(x wait) int {
	switch {
	case w.open == x.open:
		return int(min(1, max(-1, w.time-x.time)))
	case w.open:
		return 1
	}
	return -1
}

// waited returns a lead's wait. It begins when Kafka acknowledges the lead, or at the end of trouble that every lead must
// wait for, whichever is later.
func (e evidence) waited(l sentLead) wait { return e.waitedFrom(later(l.acked, e.cleared), l) }

// wasInFlight reports whether a lead had come and was not delivered when a process was killed.
func (e evidence) wasInFlight(l sentLead) bool {
	if e.killed.IsZero() || l.acked.After(e.killed) {
		return false
	}
	contacts := e.held[l.n]
	return len(contacts) == 0 || contacts[0].After(e.killed)
}

// waitedFrom returns a lead's wait from a moment on.
func (e evidence) waitedFrom(from time.Time, l sentLead) wait {
	contacts := e.held[l.n]
	if len(contacts) == 0 || contacts[0].After(e.over) {
		return wait{e.over.Sub(from), true}
	}
	return wait{max(0, contacts[0].Sub(from)), false}
}

// at returns the q-quantile of sorted waits by the nearest-rank method.
func at(sorted []wait, q float64) seconds {
	if len(sorted) == 0 {
		return seconds{}
	}
	rank := int(math.Ceil(q*float64(len(sorted)))) - 1
	return sorted[min(max(rank, 0), len(sorted)-1)].seconds()
}

func (w wait) seconds() seconds { return seconds{rounded(w.time.Seconds(), 3), w.open} }

func count(b bool) int {
	if b {
		return 1
	}
	return 0
}
