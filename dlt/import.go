package dlt

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/segmentio/kafka-go"

	"github.com/leadbridge/leadbridge/consumer"
)

// Import writes letters from the lines of an export; it reads them twice, as it
// looks at all lines before it writes the first. What the topic's markers say of a
// letter stays true: one that was replayed is written with a marker of its own, as the
// old one may be deleted first, and one that was erased is not written.
func (t *Topic) Import(ctx context.Context, in io.ReadSeeker, progress func(done, all int)) (Imported, error) {
	all, err := t.validate(ctx, in)
	if err != nil || all == 0 {
		return Imported{}, err
	}
	imp := importer{topic: t, all: all, progress: progress}
	var shut func()
	imp.client, shut = consumer.NewClient(t.cfg, t.cfg.DeadLetterTopic)
	defer shut()
	if imp.partitions, err = t.partitionIDs(ctx); err != nil {
		return Imported{}, err
	}
	if imp.known, err = t.scan(ctx, Filter{}, nil); err != nil {
		return Imported{}, err
	}
	if _, err := in.Seek(0, io.SeekStart); err != nil {
		return Imported{}, err
	}
	err = eachLine(ctx, in, func(_ int, line []byte) error {
		l, problem := parseLine(line)
		if problem != "" {
			return errors.New("the input changed while it was read")
		}
		return imp.add(ctx, l)
	})
	if err == nil {
		err = imp.flush(ctx)
	}
	return imp.done, err
}

// Imported counts what became of the lines of an import.
type Imported struct {
	Letters int // written
	Erased  int // not written, as their event was erased
}

func (t *Topic) partitionIDs(ctx context.Context) ([]int, error) {
	o := originals{t.log}
	return o.partitions(ctx)
}

// validate counts the lines, or tells all that is wrong with them.
func (t *Topic) validate(ctx context.Context, in io.Reader) (int, error) {
	var faults ImportFaults
	n := 0
	err := eachLine(ctx, in, func(number int, line []byte) error {
		n++
		if _, problem := parseLine(line); problem != "" {
			faults = append(faults, LineFault{number, problem})
		}
		return nil
	})
	if err == nil && len(faults) > 0 {
		err = faults
	}
	return n, err
}

// importer writes letters in batches. A batch that is written twice folds.
type importer struct {
	topic      *Topic
	client     *kafka.Client
	partitions []int
	batch      map[int][]kafka.Record
	letters    int // in the batch
	bytes      int
	known      *index // what the topic says of letters
	done       Imported
	all        int
	progress   func(done, all int)
}

func (i *importer) add(ctx context.Context, l Letter) error {
	if _, gone := i.known.erased[l.EventID]; gone {
		i.done.Erased++
		return nil
	}
	if m := i.known.marks[idOf(l)]; m.state == StateReplayed && l.State != StateReplayed {
		l.State, l.Marked = m.state, m.at
	}
	size := len(l.Key) + len(l.Value)
	if i.letters > 0 && (i.bytes+size > batchBytes || i.letters >= maxBatch) {
		if err := i.flush(ctx); err != nil {
			return err
		}
	}
	if i.batch == nil {
		i.batch = map[int][]kafka.Record{}
	}
	partition := l.Partition
	if !slices.Contains(i.partitions, partition) {
		partition = i.partitions[partition%len(i.partitions)]
	}
	// The time of now: with its own, retention could delete it as soon as it is written.
	r := kafka.Record{Time: time.Now(), Value: kafka.NewBytes(l.Value)}
	if l.Key != nil {
		r.Key = kafka.NewBytes(l.Key)
	}
	for _, h := range l.Headers {
		r.Headers = append(r.Headers, kafka.Header{Key: h.Key, Value: h.Value})
	}
	i.batch[partition] = append(i.batch[partition], r)
	if l.State == StateReplayed {
		i.batch[partition] = append(i.batch[partition], newMarker(idOf(l), StateReplayed, cmp.Or(l.Marked, time.Now())))
	}
	i.letters, i.bytes = i.letters+1, i.bytes+size
	return nil
}

func (i *importer) flush(ctx context.Context) error {
	for partition, records := range i.batch {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		res, err := i.client.Produce(ctx, &kafka.ProduceRequest{
			Topic: i.topic.cfg.DeadLetterTopic, Partition: partition, RequiredAcks: kafka.RequireAll, Records: kafka.NewRecordReader(records...),
		})
		if err == nil {
			err = res.Error
		}
		if err != nil {
			return fmt.Errorf("writing to partition %d of %q: %w", partition, i.topic.cfg.DeadLetterTopic, err)
		}
	}
	i.done.Letters += i.letters
	i.batch, i.letters, i.bytes = nil, 0, 0
	if i.progress != nil {
		i.progress(i.done.Letters+i.done.Erased, i.all)
	}
	return nil
}
