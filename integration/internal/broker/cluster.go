package broker

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/testcontainers/testcontainers-go"
	"github.com/testcontainers/testcontainers-go/network"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// answerLimit is how long a broker may take until it answers.
const answerLimit = 3 * time.Minute

// Cluster is a running Kafka.
type Cluster struct {
	Nodes []*Node // none for an existing cluster

	options  Options
	addrs    []string
	security *Security
	docker   *testcontainers.DockerClient
	network  *testcontainers.DockerNetwork
}

// Open takes the existing cluster that EnvBrokers names, else starts one.
func Open(ctx context.Context, o Options) (*Cluster, error) {
	if addrs := Existing(); len(addrs) > 0 {
		return &Cluster{addrs: addrs}, nil
	}
	return Start(ctx, o)
}

// Start starts brokers in containers and waits until all of them answer. What
// it started is gone again when it fails.
func Start(ctx context.Context, o Options) (*Cluster, error) {
	c := &Cluster{options: o.withDefaults()}
	if err := c.start(ctx); err != nil {
		return nil, errors.Join(err, c.Close(ctx))
	}
	return c, nil
}

func (c *Cluster) start(ctx context.Context) error {
	var err error
	if c.docker, err = testcontainers.NewDockerClientWithOpts(ctx); err != nil {
		return fmt.Errorf("find a container engine: %w", err)
	}
	if c.network, err = network.New(ctx); err != nil {
		return fmt.Errorf("make a network: %w", err)
	}
	if c.options.Secure {
		if c.security, err = newSecurity(ctx); err != nil {
			return err
		}
	}
	for id := 1; id <= c.options.Nodes; id++ {
		if err := c.add(ctx, id); err != nil {
			return err
		}
	}
	for _, n := range c.Nodes {
		if err := c.awaitAnswer(ctx, n); err != nil {
			return err
		}
	}
	if c.security != nil {
		return c.addUser(ctx)
	}
	return nil
}

// add starts one more broker.
func (c *Cluster) add(ctx context.Context, id int) error {
	n, err := c.launch(ctx, id)
	if n != nil && n.container != nil {
		c.Nodes = append(c.Nodes, n) // Close removes it, whatever it is
	}
	if err != nil {
		return err
	}
	c.addrs = append(c.addrs, n.Addr())
	c.security.note(n)
	return nil
}

// Addrs are where clients reach the brokers without any encryption.
func (c *Cluster) Addrs() []string { return c.addrs }

// Security is how clients reach the brokers with credentials; nil when the
// cluster is not Secure.
func (c *Cluster) Security() *Security { return c.security }

// Version is the brokers' release; "" of an existing cluster.
func (c *Cluster) Version() string { return c.options.Version }

// Admin is a client of the cluster that is independent of the product's; the
// caller closes it.
func (c *Cluster) Admin(opts ...kgo.Opt) (*kadm.Client, error) {
	kafka, err := kgo.NewClient(append([]kgo.Opt{kgo.SeedBrokers(c.addrs...), kgo.MetadataMinAge(50 * time.Millisecond)}, opts...)...)
	if err != nil {
		return nil, fmt.Errorf("make a client: %w", err)
	}
	return kadm.NewClient(kafka), nil
}

// Close removes what was started, data included. An existing cluster stays.
func (c *Cluster) Close(ctx context.Context) error {
	ctx = context.WithoutCancel(ctx)
	var errs []error
	for _, n := range c.Nodes {
		errs = append(errs, n.container.Terminate(ctx, testcontainers.StopTimeout(0)))
	}
	if c.security != nil {
		errs = append(errs, c.security.Tokens.close())
	}
	if c.network != nil {
		errs = append(errs, c.network.Remove(ctx))
	}
	if c.docker != nil {
		errs = append(errs, c.docker.Close())
	}
	return errors.Join(errs...)
}

// addUser gives User its SCRAM credentials.
func (c *Cluster) addUser(ctx context.Context) error {
	admin, err := c.Admin()
	if err != nil {
		return err
	}
	defer admin.Close()
	for _, mechanism := range []kadm.ScramMechanism{kadm.ScramSha256, kadm.ScramSha512} {
		altered, err := admin.AlterUserSCRAMs(ctx, nil, []kadm.UpsertSCRAM{{User: User, Mechanism: mechanism, Iterations: 4096, Password: Password}})
		if err == nil {
			err = altered.Error()
		}
		if err != nil {
			return fmt.Errorf("add the user %s: %w", User, err)
		}
	}
	return nil
}

// awaitAnswer waits until the broker counts itself as alive.
func (c *Cluster) awaitAnswer(ctx context.Context, n *Node) error {
	ctx, cancel := context.WithTimeoutCause(ctx, answerLimit, errors.New("it does not answer"))
	defer cancel()
	kafka, err := kgo.NewClient(kgo.SeedBrokers(n.Addr()), kgo.RetryTimeout(time.Second))
	if err != nil {
		return n.wrap("reach", err)
	}
	defer kafka.Close()
	ticker := time.NewTicker(100 * time.Millisecond)
	defer ticker.Stop()
	for {
		alive, err := sees(ctx, kafka.SeedBrokers()[0], n.ID)
		if alive {
			return nil
		}
		if state, err := n.container.State(ctx); err == nil && !state.Running {
			return fmt.Errorf("broker %d ended:\n%s", n.ID, tail(n.Log(ctx), 30))
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return fmt.Errorf("reach broker %d: %w\n%s", n.ID, errors.Join(context.Cause(ctx), err), tail(n.Log(context.WithoutCancel(ctx)), 30))
		}
	}
}

// sees tells whether a broker counts the one with the id as alive.
func sees(ctx context.Context, asked *kgo.Broker, id int) (bool, error) {
	answer, err := asked.Request(ctx, kmsg.NewPtrMetadataRequest())
	if err != nil {
		return false, err
	}
	meta, ok := answer.(*kmsg.MetadataResponse)
	return ok && slices.ContainsFunc(meta.Brokers, func(b kmsg.MetadataResponseBroker) bool { return int(b.NodeID) == id }), nil
}

// tail is the last lines of a text.
func tail(text string, lines int) string {
	all := strings.Split(strings.TrimRight(text, "\n"), "\n")
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}
