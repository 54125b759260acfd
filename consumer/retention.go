package consumer

import (
	"context"
	"math"
	"time"

	"github.com/segmentio/kafka-go"
)

// retentionInterval is how often the topic's retention is read.
const retentionInterval = 10 * time.Minute

// noteRetention reads how long the topic keeps records, for the operator's eyes only:
// without the right DESCRIBE_CONFIGS it is not known, and nothing else is different.
func (g *generation) noteRetention(ctx context.Context) {
	found, err := describe(ctx, g.broker.client, kafka.ResourceTypeTopic, g.cfg.Topic, "retention.ms")
	if err != nil {
		g.cfg.Log.Debug().Err(err).Msg("the topic's retention is not told")
		return
	}
	g.board.retain(found["retention.ms"])
}

// retain notes the topic's retention.ms; -1 is for ever, no number is not known.
func (b *board) retain(milliseconds string) {
	kept := number(milliseconds)
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case kept >= 0:
		b.retention = float64(kept) / 1000
	case milliseconds == "-1":
		b.retention = math.Inf(1)
	}
}

// retained tells the topic's retention in seconds; 0 when it is not known.
func (b *board) retained() float64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.retention
}
