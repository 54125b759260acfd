package dlt

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/cenkalti/backoff/v4"
	"github.com/segmentio/kafka-go"

	"github.com/leadbridge/leadbridge/consumer"
	"github.com/leadbridge/leadbridge/internal/cluster"
	"github.com/leadbridge/leadbridge/transform"
)

// Config says where dead letters are.
type Config struct {
	Brokers         cluster.Brokers
	DeadLetterTopic string
	Topic           string // of the events, to which letters are replayed; "": not known
}

// Topic is a dead-letter topic. It is safe for concurrent use.
type Topic struct {
	cfg Config
	log *consumer.Log
}

// Open returns the dead-letter topic of a configuration; it connects to nothing yet.
func Open(cfg Config) *Topic {
	return &Topic{cfg: cfg, log: consumer.NewLog(cfg.Brokers, cfg.DeadLetterTopic)}
}

// Close closes all connections.
func (t *Topic) Close() { t.log.Close() }

// entry is what is remembered of a letter: all but its value and most of its headers.
type entry struct {
	Position
	at       time.Time // when it was written
	failedAt string
	size     int // of key and value, in bytes
	reason   string
	original string // the topic of the event
	kept     bool   // the letter matches the filter, without regard to its place and state
	id       letterID
	copies   int  // how many letters its event has in the topic, this one included
	mark     mark // what was done with the letter; zero: it is open
	omitted  bool // the letter was written without its value; false: the value is there
}

func (e entry) state() State { return cmp.Or(e.mark.state, StateOpen) }

// entryOf returns the entry of a letter, without what other records say of it.
func entryOf(l Letter) *entry {
	return &entry{
		Position: l.Position, at: l.At, failedAt: l.FailedAt, size: len(l.Value) + len(l.Key), reason: l.Reason,
		id: idOf(l), copies: 1, omitted: l.ValueOmitted(),
	}
}

// compare orders entries by time, oldest first.
func (e *entry) compare(other *entry) int {
	return cmp.Or(e.at.Compare(other.at), e.Position.Compare(other.Position))
}

// index is what a scan has found.
type index struct {
	chosen []entry               // the letters that the filter chooses, one of each event, in the filter's order
	ends   map[int]int64         // by partition, the offset up to which it was read
	places map[Position]letterID // the letters at the filter's places; the zero id: there is none
	marks  map[letterID]mark     // of all letters that have a marker
	erased map[string]mark       // by the id of an erased event
}

// readSize is about how many bytes one fetch asks for.
const readSize = 4 << 20

// scan reads the topic up to its present end. Letters at and above the offsets of until, by partition, are ignored, but not
// their markers; nil: none is ignored.
func (t *Topic) scan(ctx context.Context, f Filter, until map[int]int64) (*index, error) {
	var bounds map[int]consumer.Bounds
	err := patiently(ctx, func() (err error) {
		bounds, err = t.log.Bounds(ctx)
		return err
	})
	if err != nil {
		return nil, err
	}
	s := scanner{filter: f, until: until, events: map[letterID]*entry{}, marks: map[letterID]mark{}, erased: map[string]mark{}, places: map[Position]letterID{}}
	for _, p := range f.Places {
		s.places[p] = letterID{}
	}
	idx := &index{ends: make(map[int]int64, len(bounds)), places: s.places, marks: s.marks, erased: s.erased}
	for id, b := range bounds {
		idx.ends[id] = b.End
		err := t.each(ctx, id, b.First, b.End, s.take)
		if err != nil {
			return nil, err
		}
	}
	idx.chosen = s.chosen()
	return idx, nil
}

// each calls take for each record of [from, to) of a partition.
func (t *Topic) each(ctx context.Context, partition int, from, to int64, take func(transform.Record)) error {
	return EachRecord(ctx, t.log, partition, from, to, take)
}

// EachRecord calls take for each record of [from, to) of a partition. Records that retention deletes meanwhile are left
// out. It tries again, for fifteen seconds, after an error that brokers call temporary.
func EachRecord(ctx context.Context, log *consumer.Log, partition int, from, to int64, take func(transform.Record)) error {
	for at := from; at < to; {
		var records []transform.Record
		next := at
		err := patiently(ctx, func() (err error) {
			records, next, err = log.Read(ctx, partition, at, readSize)
			return err
		})
		if errors.Is(err, kafka.OffsetOutOfRange) { // retention has deleted records meanwhile
			bounds, err := log.Bounds(ctx)
			if first := bounds[partition].First; err == nil && first > at {
				at = first
				continue
			}
		}
		if err != nil {
			return err
		}
		for _, r := range records {
			if r.Offset < to {
				take(r)
			}
		}
		if next <= at { // the log ends here
			return nil
		}
		at = next
	}
	return nil
}

