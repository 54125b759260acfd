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

// ErrEraseWhom says that an erasure names nobody.
var ErrEraseWhom = errors.New("--erase needs --key or --event-id, and takes no other filter: it concerns every letter of a person")

// Remains is a record that only its topic's settings delete.
type Remains struct {
	Topic     string    `json:"topic"`
	Partition int       `json:"partition"`
	Offset    int64     `json:"offset"`
	WrittenAt time.Time `json:"writtenAt,omitzero"`
}

// TopicRules are the settings of a topic that delete records.
type TopicRules struct {
	Topic     string        `json:"topic"`
	Known     bool          `json:"known"` // false: we may not read them
	Compacts  bool          `json:"compacts"`
	Deletes   bool          `json:"deletes"`
	Retention time.Duration `json:"-"` // negative: for ever
	// RetentionMs is Retention for JSON.
	RetentionMs int64 `json:"retentionMs"`
	Tombstones  int   `json:"tombstones"` // keys of which the topic was told to forget everything
}

// Erasure is what an erasure did, or would do.
type Erasure struct {
	DryRun  bool         `json:"dryRun"`
	Letters int          `json:"letters"` // that are hidden from now on, and never replayed
	Before  int          `json:"before"`  // letters that had been erased before
	Remains []Remains    `json:"remains"`
	Topics  []TopicRules `json:"topics"`
	// OthersOpen counts, by partition of the dead-letter topic, the open letters of
	// others before the last one of Remains: cutting the partition there loses them.
	OthersOpen map[int]int `json:"othersOpen"`
}

// erasure is one run.
type erasure struct {
	topic   *Topic
	filter  Filter
	writer  *writer
	report  Erasure
	matched map[letterID][]Letter // all letters of the events, without values
	keys    map[string]bool       // of the letters that match
	others  map[string]bool       // keys that other letters have too
	open    map[Position]bool
}

// Erase hides every letter of a key or event id for good and tells what of them
// is still in Kafka. It deletes what Kafka lets anybody delete: in compacted topics, what has the key.
func (t *Topic) Erase(ctx context.Context, f Filter, dryRun bool) (Erasure, error) {
	if len(f.Keys)+len(f.EventIDs) == 0 || len(f.Reasons)+len(f.Codes)+len(f.Places)+f.Limit > 0 || !f.Since.IsZero() || !f.Until.IsZero() {
		return Erasure{}, ErrEraseWhom
	}
	e := &erasure{
		topic: t, filter: f, writer: newWriter(t.cfg), matched: map[letterID][]Letter{}, keys: map[string]bool{}, others: map[string]bool{},
		report: Erasure{DryRun: dryRun, Remains: []Remains{}, OthersOpen: map[int]int{}},
	}
	defer e.writer.shut()
	err := e.run(ctx)
	return e.report, err
}

func (e *erasure) run(ctx context.Context) error {
	if !e.report.DryRun {
		if err := e.writer.begin(ctx); err != nil { // so that nobody replays meanwhile
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
	e.forgetGone(ctx)
	e.countOthers()
	if err := e.rules(ctx); err != nil {
		return err
	}
	if e.report.DryRun {
		return nil
	}
	return e.write(ctx)
}

// find gathers the letters that match, every copy of them.
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

func (e *erasure) take(l Letter, idx *index) {
	matches := slices.Contains(e.filter.EventIDs, l.EventID) && l.EventID != "" || l.Key != nil && slices.Contains(e.filter.Keys, string(l.Key))
	if !matches {
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

// forgetGone leaves out of what remains the events that their topic has deleted already.
func (e *erasure) forgetGone(ctx context.Context) {
	events := e.topic.cfg.Topic
	log := consumer.NewLog(e.topic.cfg, events)
	defer log.Close()
	bounds, err := log.Bounds(ctx)
	if err != nil {
		return // then they are named, though they may be gone
	}
	e.report.Remains = slices.DeleteFunc(e.report.Remains, func(r Remains) bool {
		b, there := bounds[r.Partition]
		return r.Topic == events && (!there || r.Offset < b.First || r.Offset >= b.End)
	})
}

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

// rules reads what deletes records of the topics concerned.
func (e *erasure) rules(ctx context.Context) error {
	topics := []string{e.topic.cfg.DeadLetterTopic}
	if e.topic.cfg.Topic != "" {
		topics = append(topics, e.topic.cfg.Topic)
	}
	for _, name := range topics {
		log := consumer.NewLog(e.topic.cfg, name)
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

// erasableKeys are the keys of which a compacted topic is to forget everything:
// those that were named, and among dead letters those that no other letter has.
// Of an event's key in its own topic nobody knows whose else it is.
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

// write writes the markers, and tombstones where they do something. A marker
// stands beside each copy of its letter, so that retention takes it after all of them.
func (e *erasure) write(ctx context.Context) error {
	now := time.Now()
	records := map[place][]kafka.Record{}
	for id, letters := range e.matched {
		marked := map[place]bool{}
		for _, l := range letters {
			beside := place{e.topic.cfg.DeadLetterTopic, l.Partition}
			if !marked[beside] {
				marked[beside] = true
				records[beside] = append(records[beside], newMarker(id, StateErased, now))
			}
		}
	}
	for _, rules := range e.report.Topics {
		if !rules.Compacts {
			continue
		}
		// Which partition has a key is the producer's choice: all are told.
		o := originals{consumer.NewLog(e.topic.cfg, rules.Topic)}
		partitions, err := o.partitions(ctx)
		o.close()
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
