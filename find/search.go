package find

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/leadbridge/leadbridge/consumer"
	"github.com/leadbridge/leadbridge/dlt"
	"github.com/leadbridge/leadbridge/internal/cluster"
	"github.com/leadbridge/leadbridge/transform"
)

// search is one call of Find.
type search struct {
	*Finder
	wanted *who

	mu     sync.Mutex // guards the fields below while several goroutines read the topic
	report Report
	events map[string]*Event // events that were found, by the keys of keyOf
	erased map[string]bool   // erased events, by their public ids
	read   int64             // how many offsets of the topic were read
}

// addEventsOfCard asks the CRM from which events the contact, lead or deal with the id was made, so that these are searched
// for, too.
func (s *search) addEventsOfCard(ctx context.Context) {
	if s.CRM == nil {
		return
	}
	origins, err := s.CRM.OriginsOf(ctx, s.wanted.cardID)
	if err != nil {
		s.report.CRMFailed = err
	}
	for kind, origin := range origins {
		if s.wanted.cardKind == "" || s.wanted.cardKind == kind {
			s.wanted.events[origin] = ByContact
		}
	}
}

// readLetters searches the dead letters, erased ones included.
func (s *search) readLetters(ctx context.Context) error {
	all := dlt.Filter{States: []dlt.State{dlt.StateOpen, dlt.StateClosed, dlt.StateReplayed, dlt.StateErased}}
	err := s.letters.Each(ctx, all, func(l dlt.Letter) error {
		s.report.Letters++
		event, decodeErr := l.Event(s.Transformer)
		var plan transform.Plan
		if decodeErr == nil {
			plan, _ = s.Transformer.Plan(event) // an incomplete plan is enough
		}
		if l.State == dlt.StateErased {
			event.ID, event.OriginID = l.EventID, l.EventID
			s.erased[l.EventID] = true
		}
		text, why := l.Unframed(s.Transformer)
		value := shownValue(l.Value, text, why)
		by, ok := s.wanted.matches(s.wanted.letter != nil && l.Position == *s.wanted.letter, event, &plan.Contact, value, decodeErr == nil)
		if !ok {
			return nil
		}
		e := s.event(l.EventID, by)
		if e == nil {
			return nil
		}
		e.Letter = &l
		e.add(s.identityOfLetter(l, &plan.Contact))
		e.update(event, plan, value, l.At)
		return nil
	})
	if errors.Is(err, cluster.ErrNoTopic) {
		return nil // without a dead-letter topic there are no letters
	}
	if err != nil {
		return fmt.Errorf("reading the dead letters: %w", err)
	}
	return nil
}

