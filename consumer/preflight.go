package consumer

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/segmentio/kafka-go"

	"github.com/leadbridge/leadbridge/internal/human"
	"github.com/leadbridge/leadbridge/internal/kafkaauth"
	"github.com/leadbridge/leadbridge/internal/wait"
)

// Finding is one line of a preflight; see [crmclient.Finding].
type Finding struct {
	Check  string // what was checked
	Level  string // "ok", "warn", "fail"
	Detail string
	Remedy string // what to do; "" when the level is ok
}

// Preflight checks the brokers and their versions, the topics and their limits, and our rights. With fix it creates missing
// topics. It writes one commit, in the group [CheckGroup], which it deletes if it may, and asks for a transactional producer,
// with which it writes nothing. When no broker answers, that is the only finding.
func Preflight(ctx context.Context, cfg Config, fix bool) []Finding {
	f := &preflight{cfg: cfg, broker: newBroker(cfg)}
	topics := []string{cfg.Topic, cfg.DeadLetterTopic}
	if cfg.ResultTopic != "" {
		topics = append(topics, cfg.ResultTopic)
	}
	f.broker.transport.MetadataTopics = slices.Clone(topics)
	if cfg.StateTopic != "" {
		f.broker.transport.MetadataTopics = append(f.broker.transport.MetadataTopics, cfg.StateTopic)
	}
	defer f.broker.reset()
	if !f.brokers(ctx) {
		return f.findings
	}
	leads := f.topic(ctx, cfg.Topic, "KAFKA_TOPIC", 0, fix)
	letters := f.topic(ctx, cfg.DeadLetterTopic, "KAFKA_DLT_TOPIC", len(leads), fix, roomForLetters())
	f.brokerLimits(ctx)
	if len(leads) > 0 {
		f.readRight(ctx, leads)
		f.groupRight(ctx, leads)
		f.keepsLedgers(ctx, leads[0])
	}
	if len(letters) > 0 {
		f.writeRight(ctx, cfg.DeadLetterTopic, letters[0])
		f.givesTransactions(ctx)
	}
	if cfg.ResultTopic != "" {
		if results := f.topic(ctx, cfg.ResultTopic, "KAFKA_RESULT_TOPIC", len(leads), fix); len(results) > 0 {
			f.writeRight(ctx, cfg.ResultTopic, results[0])
		}
	}
	if len(leads) > 0 && len(letters) > 0 {
		f.partitionsFit(leads, letters)
		f.limits(ctx)
		f.keepsRecords(ctx, topics...)
	}
	if cfg.StateTopic != "" {
		f.stateTopic(ctx, fix)
	}
	return f.findings
}

// PreflightWriting checks that topics exist and that we may write them, for a gate. With fix it creates missing ones.
func PreflightWriting(ctx context.Context, cfg Config, topics []string, fix bool) []Finding {
	f := &preflight{cfg: cfg, broker: newBroker(cfg)}
	f.broker.transport.MetadataTopics = topics
	defer f.broker.reset()
	for _, name := range topics {
		if ids := f.topic(ctx, name, "topic in SOURCES_FILE", 0, fix); len(ids) > 0 {
			f.writeRight(ctx, name, ids[0])
		}
	}
	return f.findings
}

// roomForLetters returns the setting that a new dead-letter topic needs so that the letter of the largest record keeps its
// value.
func roomForLetters() kafka.ConfigEntry {
	return kafka.ConfigEntry{ConfigName: "max.message.bytes", ConfigValue: strconv.Itoa(1<<20 + 64<<10)}
}

// preflight collects the findings of a preflight.
type preflight struct {
	cfg      Config
	broker   *broker
	findings []Finding
}

func (f *preflight) add(level, check, remedy, detail string, args ...any) {
	f.findings = append(f.findings, Finding{Check: check, Level: level, Detail: fmt.Sprintf(detail, args...), Remedy: remedy})
}

// retentionFreeCommits is the first version of OffsetCommit without a retention time, of Kafka 2.1. In older ones kafka-go
// sets 24 hours.
const retentionFreeCommits = 5

// brokers checks that brokers answer and are new enough. It reports whether they answer.
func (f *preflight) brokers(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	versions, err := f.broker.client.ApiVersions(ctx, &kafka.ApiVersionsRequest{})
	if err == nil {
		err = versions.Error
	}
	if err != nil {
		f.addBrokersFailed(err)
		return false
	}
	for _, api := range versions.ApiKeys {
		if api.ApiName == "OffsetCommit" && api.MaxVersion < retentionFreeCommits {
			f.add("fail", "kafka version", "use Kafka 2.1 or newer: before it commits expire after a day",
				"OffsetCommit is offered up to version %d only", api.MaxVersion)
			return true
		}
	}
	f.add("ok", "kafka brokers", "", "%s", strings.Join(f.cfg.Brokers.Addresses, ", "))
	return true
}

func (f *preflight) addBrokersFailed(err error) {
	brokers := strings.Join(f.cfg.Brokers.Addresses, ", ")
	if p, ok := errors.AsType[*kafkaauth.Problem](err); ok {
		f.add("fail", "kafka login", p.Remedy, "%s (%s)", p.What, brokers)
		return
	}
	f.add("fail", "kafka brokers", "look at KAFKA_BROKERS, KAFKA_TLS and KAFKA_SASL_…, and that the cluster runs",
		"none of %s answers: %v", brokers, err)
}

// topic checks that a topic exists, and returns its partitions. With fix it creates a missing topic with the given number of
// partitions (0 for the brokers' default) and settings. setting is our setting that names the topic.
func (f *preflight) topic(ctx context.Context, name, setting string, partitions int, fix bool, settings ...kafka.ConfigEntry) []int {
	check := "topic " + name
	ids, err := partitionsOf(ctx, f.broker.client, name)
	made := ""
	if errors.Is(err, errNoTopic) && fix {
		if err = f.create(ctx, name, partitions, settings); err == nil {
			made = ", just made"
			ids, err = f.awaitCreated(ctx, name)
		}
	}
	switch {
	case errors.Is(err, errNoTopic):
		f.add("fail", check, "create it, or let `leadbridge check --fix` do so, or correct "+setting, "does not exist")
	case err != nil:
		f.add("fail", check, "look at the cluster and at our right to describe the topic", "%v", err)
	default:
		f.add("ok", check, "", "%s%s", human.Count(len(ids), "partition"), made)
	}
	return ids
}

func (f *preflight) create(ctx context.Context, name string, partitions int, settings []kafka.ConfigEntry) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	if partitions == 0 {
		partitions = -1
	}
	res, err := f.broker.client.CreateTopics(ctx, &kafka.CreateTopicsRequest{
		Topics: []kafka.TopicConfig{{Topic: name, NumPartitions: partitions, ReplicationFactor: -1, ConfigEntries: settings}},
	})
	if err != nil {
		return err
	}
	return res.Errors[name]
}

// awaitCreated waits until a topic that was just created is in the transport's metadata, and returns its partitions.
func (f *preflight) awaitCreated(ctx context.Context, name string) ([]int, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	backOff := newBackOff()
	for {
		ids, err := partitionsOf(ctx, f.broker.client, name)
		if err == nil || ctx.Err() != nil {
			return ids, err
		}
		_ = wait.For(ctx, backOff.NextBackOff())
	}
}
