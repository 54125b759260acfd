package cluster

import (
	"context"
	"errors"
	"fmt"

	"github.com/segmentio/kafka-go"
)

// ErrNoTopic is wrapped by errors when the cluster does not have the topic.
var ErrNoTopic = errors.New("topic does not exist")

// Partitions returns the ids of a topic's partitions. The error wraps [ErrNoTopic] when there are none.
// It never creates the topic: kafka-go's request forbids that.
func Partitions(ctx context.Context, client *kafka.Client, topic string) ([]int, error) {
	meta, err := client.Metadata(ctx, &kafka.MetadataRequest{Topics: []string{topic}})
	if err != nil {
		return nil, fmt.Errorf("asking for the topic %q: %w", topic, err)
	}
	for _, t := range meta.Topics {
		if t.Name != topic {
			continue
		}
		if t.Error != nil && !errors.Is(t.Error, kafka.UnknownTopicOrPartition) {
			return nil, fmt.Errorf("topic %q: %w", topic, t.Error)
		}
		ids := make([]int, 0, len(t.Partitions))
		for _, p := range t.Partitions {
			ids = append(ids, p.ID)
		}
		if t.Error == nil && len(ids) > 0 {
			return ids, nil
		}
	}
	return nil, fmt.Errorf("%w: %q", ErrNoTopic, topic)
}
