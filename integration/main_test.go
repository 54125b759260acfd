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

	"github.com/leadbridge/leadbridge/integration/internal/broker"
)

// bench is what all tests share.
var bench struct {
	binary  string // the built program
	cluster func() (*broker.Cluster, error)
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
	var started *broker.Cluster
	bench.cluster = sync.OnceValues(func() (*broker.Cluster, error) {
		var err error
		started, err = broker.Open(ctx, broker.Options{Secure: true})
		return started, err
	})
	m.Run()
	if started != nil {
		if err := started.Close(ctx); err != nil {
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

// ownCluster starts brokers that the test may stop. Where an existing cluster is
// tested there are none.
func ownCluster(t *testing.T, o broker.Options) *broker.Cluster {
	t.Helper()
	if len(broker.Existing()) > 0 {
		t.Skip("it stops brokers or needs settings of its own, and " + broker.EnvBrokers + " names those of others")
	}
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
