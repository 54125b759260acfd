package statetopic

import (
	"context"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/segmentio/kafka-go"

	"github.com/leadbridge/leadbridge/internal/wait"
)

// sweepEvery is how often a process deletes what is too old, its own and that of processes which are gone.
const sweepEvery = time.Hour

// sweepHourly deletes what is too old until ctx ends. The first time comes after a random part of the interval, so that
// replicas that start together do not all write the same tombstones; those that do no harm.
func (t *Topic) sweepHourly(ctx context.Context) {
	pause := time.Duration(rand.Int64N(int64(sweepEvery)))
	for wait.For(ctx, pause) == nil {
		t.sweep(ctx)
		pause = sweepEvery
	}
}

// sweep writes tombstones for what is no longer kept. What fails is done in the next hour.
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
