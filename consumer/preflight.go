package consumer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
)

// Finding is one line of a preflight; see [crmclient.Finding].
type Finding struct {
	Check  string
	Level  string // "ok", "warn", "fail"
	Detail string
	Remedy string
}

// Preflight looks at brokers, versions, topics, their limits and our rights;
// fix makes missing topics. It writes nothing else.
func Preflight(ctx context.Context, cfg Config, fix bool) []Finding {
	f := &preflight{cfg: cfg, broker: newBroker(cfg)}
	f.broker.transport.MetadataTopics = []string{cfg.Topic, cfg.DeadLetterTopic}
	if cfg.ResultTopic != "" {
		f.broker.transport.MetadataTopics = append(f.broker.transport.MetadataTopics, cfg.ResultTopic)
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
	}
	if len(letters) > 0 {
		f.writeRight(ctx, cfg.DeadLetterTopic, letters[0])
	}
	if cfg.ResultTopic != "" {
		if results := f.topic(ctx, cfg.ResultTopic, "KAFKA_RESULT_TOPIC", len(leads), fix); len(results) > 0 {
			f.writeRight(ctx, cfg.ResultTopic, results[0])
		}
	}
	if len(leads) > 0 && len(letters) > 0 {
		f.partitionsFit(leads, letters)
		f.limits(ctx)
	}
	return f.findings
}

// roomForLetters lets a dead letter of the largest record keep its value.
func roomForLetters() kafka.ConfigEntry {
	return kafka.ConfigEntry{ConfigName: "max.message.bytes", ConfigValue: strconv.Itoa(1<<20 + 64<<10)}
}

type preflight struct {
	cfg      Config
	broker   *broker
	findings []Finding
}

func (f *preflight) add(level, check, remedy, detail string, args ...any) {
	f.findings = append(f.findings, Finding{Check: check, Level: level, Detail: fmt.Sprintf(detail, args...), Remedy: remedy})
}

// retentionFreeCommits is the version of OffsetCommit, of Kafka 2.1, from which
// commits no longer carry a retention: kafka-go sets one of 24 h before it.
const retentionFreeCommits = 5

func (f *preflight) brokers(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	versions, err := f.broker.client.ApiVersions(ctx, &kafka.ApiVersionsRequest{})
	if err == nil {
		err = versions.Error
	}
	if err != nil {
		f.add("fail", "kafka brokers", "look at KAFKA_BROKERS, KAFKA_TLS and KAFKA_SASL_…, and that the cluster runs",
			"none of %s answers: %v", strings.Join(f.cfg.Brokers, ", "), err)
		return false
	}
	for _, api := range versions.ApiKeys {
		if api.ApiName == "OffsetCommit" && api.MaxVersion < retentionFreeCommits {
			f.add("fail", "kafka version", "use Kafka 2.1 or newer: before it commits expire after a day",
				"OffsetCommit is offered up to version %d only", api.MaxVersion)
			return true
		}
	}
	f.add("ok", "kafka brokers", "", "%s", strings.Join(f.cfg.Brokers, ", "))
	return true
}

// topic tells a topic's partitions; with fix a missing one is made with
// partitions of them (0: as many as the brokers do by default).
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
		f.add("fail", check, "create it, or let `leadbridge check --fix` do so, or mend "+setting, "does not exist")
	case err != nil:
		f.add("fail", check, "look at the cluster and at our right to describe the topic", "%v", err)
	default:
		f.add("ok", check, "", "%d partitions%s", len(ids), made)
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

// awaitCreated waits until the transport's picture of the cluster has the topic.
func (f *preflight) awaitCreated(ctx context.Context, name string) ([]int, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	wait := newBackOff()
	for {
		ids, err := partitionsOf(ctx, f.broker.client, name)
		if err == nil || ctx.Err() != nil {
			return ids, err
		}
		pause(ctx, wait.NextBackOff())
	}
}