// patience is how long brokers may answer that they are not ready yet.
const patience = 15 * time.Second

// patiently makes a call until it returns nil, an error that brokers do not call temporary, or patience is over.
func patiently(ctx context.Context, call func() error) error {
	wait := backoff.NewExponentialBackOff(
		backoff.WithInitialInterval(20*time.Millisecond), backoff.WithMaxInterval(time.Second), backoff.WithMaxElapsedTime(patience))
	return backoff.Retry(func() error {
		err := call()
		if code, ok := errors.AsType[kafka.Error](err); !ok || !code.Temporary() && code != kafka.ConcurrentTransactions {
			return permanent(err)
		}
		return err
	}, backoff.WithContext(wait, ctx))
}

func permanent(err error) error {
	if err == nil {
		return nil
	}
	return backoff.Permanent(err)
}

// scanner collects letters and markers from the records of the topic.
type scanner struct {
	filter Filter
	until  map[int]int64
	events map[letterID]*entry // of each event the letter that stands for it, see supersedes; the key is eventOf
	marks  map[letterID]mark
	erased map[string]mark
	places map[Position]letterID
}

// eventOf returns the part of a letter's id that is the same for all letters of its event.
func eventOf(id letterID) letterID { return letterID{event: id.event, at: id.at} }

// take adds a record of the topic.
func (s *scanner) take(r transform.Record) {
	if id, m, ok := markOf(r); ok {
		if m.state == StateErased && id.event != "" {
			s.erased[id.event] = m
		}
		if known, ok := s.marks[id]; !ok || m.outranks(known) {
			s.marks[id] = m
		}
		return
	}
	if r.Value == nil {
		return // a tombstone, written to erase a key
	}
	if end, known := s.until[r.Partition]; s.until != nil && (!known || r.Offset >= end) {
		return
	}
	l := newLetter(r)
	e := entryOf(l)
	e.original, e.kept = l.Original.Topic, s.filter.keeps(l)
	if _, asked := s.places[l.Position]; asked {
		s.places[l.Position] = e.id
	}
	known := s.events[eventOf(e.id)]
	if known != nil {
		e.copies += known.copies
		if known.supersedes(e) {
			known.copies = e.copies
			return
		}
	}
	s.events[eventOf(e.id)] = e
}

// supersedes reports whether, of two letters of one event, e stands for the event and not other: the one of the later
// replay; of two copies the one written first, so that the place of a letter does not change; else the one written later.
func (e *entry) supersedes(other *entry) bool {
	copies := e.id == other.id
	switch {
	case e.id.replays != other.id.replays:
		return e.id.replays > other.id.replays
	case !copies:
		return e.at.After(other.at)
	case e.Partition != other.Partition:
		return e.at.Before(other.at)
	}
	return e.Offset < other.Offset
}

// chosen returns the letters that the filter chooses, in its order.
func (s *scanner) chosen() []entry {
	named := eventOf // what a place of the filter names: the event of the letter there, or that letter alone
	if s.filter.Exactly {
		named = func(id letterID) letterID { return id }
	}
	atPlaces := map[letterID]bool{}
	for _, id := range s.places {
		atPlaces[named(id)] = true
	}
	var all []entry
	for _, e := range s.events {
		e.mark = s.marks[e.id]
		if m, gone := s.erased[e.id.event]; gone {
			e.mark = m
		}
		if !e.kept || len(s.filter.Places) > 0 && !atPlaces[named(e.id)] || !hasState(s.filter.States, e.state()) {
			continue
		}
		all = append(all, *e)
	}
	slices.SortFunc(all, func(a, b entry) int {
		if s.filter.Newest {
			return b.compare(&a)
		}
		return a.compare(&b)
	})
	if n := s.filter.Limit; n > 0 && len(all) > n {
		all = all[:n]
	}
	return all
}

// missing returns the places of the filter at which there is no letter, sorted.
func (idx *index) missing() []Position {
	var none []Position
	for p, id := range idx.places {
		if id == (letterID{}) {
			none = append(none, p)
		}
	}
	slices.SortFunc(none, Position.Compare)
	return none
}
