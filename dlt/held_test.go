package dlt

import (
	"errors"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"
)

// Behind an open transaction nobody sees what an earlier run replayed.
func TestReplayWaitsForHiddenMarkers(t *testing.T) {
	bubble(t, 1, func(t *testing.T, r *rig) {
		r.seed(letters(2, 1)...)
		stranger := newWriter(r.config())
		defer stranger.close()
		stranger.id = "somebody else's"
		res, err := r.client.InitProducerID(t.Context(), &kafka.InitProducerIDRequest{
			TransactionalID: stranger.id, TransactionTimeoutMs: 60_000, ProducerID: -1, ProducerEpoch: -1,
		})
		if err != nil || res.Error != nil {
			t.Fatal(err, res)
		}
		stranger.producer, stranger.sequences = *res.Producer, map[place]int32{}
		opened := false
		o := options()
		o.Rate = 1
		o.Progress = func(done, _ int) {
			if done != 1 || opened {
				return
			}
			opened = true // the next marker comes behind it
			at := place{testLetters, 0}
			records := []kafka.Record{{Key: kafka.NewBytes([]byte("k")), Value: kafka.NewBytes([]byte("v"))}}
			if err := stranger.enlist(t.Context(), map[place][]kafka.Record{at: records}); err != nil {
				t.Error(err)
			}
			if err := stranger.produce(t.Context(), at, records); err != nil {
				t.Error(err)
			}
		}
		if report := r.replay(o); report.Replayed != 2 || !opened {
			t.Errorf("%+v", report)
		}
		if report, err := r.topic.Replay(t.Context(), options()); !errors.Is(err, ErrHeldBack) {
			t.Errorf("while it is open: %v, %+v", err, report)
		}
		if _, err := r.topic.Erase(t.Context(), Filter{Keys: []string{"key 0"}}, false); !errors.Is(err, ErrHeldBack) {
			t.Errorf("while it is open, an erasure: %v", err)
		}
		time.Sleep(time.Minute) // virtual; the broker ends it
		if report := r.replay(options()); report.Replayed != 0 || report.Already != 2 {
			t.Errorf("after it: %+v", report)
		}
		r.once(2)
	})
}
