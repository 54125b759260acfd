package consumer

import (
	"strings"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/leadbridge/leadbridge/internal/cluster"
)

func TestPreflightWarnsOfTopicsThatLoseRecords(t *testing.T) {
	t.Parallel()
	fake, err := kfake.NewCluster(kfake.NumBrokers(3), kfake.SeedTopics(2, "seed"))
	if err != nil {
		t.Fatal(err)
	}
	defer fake.Close()
	transport := &kafka.Transport{}
	defer transport.CloseIdleConnections()
	client := kafka.Client{Addr: kafka.TCP(fake.ListenAddrs()...), Transport: transport}
	for name, settings := range map[string]map[string]string{
		"kept":  {"min.insync.replicas": "2", "retention.ms": "1209600000"},
		"loose": {"min.insync.replicas": "1", "retention.ms": "-1"},
		"short": {"min.insync.replicas": "2", "retention.ms": "3600000"},
	} {
		var entries []kafka.ConfigEntry
		for key, value := range settings {
			entries = append(entries, kafka.ConfigEntry{ConfigName: key, ConfigValue: value})
		}
		res, err := client.CreateTopics(t.Context(), &kafka.CreateTopicsRequest{Topics: []kafka.TopicConfig{
			{Topic: name, NumPartitions: 2, ReplicationFactor: 3, ConfigEntries: entries},
			{Topic: name + ".dlt", NumPartitions: 2, ReplicationFactor: 3, ConfigEntries: entries},
		}})
		if err != nil || res.Errors[name] != nil {
			t.Fatal(err, res.Errors)
		}
	}
	for topic, want := range map[string]string{
		"kept":  "ok topic replicas: no broker keeps a record alone",
		"loose": "warn topic replicas: min.insync.replicas is 1: loose, loose.dlt",
		"short": "warn topic retention: records are kept for 1h0m0s",
	} {
		cfg := Config{Brokers: cluster.Brokers{Addresses: fake.ListenAddrs()}, Topic: topic, DeadLetterTopic: topic + ".dlt", GroupID: "g", SessionTimeout: 30 * time.Second}
		got := levels(Preflight(t.Context(), cfg, false))
		if !strings.Contains(got, want+"\n") {
			t.Errorf("%s: missing %q in\n%s", topic, want, got)
		}
		if topic == "kept" && (strings.Contains(got, "retention:") || strings.Contains(got, "insync")) {
			t.Errorf("a topic that keeps its records is warned of:\n%s", got)
		}
	}
}
