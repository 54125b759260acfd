package consumer

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/segmentio/kafka-go"

	"github.com/leadbridge/leadbridge/internal/human"
)

// leastRetention is how long a topic should keep records: an outage that begins before holidays may be noticed after them.
const leastRetention = 14 * 24 * time.Hour

// keepsRecords warns of topics that can lose records when one broker fails.
func (f *preflight) keepsRecords(ctx context.Context, topics ...string) {
	meta, err := f.broker.client.Metadata(ctx, &kafka.MetadataRequest{Topics: topics})
	if err != nil {
		return // the checks of the topics report such an error
	}
	var oneReplica, oneInSync []string
	for _, t := range meta.Topics {
		replicas := fewestReplicas(t)
		if replicas == 1 {
			oneReplica = append(oneReplica, t.Name)
		}
		settings, err := f.describe(ctx, kafka.ResourceTypeTopic, t.Name, "min.insync.replicas")
		if err == nil && replicas > 1 && number(settings["min.insync.replicas"]) == 1 {
			oneInSync = append(oneInSync, t.Name)
		}
	}
	if len(oneReplica) > 0 {
		f.add("warn", "topic replicas", "give them three replicas: what its one broker loses is lost, and while that is away nothing is delivered",
			"one replica: %s", strings.Join(oneReplica, ", "))
	}
	if len(oneInSync) > 0 {
		f.add("warn", "topic replicas", "set min.insync.replicas=2: a record that one replica has acknowledged is lost with it",
			"min.insync.replicas is 1: %s", strings.Join(oneInSync, ", "))
	}
	if len(oneReplica)+len(oneInSync) == 0 {
		f.add("ok", "topic replicas", "", "no broker keeps a record alone")
	}
}

// fewestReplicas returns the number of replicas of the partition that has the fewest; 0 for a topic without partitions.
func fewestReplicas(t kafka.Topic) int {
	if len(t.Partitions) == 0 {
		return 0
	}
	worst := slices.MinFunc(t.Partitions, func(a, b kafka.Partition) int { return len(a.Replicas) - len(b.Replicas) })
	return len(worst.Replicas)
}

// shortRetention warns of a retention that is shorter than an outage may be.
func (f *preflight) shortRetention(topic, what string, settings map[string]string) {
	keep := number(settings["retention.ms"])
	if keep < 0 || keep >= leastRetention.Milliseconds() {
		return
	}
	f.add("warn", what, fmt.Sprintf("set retention.ms of %s to two weeks (%d) or more: what an outage outlasts is lost", topic, leastRetention.Milliseconds()),
		"records are kept for %s", human.Days(time.Duration(keep)*time.Millisecond))
}
