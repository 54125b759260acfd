package statetopic

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/rs/zerolog"
	"github.com/segmentio/kafka-go"

	"github.com/leadbridge/leadbridge/internal/cluster"
)

const (
	// maxBacklog is how many records wait at most while the topic cannot be written: the buckets of a day, about 400 KiB.
	maxBacklog = 1500
	// maxBatch is how many records one request has at most.
	maxBatch = 200
)

// backlog has the records that were not written yet, the oldest first. As in a compacted topic, only the last value of a key
// is kept. A nil value is a tombstone.
type backlog struct {
	order  []string
	values map[string]any
}

func newBacklog() *backlog { return &backlog{values: map[string]any{}} }

// add adds a value. It replaces an older value of the same key.
func (b *backlog) add(key string, value any) {
	if _, waits := b.values[key]; !waits {
		b.order = append(b.order, key)
	}
	b.values[key] = value
}

// trim removes the oldest records if there are more than maxBacklog, and returns how many it removed.
func (b *backlog) trim() int {
	n := max(len(b.order)-maxBacklog, 0)
	b.drop(n)
	return n
}

// drop removes the oldest n.
func (b *backlog) drop(n int) {
	for _, key := range b.order[:n] {
		delete(b.values, key)
	}
	b.order = append([]string(nil), b.order[n:]...)
}

// records returns the oldest n as records.
func (b *backlog) records(n int, now time.Time) ([]kafka.Record, error) {
	all := make([]kafka.Record, 0, n)
	for _, key := range b.order[:n] {
		r := kafka.Record{Time: now, Key: kafka.NewBytes([]byte(key))}
		if value := b.values[key]; value != nil {
			text, err := json.Marshal(value)
			if err != nil {
				return nil, fmt.Errorf("encoding: %w", err)
			}
			r.Value = kafka.NewBytes(text)
		}
		all = append(all, r)
	}
	return all, nil
}

// writer writes to the topic. Only the goroutine of Run uses it.
type writer struct {
	topic     string
	client    *kafka.Client
	transport *kafka.Transport
	pending   *backlog
	metrics   metrics
	log       zerolog.Logger
	away      bool   // the last write failed, which was logged
	next      int64  // the offset behind the last record that was written
	replaced  func() // called when the topic was deleted and made again
}

// write writes the pending records, for ten seconds at most. If that fails they stay pending, up to maxBacklog. A record that
// the topic refuses permanently is dropped.
func (w *writer) write(ctx context.Context) {
	limited, cancel := context.WithTimeout(ctx, cluster.CallTimeout)
	defer cancel()
	most := maxBatch
	for len(w.pending.order) > 0 {
		n := min(len(w.pending.order), most)
		records, err := w.pending.records(n, time.Now())
		var at int64
		if err == nil {
			at, err = produce(limited, w.client, w.topic, records)
		}
		switch {
		case err == nil:
			if at < w.next { // offsets begin anew
				w.replaced()
			}
			w.next = at + int64(n)
			w.pending.drop(n)
			w.metrics.records.WithLabelValues(written).Add(float64(n))
		case ctx.Err() != nil:
			return // the process stops: the last call of write writes all that is pending
		case cluster.RefusesRecord(err) && n > 1:
			most = n / 2
		case cluster.RefusesRecord(err):
			w.pending.drop(1)
			w.metrics.records.WithLabelValues(dropped).Inc()
			w.log.Warn().Err(err).Str("topic", w.topic).Msg("the state topic refuses a record: look at its max.message.bytes")
		default:
			w.failed(n, err)
			return
		}
	}
	if w.away {
		w.away = false
		w.log.Info().Str("topic", w.topic).Msg("the state topic takes records again")
	}
}

// failed notes that a write of n records failed, and logs it once.
func (w *writer) failed(n int, err error) {
	w.transport.CloseIdleConnections() // otherwise a connection that hangs would be used again
	w.metrics.records.WithLabelValues(failed).Add(float64(n))
	w.metrics.records.WithLabelValues(dropped).Add(float64(w.pending.trim()))
	if !w.away {
		w.away = true
		w.log.Warn().Err(err).Str("topic", w.topic).Msg("the state topic takes no records: delivery goes on, the history of the page waits for it; leadbridge check says what is wrong")
	}
}

// produce writes records to partition 0 with acks=all, without retries, and returns the offset of the first.
func produce(ctx context.Context, client *kafka.Client, topic string, records []kafka.Record) (at int64, err error) {
	if _, err := cluster.Partitions(ctx, client, topic); err != nil {
		return 0, err
	}
	res, err := client.Produce(ctx, &kafka.ProduceRequest{
		Topic: topic, Partition: 0, RequiredAcks: kafka.RequireAll, Records: kafka.NewRecordReader(records...),
	})
	if err == nil {
		err = res.Error
	}
	if err != nil {
		return 0, fmt.Errorf("writing to the state topic: %w", err)
	}
	return res.BaseOffset, nil
}
