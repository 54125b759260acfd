package dlt

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/segmentio/kafka-go"

	"github.com/leadbridge/leadbridge/consumer"
	"github.com/leadbridge/leadbridge/transform"
)

// ErrEraseWhom is the error when an erasure names no key and no event id, or has another filter.
var ErrEraseWhom = errors.New("--erase needs --key or --event-id, and takes no other filter: it concerns every letter of a person")

// Remains is a record that is still in Kafka, and that only the settings of its topic will delete.
type Remains struct {
	Topic     string    `json:"topic"`
	Partition int       `json:"partition"`
	Offset    int64     `json:"offset"`
	WrittenAt time.Time `json:"writtenAt,omitzero"`
}

// TopicRules are the settings by which a topic deletes records.
type TopicRules struct {
	Topic     string        `json:"topic"`
	Known     bool          `json:"known"`    // the settings could be read; false: we may not read them, and the fields below mean nothing
	Compacts  bool          `json:"compacts"` // only the newest record of each key is kept; false: all records are
	Deletes   bool          `json:"deletes"`  // records older than Retention are deleted; false: age deletes none
	Retention time.Duration `json:"-"`        // negative: no limit
	// RetentionMs is Retention in milliseconds.
	RetentionMs int64 `json:"retentionMs"`
	Tombstones  int   `json:"tombstones"` // how many keys got a tombstone, which makes a topic that compacts delete their records
}

// Erasure is what an erasure did, or would do.
type Erasure struct {
	DryRun  bool         `json:"dryRun"`
	Letters int          `json:"letters"` // letters that were erased by this call: they are hidden from now on, and never replayed
	Before  int          `json:"before"`  // letters of the person that were erased before
	Remains []Remains    `json:"remains"`
	Topics  []TopicRules `json:"topics"`
	// OthersOpen counts, by partition of the dead-letter topic, the open letters of other people that lie before the last
	// one of Remains: they would be lost if the partition were truncated behind it.
	OthersOpen map[int]int `json:"othersOpen"`
}

// erasure is one call of Erase.
type erasure struct {
	topic   *Topic
	filter  Filter
	writer  *writer
	report  Erasure
	matched map[letterID][]Letter // the letters to erase with all their copies, without values and headers
	keys    map[string]bool       // the keys of letters to erase
	others  map[string]bool       // the keys of other letters
	open    map[Position]bool     // the other letters that are open
}

// Erase permanently hides every letter of a key or an event id, and reports what of them is still in Kafka. Kafka deletes
// single records only in compacted topics, by key: there it writes tombstones. The error may be [ErrEraseWhom].
func (t *Topic) Erase(ctx context.Context, f Filter, dryRun bool) (Erasure, error) {
	if len(f.Keys)+len(f.EventIDs) == 0 || f.choosesAmongThose() {
		return Erasure{}, ErrEraseWhom
	}
	e := &erasure{
		topic: t, filter: f, writer: newWriter(t.cfg), matched: map[letterID][]Letter{}, keys: map[string]bool{}, others: map[string]bool{},
		report: Erasure{DryRun: dryRun, Remains: []Remains{}, OthersOpen: map[int]int{}},
	}
	defer e.writer.close()
	err := e.run(ctx)
	return e.report, err
}

// choosesAmongThose reports whether the filter leaves out letters of its keys and event ids.
func (f Filter) choosesAmongThose() bool {
	f.Keys, f.EventIDs = nil, nil
	return f.chooses() || len(f.States) > 0 || f.Limit > 0
}

func (e *erasure) run(ctx context.Context) error {
	if !e.report.DryRun {
		if err := e.writer.openSession(ctx); err != nil { // shuts out replays, which would write the events again
			return err
		}
		if err := e.topic.awaitMarkers(ctx); err != nil {
			return err
		}
	}
	idx, err := e.topic.scan(ctx, Filter{States: []State{StateOpen}}, nil)
	if err != nil {
		return err
	}
	e.open = make(map[Position]bool, len(idx.chosen))
	for _, one := range idx.chosen {
		e.open[one.Position] = true
	}
	if err := e.find(ctx, idx); err != nil {
		return err
	}
	e.dropDeletedEvents(ctx)
	e.countOthers()
	if err := e.readRules(ctx); err != nil {
		return err
	}
	if e.report.DryRun {
		return nil
	}
	return e.write(ctx)
}

// find collects the letters that match, with all their copies.
func (e *erasure) find(ctx context.Context, idx *index) error {
	for partition, end := range idx.ends {
		err := e.topic.each(ctx, partition, 0, end, func(r transform.Record) {
			if _, _, marker := markOf(r); !marker && r.Value != nil {
				e.take(newLetter(r), idx)
			}
		})
		if err != nil {
			return err
		}
	}
	slices.SortFunc(e.report.Remains, func(a, b Remains) int {
		return cmp.Or(strings.Compare(a.Topic, b.Topic), cmp.Compare(a.Partition, b.Partition), cmp.Compare(a.Offset, b.Offset))
	})
	e.report.Remains = slices.Compact(e.report.Remains)
	return nil
}

