package admin

import (
	"context"
	"maps"
	"sync"
	"time"

	"github.com/leadbridge/leadbridge/consumer"
)

// othersEvery is how often Kafka is asked about the partitions of other replicas, at most.
const othersEvery = 10 * time.Second

// peers knows the partitions of other replicas by what Kafka reports. It asks only while a page is open.
type peers struct {
	log   *consumer.Log
	group string

	reading sync.Mutex // locked while Kafka is asked

	mu   sync.Mutex
	at   time.Time         // when Kafka was last asked
	seen map[int]partition // nil when Kafka did not answer
}

func (o *peers) open(cfg Config) {
	o.log, o.group = consumer.NewLog(cfg.Brokers, cfg.Topic), cfg.GroupID
}

func (o *peers) close() { o.log.Close() }

// partitions returns all partitions of the topic as Kafka reported them; nil when it did not answer.
func (o *peers) partitions() map[int]partition {
	o.mu.Lock()
	defer o.mu.Unlock()
	return maps.Clone(o.seen)
}

// refresh asks Kafka if the last answer is older than othersEvery. If Kafka does not answer, nothing is known afterwards.
func (o *peers) refresh(ctx context.Context) {
	if !o.reading.TryLock() {
		return // another call asks already
	}
	defer o.reading.Unlock()
	o.mu.Lock()
	fresh := !o.at.IsZero() && time.Since(o.at) < othersEvery
	o.mu.Unlock()
	if fresh {
		return
	}
	seen, err := o.read(ctx)
	o.mu.Lock()
	defer o.mu.Unlock()
	o.at, o.seen = time.Now(), nil
	if err == nil {
		o.seen = seen
	}
}

func (o *peers) read(ctx context.Context) (map[int]partition, error) {
	ctx, cancel := context.WithTimeout(ctx, othersEvery)
	defer cancel()
	bounds, err := o.log.Bounds(ctx)
	if err != nil {
		return nil, err
	}
	commits, err := o.log.Commits(ctx, o.group)
	if err != nil {
		return nil, err
	}
	seen := make(map[int]partition, len(bounds))
	for id, b := range bounds {
		at, committed := commits[id]
		p := partition{Partition: id, Owner: ownerOther, Committed: at, LogEnd: b.End}
		from := max(at, b.First)
		if !committed {
			p.Committed, from = b.First, b.First
		}
		if p.Lag = max(b.End-from, 0); p.Lag > 0 {
			p.LagSeconds = o.age(ctx, id, from)
		}
		seen[id] = p
	}
	return seen, nil
}

// age returns how old the first record at or above an offset is, in seconds; 0 when there is none.
func (o *peers) age(ctx context.Context, partition int, offset int64) float64 {
	records, _, err := o.log.Read(ctx, partition, offset, 1)
	if err != nil || len(records) == 0 {
		return 0
	}
	return max(time.Since(records[0].Time).Seconds(), 0)
}
