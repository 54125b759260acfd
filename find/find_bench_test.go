package find_test

import (
	"fmt"
	"testing"

	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/leadbridge/leadbridge/find"
	"github.com/leadbridge/leadbridge/internal/cluster"
	"github.com/leadbridge/leadbridge/transform"
)

// BenchmarkFind looks for one person among 100,000 records in four partitions: a million takes ten
// times as long.
func BenchmarkFind(b *testing.B) {
	const records, partitions = 100_000, 4
	fake, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(partitions, "leads", "leads.dlt"))
	if err != nil {
		b.Fatal(err)
	}
	defer fake.Close()
	fill(b, fake, records, partitions)
	by, err := transform.New(transform.Options{})
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		f := find.New(find.Config{
			Brokers: cluster.Brokers{Addresses: fake.ListenAddrs()}, Topic: "leads", DeadLetterTopic: "leads.dlt", GroupID: "leadbridge", Transformer: by,
		})
		report, err := f.Find(b.Context(), "+79160000042")
		if err != nil || len(report.Events) != 1 || report.Records != records {
			b.Fatalf("%d events in %d records, %v", len(report.Events), report.Records, err)
		}
		f.Close()
	}
}

// fill writes leads of different people.
func fill(b *testing.B, fake *kfake.Cluster, records, partitions int) {
	b.Helper()
	transport := &kafka.Transport{}
	defer transport.CloseIdleConnections()
	client := kafka.Client{Addr: kafka.TCP(fake.ListenAddrs()...), Transport: transport}
	const at = 1000
	for n := 0; n < records; n += at {
		batch := make([]kafka.Record, at)
		for i := range batch {
			batch[i].Value = kafka.NewBytes(fmt.Appendf(nil,
				`{"name":"Анна Соколова","phone":"8 (916) %07d","email":"lead.%d@example.com","utm_source":"site","comment":"Перезвоните, пожалуйста, после шести"}`, n+i, n+i))
		}
		answer, err := client.Produce(b.Context(), &kafka.ProduceRequest{
			Topic: "leads", Partition: n / at % partitions, RequiredAcks: kafka.RequireAll, Records: kafka.NewRecordReader(batch...),
		})
		if err == nil {
			err = answer.Error
		}
		if err != nil {
			b.Fatal(err)
		}
	}
}
