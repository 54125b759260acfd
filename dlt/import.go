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
)

// Import writes the letters of an export. It reads in twice: all lines are checked before the first letter is written, and
// faults are returned as [ImportFaults]. A letter that has a marker in the topic keeps its state: it is written with a new
// marker, as retention may delete the old one before the new letter. A letter of an erased event is not written. progress is
// called with the number of lines done, of all; it may be nil.
func (t *Topic) Import(ctx context.Context, in io.ReadSeeker, progress func(done, all int)) (Imported, error) {
	all, err := t.validate(ctx, in)
	if err != nil || all == 0 {
		return Imported{}, err
	}
	client, transport := t.cfg.Brokers.Client(t.cfg.DeadLetterTopic)
	defer transport.CloseIdleConnections()
	imp := importer{topic: t, client: client, all: all, progress: progress}
	if imp.partitions, err = partitionIDs(ctx, t.log); err != nil {
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

// Imported counts the lines of an import by what became of them.
type Imported struct {
	Letters int // written
	Erased  int // not written, as their event was erased
}

// validate returns the number of lines, or all faults of them as [ImportFaults].
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

// importer writes letters in batches. It does no harm when a batch is written twice, as copies count as one letter.
type importer struct {
	topic      *Topic
	client     *kafka.Client
	partitions []int
	batch      map[int][]kafka.Record // by partition: letters, and markers behind them
	letters    int                    // in batch
	bytes      int                    // of the letters in batch
	known      *index                 // what the topic held before the import
	done       Imported
	all        int // lines
	progress   func(done, all int)
}

// add adds a letter to the batch, and writes the batch before that if it is full.

func (i *importer) add(ctx context.Context, l Letter) error {
	if _, gone := i.known.erased[l.EventID]; gone {
		i.done.Erased++
		return nil
	}
	if m := i.known.marks[idOf(l)]; m.state.rank() > l.State.rank() {
		l.State, l.Marked, l.Word = m.state, m.at, m.word
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
	// It is written with the present time: with that of the export, retention could delete it at once.
	r := kafka.Record{Time: time.Now(), Value: kafka.NewBytes(l.Value)}
	if l.Key != nil {
		r.Key = kafka.NewBytes(l.Key)
	}
	for _, h := range l.Headers {
		r.Headers = append(r.Headers, kafka.Header{Key: h.Key, Value: h.Value})
	}
	i.batch[partition] = append(i.batch[partition], r)
	switch at := cmp.Or(l.Marked, time.Now()); l.State {
	case StateReplayed:
		i.batch[partition] = append(i.batch[partition], newMarker(idOf(l), StateReplayed, at))
	case StateClosed:
		i.batch[partition] = append(i.batch[partition], newClosing(idOf(l), at, l.Word))
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
