package statetopic

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/leadbridge/leadbridge/consumer"
	"github.com/leadbridge/leadbridge/internal/cluster"
	"github.com/leadbridge/leadbridge/transform"
)

const (
	// refreshEvery is how often the topic is read while somebody has the page open.
	refreshEvery = 5 * time.Second
	// fetchBytes is how many bytes one request asks for.
	fetchBytes = 1 << 20
)

// reader reads the topic into a view.
type reader struct {
	log     *consumer.Log
	metrics metrics

	replaced atomic.Bool // the topic was deleted and made again

	reading sync.Mutex // held while the topic is read; it guards next and tried
	next    int64      // the offset where the next reading begins
	tried   time.Time  // when the last reading ended

	mu   sync.Mutex // guards everything below
	view *view
	asOf time.Time // when the topic was last read to its end
	err  error     // the error of the last reading
}

// refresh reads what is new in the topic, unless that was done in the last five seconds or another call is doing it.
func (r *reader) refresh(ctx context.Context, now time.Time) error {
	if !r.reading.TryLock() {
		return nil
	}
	defer r.reading.Unlock()
	if !r.tried.IsZero() && now.Sub(r.tried) < refreshEvery {
		return nil
	}
	err := r.read(ctx)
	r.tried = time.Now()
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.err = err; err == nil {
		r.asOf = r.tried
	}
	return err
}

// read reads from where the last reading ended to the log's end.
func (r *reader) read(ctx context.Context) error {
	all, err := r.log.Written(ctx)
	if err != nil {
		return fmt.Errorf("reading the state topic: %w", err)
	}
	bounds, there := all[0]
	if !there {
		return fmt.Errorf("reading the state topic: %w", cluster.ErrNoTopic)
	}
	if r.replaced.Swap(false) || r.next > bounds.End { // the topic was deleted and made again
		r.next = 0
		r.mu.Lock()
		r.view = newView()
		r.mu.Unlock()
	}
	r.next = max(r.next, bounds.First)
	for r.next < bounds.End {
		records, next, err := r.log.Read(ctx, 0, r.next, fetchBytes)
		if err != nil {
			return fmt.Errorf("reading the state topic: %w", err)
		}
		r.apply(records)
		if next <= r.next {
			return nil // the rest belongs to another program's open transaction
		}
		r.next = next
	}
	return nil
}

// apply adds records to the view, and counts those that cannot be read.
func (r *reader) apply(records []transform.Record) {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := time.Now()
	for i := range records {
		one, err := decode(records[i].Key, records[i].Value)
		if err != nil {
			r.metrics.skipped.Inc()
			continue
		}
		r.view.apply(one, now)
	}
}

// expired returns the keys of records that are too old to be kept.
func (r *reader) expired(now time.Time, self process) []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.view.expired(now, self)
}

// startAgain has the next reading begin at the topic's beginning, as the topic was deleted and made again.
func (r *reader) startAgain() { r.replaced.Store(true) }
