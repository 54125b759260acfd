package consumer

import (
	"errors"
	"fmt"
	"time"

	"github.com/segmentio/kafka-go"
)

// watchInterval is how often the ends of the logs and the topic's partitions are read.
const watchInterval = 5 * time.Second

// watch keeps the lag up to date. It ends the generation when partitions were added, or when the topic was deleted or
// replaced by a shorter one.
func (g *generation) watch() {
	ticker := time.NewTicker(watchInterval)
	defer ticker.Stop()
	var retentionRead time.Time
	for {
		if err := g.checkTopic(); err != nil && g.fetchCtx.Err() == nil {
			g.end(err)
			return
		}
		if time.Since(retentionRead) >= retentionInterval {
			g.readRetention(g.fetchCtx)
			retentionRead = time.Now()
		}
		select {
		case <-g.fetchCtx.Done():
			return
		case <-ticker.C:
		}
	}
}

// checkTopic looks at the topic once; an error ends the generation.
func (g *generation) checkTopic() error {
	ids, err := g.deps.broker.partitions(g.fetchCtx)
	switch {
	case errors.Is(err, errNoTopic):
		return fmt.Errorf("%w: %w", errTopicGone, err)
	case err != nil:
		return nil //nolint:nilerr // heartbeats notice when the cluster cannot be reached
	case g.partitionCount > 0 && len(ids) != g.partitionCount:
		return errPartitionsChanged
	}
	g.partitionCount = len(ids)
	if len(g.partitions) == 0 {
		return nil
	}
	// nextOffset is read before the ends, as records that are dispatched meanwhile may lie beyond the ends.
	dispatched := make(map[int]int64, len(g.partitions))
	for _, p := range g.partitions {
		dispatched[p.id] = p.newest().records.nextOffset()
	}
	ends, err := g.deps.broker.listOffsets(g.fetchCtx, g.assigned, kafka.ReadCommitted)
	if err != nil {
		return nil //nolint:nilerr // it is read again soon
	}
	for _, p := range g.partitions {
		if err := p.newest().records.noteBounds(ends[p.id], dispatched[p.id]); err != nil {
			return err
		}
	}
	return nil
}