// readTheirLetters reads the letters of events of which only records were found, for example by a record's place. A letter
// has another event id than its record, if the service had seen the record's id with other contact points before.
func (s *search) readTheirLetters(ctx context.Context) error {
	withoutLetter := s.byAnyID()
	maps.DeleteFunc(withoutLetter, func(_ string, e *Event) bool { return e.Letter != nil })
	if len(withoutLetter) == 0 || s.report.Letters == 0 {
		return nil
	}
	err := s.letters.Each(ctx, dlt.Filter{EventIDs: slices.Collect(maps.Keys(withoutLetter))}, func(l dlt.Letter) error {
		e := withoutLetter[l.EventID]
		if l.EventID == e.own {
			e.Letter = &l
			return nil
		}
		contact, _ := l.Contact(s.Transformer) // an incomplete contact is enough
		if of := s.identityOfLetter(l, &contact); e.Letter == nil && e.sameAs(of) {
			e.Letter = &l
			e.add(of)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("reading the dead letters: %w", err)
	}
	return nil
}

// event returns the event with a key, a new one if it is not known yet. It returns nil if there are s.Limit events already.
func (s *search) event(id string, by By) *Event {
	if e := s.events[id]; e != nil {
		return e
	}
	if s.Limit > 0 && len(s.events) >= s.Limit {
		s.report.More = true
		return nil
	}
	e := &Event{ID: id, By: by}
	s.events[id] = e
	return e
}

// update sets the contact and the value of an event from one of its records or letters, which was written at the given time,
// unless a newer one was read before.
func (e *Event) update(event transform.Event, plan transform.Plan, value []byte, at time.Time) {
	if e.recordedAt.IsZero() || event.RecordedAt.Before(e.recordedAt) {
		e.recordedAt = event.RecordedAt
	}
	if e.Value == nil || at.After(e.newest) {
		e.Contact, e.target, e.Value = plan.Contact, plan.Target, value
		e.originIDs = []string{transform.OriginID(consumer.OwnID(event.ID, &plan.Contact)), event.OriginID}
	}
	if at.After(e.newest) {
		e.newest = at
	}
}

// readTopic searches the records of the topic, several partitions at a time.
func (s *search) readTopic(ctx context.Context) error {
	bounds, err := s.topic.Bounds(ctx)
	if err != nil {
		return fmt.Errorf("reading the topic: %w", err)
	}
	commits, err := s.topic.Progress(ctx, s.GroupID)
	if err != nil {
		return fmt.Errorf("reading the group's commits: %w", err)
	}
	all := int64(0) // offsets in the topic
	for _, b := range bounds {
		all += b.End - b.First
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	slots := make(chan struct{}, runtime.GOMAXPROCS(0))
	var readers sync.WaitGroup
	for id, b := range bounds {
		readers.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			if err := s.readPartition(ctx, id, b, commits[id], all); err != nil {
				cancel(err)
			}
		})
	}
	readers.Wait()
	if err := context.Cause(ctx); err != nil {
		return fmt.Errorf("reading the topic: %w", err)
	}
	return nil
}

// readPartition searches the records of a partition. all is how many offsets the topic has.
func (s *search) readPartition(ctx context.Context, id int, b consumer.Bounds, commit consumer.Progress, all int64) error {
	next := b.First
	return dlt.EachRecord(ctx, s.topic, id, b.First, b.End, func(r transform.Record) {
		if r.Value != nil {
			s.compare(r, b, commit)
		}
		s.advance(r, r.Offset+1-next, all)
		next = r.Offset + 1
	})
}

// advance notes that a record was read, and with it n offsets, as some offsets before the record may have none.
func (s *search) advance(r transform.Record, n, all int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.read += n
	s.report.Records++
	if s.report.Since.IsZero() || r.Time.Before(s.report.Since) {
		s.report.Since = r.Time
	}
	if s.OnRead != nil {
		s.OnRead(s.read, all)
	}
}

// compare adds a record to its event, if the record is searched for or its event was found before.
func (s *search) compare(r transform.Record, b consumer.Bounds, commit consumer.Progress) {
	event, err := s.Transformer.Decode(r)
	var plan transform.Plan
	if err == nil {
		plan, _ = s.Transformer.Plan(event) // an incomplete plan is enough
	}
	at := dlt.Position{Partition: r.Partition, Offset: r.Offset}
	text, why := dlt.Unframed(s.Transformer, r)
	value := shownValue(r.Value, text, why)
	by, ok := s.wanted.matches(s.wanted.record != nil && at == *s.wanted.record, event, &plan.Contact, value, err == nil)
	s.mu.Lock()
	defer s.mu.Unlock()
	of := s.identityOf(r, event, &plan.Contact)
	id, known := s.keyOf(event.ID, of)
	if !ok && !known {
		return
	}
	e := s.event(id, by)
	if e == nil {
		return
	}
	e.Records = append(e.Records, Record{Position: at, At: r.Time, Stage: commit.Stage(r.Offset), Before: commit.Before(b.First, r.Offset)})
	e.add(of)
	e.update(event, plan, value, r.Time)
}

// shownValue returns what people are shown for a value. text and why are the results of [dlt.Unframed]: the JSON of a framed
// value, or the reason why it cannot be read.
func shownValue(value, text []byte, why string) []byte {
	switch {
	case text != nil:
		return text
	case why != "":
		return []byte("(" + why + ")")
	}
	return value
}
