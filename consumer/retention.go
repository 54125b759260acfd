package consumer

import (
	"context"
	"time"

	"github.com/segmentio/kafka-go"
)

// retentionInterval is how often the topic's retention is read.
const retentionInterval = 10 * time.Minute

// readRetention reads how long the topic keeps records. This is only shown: without the right DESCRIBE_CONFIGS it is not
// known, and nothing else changes.
func (g *generation) readRetention(ctx context.Context) {
	found, err := describe(ctx, g.deps.broker.client, kafka.ResourceTypeTopic, g.deps.cfg.Topic, "retention.ms")
	if err != nil {
		g.deps.cfg.Log.Debug().Err(err).Msg("the topic's retention is not known")
		return
	}
	g.deps.board.noteRetention(found["retention.ms"])
}
