//go:build integration

package broker

import (
	"slices"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"
)

// TestDataOutlivesBrokers writes to a cluster, kills and stops its brokers, and
// reads what was written.
func TestDataOutlivesBrokers(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	c, err := Start(ctx, Options{Nodes: 3, Secure: true})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := c.Close(ctx); err != nil {
			t.Error(err)
		}
	}()
	admin, err := c.Admin()
	if err != nil {
		t.Fatal(err)
	}
	defer admin.Close()
	must := func(what string, err error) {
		t.Helper()
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
	}
	_, err = admin.CreateTopic(ctx, 1, 3, nil, "kept")
	must("create the topic", err)
	kafka, err := kgo.NewClient(kgo.SeedBrokers(c.Addrs()...), kgo.ConsumeTopics("kept"), kgo.DefaultProduceTopic("kept"))
	must("make a client", err)
	defer kafka.Close()
	must("write", kafka.ProduceSync(ctx, kgo.StringRecord("first")).FirstErr())

	must("kill", c.Nodes[0].Kill(ctx))
	must("start", c.Nodes[0].Start(ctx))
	must("restart", c.Nodes[1].Restart(ctx))
	must("freeze", c.Nodes[2].Freeze(ctx))
	must("thaw", c.Nodes[2].Thaw(ctx))
	must("write", kafka.ProduceSync(ctx, kgo.StringRecord("second")).FirstErr())

	var got []string
	for len(got) < 2 {
		fetches := kafka.PollFetches(ctx)
		must("read", fetches.Err())
		for r := range fetches.RecordsAll() {
			got = append(got, string(r.Value))
		}
	}
	if !slices.Equal(got, []string{"first", "second"}) {
		t.Errorf("read %q", got)
	}
}
