package statetopic

import (
	"context"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/segmentio/kafka-go"

	"github.com/leadbridge/leadbridge/internal/wait"
)

// sweepEvery is how often a process deletes records that are too old, its own and those of other processes.
const sweepEvery = time.Hour

// sweepHourly deletes records that are too old once an hour until ctx ends. It begins after a random part of the hour, so
// that replicas that start together do not all write the same tombstones. Tombstones written twice do no harm.
func (t *Topic) sweepHourly(ctx context.Context) {
	pause := time.Duration(rand.Int64N(int64(sweepEvery)))
	for wait.For(ctx, pause) == nil {
		t.sweep(ctx)
		pause = sweepEvery
	}
}

// sweep writes tombstones for records that are too old. If that fails, it is done in the next hour.
func (t *Topic) sweep(ctx context.Context) {
	if err := t.Refresh(ctx); err != nil {
		t.cfg.Log.Debug().Err(err).Msg("what is too old in the state topic was not deleted")
		return
	}
	for keys := range slices.Chunk(t.reader.expired(time.Now(), t.own()), maxBatch) {
		tombstones := make([]kafka.Record, len(keys))
		for i, key := range keys {
			tombstones[i] = kafka.Record{Time: time.Now(), Key: kafka.NewBytes([]byte(key))}
		}
		if _, err := produce(ctx, t.writer.client, t.cfg.Topic, tombstones); err != nil {
			t.cfg.Log.Debug().Err(err).Msg("what is too old in the state topic was not deleted")
			return
		}
		t.metrics.records.WithLabelValues(written).Add(float64(len(keys)))
	}
}