func (f *preflight) readRight(ctx context.Context, ids []int) {
	err := f.patiently(ctx, func() error {
		ends, err := f.broker.listOffsets(ctx, ids[:1], kafka.ReadUncommitted)
		if err == nil {
			_, err = f.broker.fetch(ctx, ids[0], ends[ids[0]].end, 1<<10, 0)
		}
		return err
	})
	f.right("reading "+f.cfg.Topic, "grant READ and DESCRIBE on the topic", err)
}

// newTimeout is how long what is new may take: a cluster that has never had a group
// makes the 50 partitions of its offsets topic first.
const newTimeout = time.Minute

// patiently tries again what a broker calls temporary: the coordinator of a new
// group and the leaders of a new topic are not there at once.
func (f *preflight) patiently(ctx context.Context, call func() error) error {
	ctx, cancel := context.WithTimeout(ctx, newTimeout)
	defer cancel()
	wait := newBackOff()
	for {
		err := call()
		code, ok := errors.AsType[kafka.Error](err)
		if !ok || !code.Temporary() || ctx.Err() != nil {
			return err
		}
		pause(ctx, wait.NextBackOff())
	}
}

func (f *preflight) groupRight(ctx context.Context, ids []int) {
	err := f.patiently(ctx, func() error {
		_, err := f.broker.fetchCommits(ctx, ids)
		return err
	})
	if errors.Is(err, kafka.GroupIdNotFound) {
		err = nil // nobody has joined it yet
	}
	f.right("group "+f.cfg.GroupID, "grant READ on the group (KAFKA_GROUP_ID)", err)
}

// writeRight offers a batch that no broker accepts: one that we may write to
// finds it corrupt, another one does not look at it.
func (f *preflight) writeRight(ctx context.Context, topic string, partition int) {
	err := f.patiently(ctx, func() error { return f.offerCorruptBatch(ctx, topic, partition) })
	f.right("writing "+topic, "grant WRITE and DESCRIBE on the topic "+topic, err)
}

func (f *preflight) offerCorruptBatch(ctx context.Context, topic string, partition int) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	res, err := f.broker.client.RawProduce(ctx, &kafka.RawProduceRequest{
		Topic: topic, Partition: partition, RequiredAcks: kafka.RequireAll,
		RawRecords: protocol.RawRecordSet{Reader: bytes.NewReader(corruptBatch())},
	})
	if err == nil {
		err = res.Error
	}
	for _, refused := range []error{kafka.InvalidMessage, kafka.InvalidRecord, kafka.UnsupportedForMessageFormat} {
		if errors.Is(err, refused) {
			err = nil
		}
	}
	return err
}

// corruptBatch is an empty record batch (format 2) with a wrong checksum,
// preceded by its size.
func corruptBatch() []byte {
	const header = 61
	b := make([]byte, 4+header)
	b[3] = header
	batch := b[4:]
	batch[11] = header - 12 // length of what follows
	batch[16] = 2           // format
	batch[17] = 0xff        // checksum
	return b
}

func (f *preflight) right(check, remedy string, err error) {
	if err != nil {
		f.add("fail", check, remedy, "%v", err)
		return
	}
	f.add("ok", check, "", "allowed")
}

func (f *preflight) partitionsFit(leads, letters []int) {
	if len(letters) < len(leads) {
		f.add("warn", "dead-letter partitions", "give both topics the same number of partitions, so that a letter keeps its partition",
			"%s has %d, %s has %d", f.cfg.DeadLetterTopic, len(letters), f.cfg.Topic, len(leads))
	}
}

// letterOverhead is room for the headers of a dead letter.
const letterOverhead = 8 << 10

