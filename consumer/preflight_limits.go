package consumer

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/segmentio/kafka-go"
)

// letterOverhead is how many bytes more than its record a dead letter may need, for its headers.
const letterOverhead = 8 << 10

// limits checks the sizes, cleanup and retention of the topic and of the dead-letter topic.
func (f *preflight) limits(ctx context.Context) {
	leads, err := f.settings(ctx, f.cfg.Topic)
	if err != nil {
		f.add("warn", "topic limits", "grant DESCRIBE_CONFIGS on both topics to have their limits compared", "%v", err)
		return
	}
	letters, err := f.settings(ctx, f.cfg.DeadLetterTopic)
	if err != nil {
		f.add("warn", "topic limits", "grant DESCRIBE_CONFIGS on both topics to have their limits compared", "%v", err)
		return
	}
	before := len(f.findings)
	maxLetter, maxLead := number(letters["max.message.bytes"]), number(leads["max.message.bytes"])
	if maxLetter >= 0 && maxLetter < maxLead+letterOverhead {
		f.add("warn", "dead-letter size", fmt.Sprintf("set max.message.bytes of %s to at least %d: a larger letter is written without its value", f.cfg.DeadLetterTopic, maxLead+letterOverhead),
			"takes %d bytes, %s takes %d, and a letter has headers besides", maxLetter, f.cfg.Topic, maxLead)
	}
	if strings.Contains(letters["cleanup.policy"], "compact") {
		f.add("warn", "dead-letter cleanup", "set cleanup.policy=delete on "+f.cfg.DeadLetterTopic+": compaction keeps one letter a key", "cleanup.policy is %s", letters["cleanup.policy"])
	}
	if strings.Contains(leads["cleanup.policy"], "compact") {
		f.add("warn", "topic cleanup", "set cleanup.policy=delete on "+f.cfg.Topic+": compaction deletes the earlier events of a key", "cleanup.policy is %s", leads["cleanup.policy"])
	}
	f.shortRetention(f.cfg.Topic, "topic retention", leads)
	f.shortRetention(f.cfg.DeadLetterTopic, "dead-letter retention", letters)
	if len(f.findings) == before {
		f.add("ok", "topic limits", "", "sizes, cleanup and retention fit")
	}
}

// brokerLimits compares our settings with what the brokers allow, if we may read that.
func (f *preflight) brokerLimits(ctx context.Context) {
	meta, err := f.broker.client.Metadata(ctx, &kafka.MetadataRequest{Topics: []string{f.cfg.Topic}})
	if err != nil || len(meta.Brokers) == 0 {
		return // the checks of the topics report such an error
	}
	limits, err := f.describe(ctx, kafka.ResourceTypeBroker, strconv.Itoa(meta.Brokers[0].ID),
		"group.min.session.timeout.ms", "group.max.session.timeout.ms", "offset.metadata.max.bytes")
	if err != nil {
		f.add("warn", "broker limits", "grant DESCRIBE_CONFIGS on the cluster to have KAFKA_SESSION_TIMEOUT compared with what brokers allow", "%v", err)
		return
	}
	least, most := number(limits["group.min.session.timeout.ms"]), number(limits["group.max.session.timeout.ms"])
	session := f.cfg.SessionTimeout.Milliseconds()
	switch maxBytes := number(limits["offset.metadata.max.bytes"]); {
	case least >= 0 && session < least, most >= 0 && session > most:
		f.add("fail", "session timeout", fmt.Sprintf("set KAFKA_SESSION_TIMEOUT between %dms and %dms, or correct the brokers' group.min/max.session.timeout.ms", least, most),
			"%v is outside what the brokers allow", f.cfg.SessionTimeout)
	case maxBytes >= 0 && maxBytes < maxMetadata:
		f.add("fail", "commit metadata", fmt.Sprintf("set the brokers' offset.metadata.max.bytes to %d (their default) or more", maxMetadata),
			"the brokers take %d bytes, a commit needs up to %d", maxBytes, maxMetadata)
	default:
		f.add("ok", "broker limits", "", "the session timeout and commits fit")
	}
}

// settings reads the settings of a topic that limits needs.
func (f *preflight) settings(ctx context.Context, topic string) (map[string]string, error) {
	return f.describe(ctx, kafka.ResourceTypeTopic, topic, "max.message.bytes", "cleanup.policy", "retention.ms")
}

// describe reads settings of a topic or a broker.
func (f *preflight) describe(ctx context.Context, kind kafka.ResourceType, name string, settings ...string) (map[string]string, error) {
	return describe(ctx, f.broker.client, kind, name, settings...)
}

// partitionsFit warns when the dead-letter topic has too few partitions for each letter to keep its record's partition.
func (f *preflight) partitionsFit(leads, letters []int) {
	if len(letters) < len(leads) {
		f.add("warn", "dead-letter partitions", "give both topics the same number of partitions, so that a letter keeps its partition",
			"%s has %d, %s has %d", f.cfg.DeadLetterTopic, len(letters), f.cfg.Topic, len(leads))
	}
}