// take adds a letter if it matches.
func (e *erasure) take(l Letter, idx *index) {
	ofEvent := l.EventID != "" && slices.Contains(e.filter.EventIDs, l.EventID)
	ofKey := l.Key != nil && slices.Contains(e.filter.Keys, string(l.Key))
	if !ofEvent && !ofKey {
		e.others[string(l.Key)] = true
		return
	}
	id := idOf(l)
	delete(e.open, l.Position)
	if l.Key != nil {
		e.keys[string(l.Key)] = true
	}
	if len(e.matched[id]) == 0 {
		if idx.marks[id].state == StateErased {
			e.report.Before++
		} else {
			e.report.Letters++
		}
	}
	l.Value, l.Headers = nil, nil
	e.matched[id] = append(e.matched[id], l)
	written, err := time.Parse(time.RFC3339Nano, l.Original.Timestamp)
	if err != nil {
		written = time.Time{}
	}
	e.report.Remains = append(e.report.Remains, Remains{e.topic.cfg.DeadLetterTopic, l.Partition, l.Offset, l.At.UTC()})
	if l.Original.Topic != "" {
		e.report.Remains = append(e.report.Remains, Remains{l.Original.Topic, l.Original.Partition, l.Original.Offset, written.UTC()})
	}
}

// dropDeletedEvents removes the events from the report that their topic has deleted already.
func (e *erasure) dropDeletedEvents(ctx context.Context) {
	events := e.topic.cfg.Topic
	log := consumer.NewLog(e.topic.cfg.Brokers, events)
	defer log.Close()
	bounds, err := log.Bounds(ctx)
	if err != nil {
		return // all are reported, although some may be gone
	}
	e.report.Remains = slices.DeleteFunc(e.report.Remains, func(r Remains) bool {
		b, there := bounds[r.Partition]
		return r.Topic == events && (!there || r.Offset < b.First || r.Offset >= b.End)
	})
}

// countOthers fills in OthersOpen.
func (e *erasure) countOthers() {
	last := map[int]int64{}
	for _, letters := range e.matched {
		for _, l := range letters {
			last[l.Partition] = max(last[l.Partition], l.Offset)
		}
	}
	for at := range e.open {
		if end, ok := last[at.Partition]; ok && at.Offset < end {
			e.report.OthersOpen[at.Partition]++
		}
	}
}

// readRules reads the settings by which the topics delete records.
func (e *erasure) readRules(ctx context.Context) error {
	topics := []string{e.topic.cfg.DeadLetterTopic}
	if e.topic.cfg.Topic != "" {
		topics = append(topics, e.topic.cfg.Topic)
	}
	for _, name := range topics {
		log := consumer.NewLog(e.topic.cfg.Brokers, name)
		settings, err := log.Settings(ctx, "cleanup.policy", "retention.ms")
		log.Close()
		if ctx.Err() != nil {
			return ctx.Err()
		}
		rules := TopicRules{Topic: name, Known: err == nil && settings["cleanup.policy"] != ""}
		rules.Compacts = strings.Contains(settings["cleanup.policy"], "compact")
		rules.Deletes = strings.Contains(settings["cleanup.policy"], "delete")
		rules.RetentionMs = -1
		if ms, err := strconv.ParseInt(settings["retention.ms"], 10, 64); err == nil {
			rules.RetentionMs = ms
		}
		rules.Retention = time.Duration(rules.RetentionMs) * time.Millisecond
		if rules.Compacts {
			rules.Tombstones = len(e.erasableKeys(name))
		}
		e.report.Topics = append(e.report.Topics, rules)
	}
	return nil
}

// erasableKeys returns the keys whose records a compacted topic should delete: those that were named, and in the
// dead-letter topic also the keys of erased letters that no other letter has. In the events' own topic it is not known
// who else has such a key.
func (e *erasure) erasableKeys(topic string) []string {
	keys := slices.Clone(e.filter.Keys)
	for key := range e.keys {
		if topic == e.topic.cfg.DeadLetterTopic && key != "" && !e.others[key] {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return slices.Compact(keys)
}

// write writes the markers, and tombstones to compacted topics. A marker is written to each partition that has a copy of
// its letter, so that retention deletes it after the copy.
func (e *erasure) write(ctx context.Context) error {
	now := time.Now()
	records := map[place][]kafka.Record{}
	for id, letters := range e.matched {
		marked := map[place]bool{}
		for _, l := range letters {
			besideLetter := place{e.topic.cfg.DeadLetterTopic, l.Partition}
			if !marked[besideLetter] {
				marked[besideLetter] = true
				records[besideLetter] = append(records[besideLetter], newMarker(id, StateErased, now))
			}
		}
	}
	for _, rules := range e.report.Topics {
		if !rules.Compacts {
			continue
		}
		// All partitions get the tombstone: it is not known which one the producer chose for the key.
		log := consumer.NewLog(e.topic.cfg.Brokers, rules.Topic)
		partitions, err := partitionIDs(ctx, log)
		log.Close()
		if err != nil {
			return err
		}
		for _, partition := range partitions {
			for _, key := range e.erasableKeys(rules.Topic) {
				at := place{rules.Topic, partition}
				records[at] = append(records[at], kafka.Record{Time: now, Key: kafka.NewBytes([]byte(key))})
			}
		}
	}
	for at, list := range records {
		for chunk := range slices.Chunk(list, maxBatch) {
			if err := e.writer.write(ctx, map[place][]kafka.Record{at: chunk}); err != nil {
				return fmt.Errorf("erasing, run it again: %w", err)
			}
		}
	}
	return nil
}