// limits compares the topics' settings.
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
	if room, most := number(letters["max.message.bytes"]), number(leads["max.message.bytes"]); room >= 0 && room < most+letterOverhead {
		f.add("warn", "dead-letter size", fmt.Sprintf("set max.message.bytes of %s to at least %d: a larger letter is written without its value", f.cfg.DeadLetterTopic, most+letterOverhead),
			"takes %d bytes, %s takes %d, and a letter has headers besides", room, f.cfg.Topic, most)
	}
	if strings.Contains(letters["cleanup.policy"], "compact") {
		f.add("warn", "dead-letter cleanup", "set cleanup.policy=delete on "+f.cfg.DeadLetterTopic+": compaction keeps one letter a key", "cleanup.policy is %s", letters["cleanup.policy"])
	}
	if strings.Contains(leads["cleanup.policy"], "compact") {
		f.add("warn", "topic cleanup", "set cleanup.policy=delete on "+f.cfg.Topic+": compaction deletes the earlier events of a key", "cleanup.policy is %s", leads["cleanup.policy"])
	}
	if keep := number(leads["retention.ms"]); keep >= 0 && keep < 24*3600*1000 {
		f.add("warn", "topic retention", "set retention.ms of "+f.cfg.Topic+" to a day or more: what an outage outlasts is lost", "retention.ms is %d", keep)
	}
	if len(f.findings) == before {
		f.add("ok", "topic limits", "", "sizes, cleanup and retention fit")
	}
}

// brokerLimits compares our settings with what the brokers allow, where we may
// know it.
func (f *preflight) brokerLimits(ctx context.Context) {
	meta, err := f.broker.client.Metadata(ctx, &kafka.MetadataRequest{Topics: []string{f.cfg.Topic}})
	if err != nil || len(meta.Brokers) == 0 {
		return // told by the topics' checks
	}
	limits, err := f.describe(ctx, kafka.ResourceTypeBroker, strconv.Itoa(meta.Brokers[0].ID),
		"group.min.session.timeout.ms", "group.max.session.timeout.ms", "offset.metadata.max.bytes")
	if err != nil {
		f.add("warn", "broker limits", "grant DESCRIBE_CONFIGS on the cluster to have KAFKA_SESSION_TIMEOUT compared with what brokers allow", "%v", err)
		return
	}
	least, most := number(limits["group.min.session.timeout.ms"]), number(limits["group.max.session.timeout.ms"])
	session := f.cfg.SessionTimeout.Milliseconds()
	switch room := number(limits["offset.metadata.max.bytes"]); {
	case least >= 0 && session < least, most >= 0 && session > most:
		f.add("fail", "session timeout", fmt.Sprintf("set KAFKA_SESSION_TIMEOUT between %dms and %dms, or mend the brokers' group.min/max.session.timeout.ms", least, most),
			"%v is outside what the brokers allow", f.cfg.SessionTimeout)
	case room >= 0 && room < maxMetadata:
		f.add("fail", "commit metadata", fmt.Sprintf("set the brokers' offset.metadata.max.bytes to %d (their default) or more", maxMetadata),
			"the brokers take %d bytes, a commit needs up to %d", room, maxMetadata)
	default:
		f.add("ok", "broker limits", "", "the session timeout and commits fit")
	}
}

func number(s string) int64 {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		return -1
	}
	return n
}

func (f *preflight) settings(ctx context.Context, topic string) (map[string]string, error) {
	return f.describe(ctx, kafka.ResourceTypeTopic, topic, "max.message.bytes", "cleanup.policy", "retention.ms")
}

// describe tells settings of a topic or a broker.
func (f *preflight) describe(ctx context.Context, kind kafka.ResourceType, name string, settings ...string) (map[string]string, error) {
	return describe(ctx, f.broker.client, kind, name, settings...)
}

func describe(ctx context.Context, client *kafka.Client, kind kafka.ResourceType, name string, settings ...string) (map[string]string, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	res, err := client.DescribeConfigs(ctx, &kafka.DescribeConfigsRequest{
		Resources: []kafka.DescribeConfigRequestResource{{ResourceType: kind, ResourceName: name, ConfigNames: settings}},
	})
	if err != nil {
		return nil, err
	}
	found := map[string]string{}
	for _, r := range res.Resources {
		if r.Error != nil {
			return nil, r.Error
		}
		for _, e := range r.ConfigEntries {
			found[e.ConfigName] = e.ConfigValue
		}
	}
	return found, nil
}
