//go:build integration

package integration

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/leadbridge/leadbridge/integration/internal/broker"
)

// bench is what all tests share.
var bench struct {
	binary  string // the built program
	cluster func() (*broker.Cluster, error)
	three   func() (*broker.Cluster, error)
}

// envBinary names a program that is built already.
const envBinary = "LEADBRIDGE_BINARY"

// TestMain builds the program once, and removes the shared brokers at the end.
func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "leadbridge-integration-")
	if err != nil {
		panic(err)
	}
	defer func() { _ = os.RemoveAll(dir) }() // a temporary folder: others clean up there too
	if bench.binary = os.Getenv(envBinary); bench.binary == "" {
		bench.binary = filepath.Join(dir, "leadbridge")
		if err := build(bench.binary); err != nil {
			panic(err)
		}
	}
	ctx := context.Background()
	var started []*broker.Cluster
	once := func(open func(context.Context, broker.Options) (*broker.Cluster, error), o broker.Options) func() (*broker.Cluster, error) {
		return sync.OnceValues(func() (*broker.Cluster, error) {
			c, err := open(ctx, o)
			if err == nil {
				started = append(started, c)
			}
			return c, err
		})
	}
	bench.cluster = once(broker.Open, broker.Options{Secure: true})
	bench.three = once(broker.Start, broker.Options{Nodes: 3})
	m.Run()
	for _, c := range started {
		if err := c.Close(ctx); err != nil {
			fmt.Fprintln(os.Stderr, "close the brokers:", err)
		}
	}
}

func build(binary string) error {
	cmd := exec.Command("go", "build", "-o", binary, "./cmd/leadbridge")
	cmd.Dir = ".."
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build leadbridge: %w\n%s", err, out)
	}
	return nil
}

// sharedCluster is one broker that no test stops. It has every listener, where it is not
// an existing cluster.
func sharedCluster(t *testing.T) *broker.Cluster {
	t.Helper()
	c, err := bench.cluster()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// threeBrokers are for tests that stop some of them, one after another, and leave all running. Where an existing cluster is
// tested there are none.
func threeBrokers(t *testing.T) *broker.Cluster {
	t.Helper()
	skipExisting(t)
	c, err := bench.three()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if !t.Failed() {
			return
		}
		for _, n := range c.Nodes { // as the next test wants them; most are so already
			_ = n.Thaw(context.Background())
			_ = n.Start(context.Background())
		}
		admin, err := c.Admin()
		if err != nil {
			return
		}
		defer admin.Close()
		usual := kadm.AlterConfig{Op: kadm.DeleteConfig, Name: "min.insync.replicas"}
		_, _ = admin.AlterTopicConfigs(context.Background(), []kadm.AlterConfig{usual}, offsetsTopic)
	})
	return c
}

const offsetsTopic = "__consumer_offsets"

// skipExisting ends a test that an existing cluster is not for.
func skipExisting(t *testing.T) {
	t.Helper()
	if len(broker.Existing()) > 0 {
		t.Skip("it stops brokers or needs settings of its own, and " + broker.EnvBrokers + " names those of others")
	}
}

// ownCluster starts brokers that the test may stop. Where an existing cluster is
// tested there are none.
func ownCluster(t *testing.T, o broker.Options) *broker.Cluster {
	t.Helper()
	skipExisting(t)
	c, err := broker.Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return c
}
