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
	"github.com/leadbridge/leadbridge/crmclient"
	"github.com/leadbridge/leadbridge/dlt"
	"github.com/leadbridge/leadbridge/internal/cluster"
	"github.com/leadbridge/leadbridge/transform"
)

// search is one call of Find.
type search struct {
	*Finder
	who    *who
	report Report

	mu     sync.Mutex // guards the fields below while the topic is read
	events map[string]*Event
	erased map[string]bool // by the public id of the event
	done   int64
}

// nameByContact asks the CRM from which event a contact was made.
func (s *search) nameByContact(ctx context.Context) {
	if s.CRM == nil {
		return
	}
	origin, err := s.CRM.OriginOf(ctx, s.who.contactID)
	if err != nil {
		s.report.CRMFailed = err
		return
	}
	if origin != "" {
		s.who.events[origin] = ByContact
	}
}

// readLetters looks through the dead letters, erased ones included.
func (s *search) readLetters(ctx context.Context) error {
	all := dlt.Filter{States: []dlt.State{dlt.StateOpen, dlt.StateClosed, dlt.StateReplayed, dlt.StateErased}}
	err := s.letters.Each(ctx, all, func(l dlt.Letter) error {
		s.report.Letters++
		event, decodeErr := l.Event(s.Transformer)
		var plan transform.Plan
		if decodeErr == nil {
			plan, _ = s.Transformer.Plan(event) // a plan that is not complete is enough
		}
		if l.State == dlt.StateErased {
			event.ID, event.OriginID = l.EventID, l.EventID
			s.erased[l.EventID] = true
		}
		value := readable(l.Unframed(s.Transformer))(l.Value)
		by, ok := s.who.meets(l.Position, event, &plan.Contact, value, decodeErr == nil)
		if !ok {
			return nil
		}
		e := s.event(l.EventID, by)
		if e == nil {
			return nil
		}
		e.Letter = &l
		e.take(event, plan, value, l.At)
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

// readTheirLetters reads the letters of events that were found by their records only, such as by a record's place.
func (s *search) readTheirLetters(ctx context.Context) error {
	owners := map[string]*Event{}
	for _, e := range s.events {
		if e.Letter == nil {
			owners[e.ID], owners[consumer.OwnID(e.ID, &e.Contact)] = e, e
		}
	}
	if len(owners) == 0 || s.report.Letters == 0 {
		return nil
	}
	err := s.letters.Each(ctx, dlt.Filter{EventIDs: slices.Collect(maps.Keys(owners))}, func(l dlt.Letter) error {
		owners[l.EventID].Letter = &l
		return nil
	})
	if err != nil {
		return fmt.Errorf("reading the dead letters: %w", err)
	}
	return nil
}

// event returns what is known of an event, which may be new; nil when there are too many already.
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

// take takes over what the event is about from a record of it, if that is the newest one.
func (e *Event) take(event transform.Event, plan transform.Plan, value []byte, at time.Time) {
	if e.Value == nil || at.After(e.recordedAt) {
		e.Contact, e.target, e.Value, e.recordedAt = plan.Contact, plan.Target, value, at
		e.originIDs = []string{transform.OriginID(consumer.OwnID(event.ID, &plan.Contact)), event.OriginID}
	}
}

// readTopic looks through the records of the topic, several partitions at a time.
func (s *search) readTopic(ctx context.Context) error {
	bounds, err := s.topic.Bounds(ctx)
	if err != nil {
		return fmt.Errorf("reading the topic: %w", err)
	}
	progress, err := s.topic.Progress(ctx, s.GroupID)
	if err != nil {
		return fmt.Errorf("reading the group's commits: %w", err)
	}
	all := int64(0)
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
			if err := s.readPartition(ctx, id, b, progress[id], all); err != nil {
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

func (s *search) readPartition(ctx context.Context, id int, b consumer.Bounds, p consumer.Progress, all int64) error {
	at := b.First
	return dlt.EachRecord(ctx, s.topic, id, b.First, b.End, func(r transform.Record) {
		if r.Value != nil {
			s.look(r, b, p)
		}
		s.advance(r, r.Offset+1-at, all)
		at = r.Offset + 1
	})
}

// advance notes that the topic was read to a record, which is n offsets further.
func (s *search) advance(r transform.Record, n, all int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.done += n
	s.report.Records++
	if s.report.Since.IsZero() || r.Time.Before(s.report.Since) {
		s.report.Since = r.Time
	}
	if s.Progress != nil {
		s.Progress(s.done, all)
	}
}

// look compares a record with what is searched.
func (s *search) look(r transform.Record, b consumer.Bounds, p consumer.Progress) {
	event, err := s.Transformer.Decode(r)
	var plan transform.Plan
	if err == nil {
		plan, _ = s.Transformer.Plan(event) // a plan that is not complete is enough
	}
	at := dlt.Position{Partition: r.Partition, Offset: r.Offset}
	value := readable(dlt.Unframed(s.Transformer, r))(r.Value)
	by, ok := s.who.meets(at, event, &plan.Contact, value, err == nil)
	s.mu.Lock()
	defer s.mu.Unlock()
	id, known := s.known(event, &plan.Contact)
	if !ok && !known {
		return
	}
	e := s.event(id, by)
	if e == nil {
		return
	}
	e.Records = append(e.Records, Record{Position: at, At: r.Time, Stage: p.Stage(r.Offset), Before: p.Before(b.First, r.Offset)})
	e.take(event, plan, value, event.RecordedAt)
}

// readable gives a value to show: of a framed one its JSON, or why that is not known.
func readable(text []byte, why string) func(value []byte) []byte {
	return func(value []byte) []byte {
		switch {
		case text != nil:
			return text
		case why != "":
			return []byte("(" + why + ")")
		}
		return value
	}
}

// known returns the id of an event, and whether the event was found. When a sender gives the events of several persons one
// id, all but one of them have an id of their own.
func (s *search) known(event transform.Event, contact *crmclient.Contact) (id string, known bool) {
	own := consumer.OwnID(event.ID, contact)
	if s.events[own] != nil {
		return own, true
	}
	e := s.events[event.ID]
	if e != nil && e.Letter == nil && event.Replays == 0 && consumer.OwnID(event.ID, &e.Contact) != own {
		return own, false
	}
	return event.ID, e != nil
}
