package admin

import (
	"context"
	"maps"
	"sync"
	"time"

	"github.com/leadbridge/leadbridge/consumer"
)

// othersEvery is how often Kafka is asked for the partitions of other replicas.
const othersEvery = 10 * time.Second

// others are the partitions that other replicas own, as Kafka tells of them. They are
// read only while somebody looks.
type others struct {
	log *consumer.Log

	reading sync.Mutex

	mu   sync.Mutex
	at   time.Time
	seen map[int]partition
}

func (o *others) open(cfg consumer.Config) { o.log = consumer.NewLog(cfg, cfg.Topic) }

func (o *others) close() { o.log.Close() }

// partitions are the topic's, as far as they are known.
func (o *others) partitions() map[int]partition {
	o.mu.Lock()
	defer o.mu.Unlock()
	return maps.Clone(o.seen)
}

// refresh asks again when the last answer is old. What cannot be told stays as it was:
// the holds say that brokers are away.
func (o *others) refresh(ctx context.Context) {
	if !o.reading.TryLock() {
		return // somebody does
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
	o.at = time.Now()
	if err == nil {
		o.seen = seen
	}
}

func (o *others) read(ctx context.Context) (map[int]partition, error) {
	ctx, cancel := context.WithTimeout(ctx, othersEvery)
	defer cancel()
	bounds, err := o.log.Bounds(ctx)
	if err != nil {
		return nil, err
	}
	commits, err := o.log.Commits(ctx)
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

// age is how old the first record at or behind an offset is, in seconds; 0 when there is
// none to be read.
func (o *others) age(ctx context.Context, partition int, offset int64) float64 {
	records, _, err := o.log.Read(ctx, partition, offset, 1)
	if err != nil || len(records) == 0 {
		return 0
	}
	return max(time.Since(records[0].Time).Seconds(), 0)
}
