package broker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"time"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/network"
	"github.com/moby/moby/client"
	"github.com/testcontainers/testcontainers-go"
	"github.com/testcontainers/testcontainers-go/log"
)

// Node is one broker, in a container whose data outlives its process. Its
// methods are for one goroutine at a time.
type Node struct {
	ID        int // from 1; the broker's id in the cluster
	container testcontainers.Container
	docker    *testcontainers.DockerClient
	ports     map[listener]int
	cluster   *Cluster
}

// stopTime is how long a broker may take to stop in order.
const stopTime = 20 * time.Second

// Addr is where clients reach the broker without any encryption.
func (n *Node) Addr() string { return n.addr(plain) }

// Upstream is where the proxy of this broker forwards to.
func (n *Node) Upstream() string { return n.addr(proxied) }

// PathUpstream is where the proxy of Options.Paths[i] forwards to.
func (n *Node) PathUpstream(i int) string { return n.addr(path(i)) }

func (n *Node) addr(l listener) string { return hostAddress(n.ports[l]) }

// Kill ends the broker at once, as kill -9 does.
func (n *Node) Kill(ctx context.Context) error {
	_, err := n.docker.ContainerKill(ctx, n.container.GetContainerID(), client.ContainerKillOptions{Signal: "SIGKILL"})
	return n.wrap("kill", err)
}

// Stop ends the broker in order: it hands its partitions over before.
func (n *Node) Stop(ctx context.Context) error {
	limit := stopTime
	return n.wrap("stop", n.container.Stop(ctx, &limit))
}

// Freeze stops the broker's processes where they are, until Thaw.
func (n *Node) Freeze(ctx context.Context) error {
	_, err := n.docker.ContainerPause(ctx, n.container.GetContainerID(), client.ContainerPauseOptions{})
	return n.wrap("freeze", err)
}

// Thaw lets a frozen broker go on.
func (n *Node) Thaw(ctx context.Context) error {
	_, err := n.docker.ContainerUnpause(ctx, n.container.GetContainerID(), client.ContainerUnpauseOptions{})
	return n.wrap("thaw", err)
}

// Start starts the broker again with its data, and waits until it answers.
func (n *Node) Start(ctx context.Context) error {
	if err := n.container.Start(ctx); err != nil {
		return n.wrap("start", err)
	}
	return n.cluster.awaitAnswer(ctx, n)
}

// Set writes a setting of the broker, as in server.properties, which counts from its next start on.
func (n *Node) Set(ctx context.Context, name, value string) error {
	code, _, err := n.container.Exec(ctx, []string{"bash", "-c", `printf '\n%s=%s\n' "$0" "$1" >>/opt/kafka/config/server.properties`, name, value})
	if err == nil && code != 0 {
		err = fmt.Errorf("exit code %d", code)
	}
	return n.wrap("set "+name+" of", err)
}

// Restart stops the broker in order and starts it again.
func (n *Node) Restart(ctx context.Context) error {
	if err := n.Stop(ctx); err != nil {
		return err
	}
	return n.Start(ctx)
}

// Log is what the broker wrote so far.
func (n *Node) Log(ctx context.Context) string {
	r, err := n.container.Logs(ctx)
	if err != nil {
		return err.Error()
	}
	defer r.Close()
	text, err := io.ReadAll(r)
	if err != nil {
		return err.Error()
	}
	return string(text)
}

func (n *Node) wrap(what string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s broker %d: %w", what, n.ID, err)
}

// startScript starts a broker. The image's own script formats the data, which
// not every build of it does a second time without complaint; so later starts
// take the settings that the first one wrote.
const startScript = `if [ -e /tmp/leadbridge-started ]; then
  exec java $KAFKA_HEAP_OPTS -cp '/opt/kafka/libs/*' kafka.Kafka /opt/kafka/config/server.properties
fi
touch /tmp/leadbridge-started
exec /etc/kafka/docker/run`

// launch makes a broker's container and starts it, without waiting for the broker.
func (c *Cluster) launch(ctx context.Context, id int) (*Node, error) {
	n := &Node{ID: id, docker: c.docker, cluster: c}
	bindings := network.PortMap{}
	netName := c.network.Name
	var err error
	if n.ports, err = freePorts(ctx, c.options.listeners()); err != nil {
		return nil, err
	}
	var exposed []string
	for l, port := range n.ports {
		inner := fmt.Sprintf("%d/tcp", l.port)
		exposed = append(exposed, inner)
		bindings[network.MustParsePort(inner)] = []network.PortBinding{{HostIP: netip.MustParseAddr("127.0.0.1"), HostPort: fmt.Sprint(port)}}
	}
	n.container, err = testcontainers.GenericContainer(ctx, testcontainers.GenericContainerRequest{
		ContainerRequest: testcontainers.ContainerRequest{
			Image:          "apache/kafka:" + c.options.Version,
			Cmd:            []string{"bash", "-c", startScript},
			Env:            c.options.env(id, n.ports, c.security),
			ExposedPorts:   exposed,
			Files:          c.security.files(),
			Networks:       []string{netName},
			NetworkAliases: map[string][]string{netName: {hostname(id)}},
			HostConfigModifier: func(h *container.HostConfig) {
				h.PortBindings = bindings
				h.ExtraHosts = []string{hostOfContainers + ":host-gateway"}
			},
		},
		Started: true,
		Logger:  log.NewNoopLogger(),
	})
	if err != nil {
		return n, n.wrap("start", err)
	}
	return n, nil
}

// freePorts chooses ports of this machine for the listeners that clients see.
// They are known before a broker starts, so that it can advertise them.
func freePorts(ctx context.Context, listeners []listener) (map[listener]int, error) {
	ports := map[listener]int{}
	var open []net.Listener
	defer func() {
		for _, l := range open {
			l.Close()
		}
	}()
	for _, l := range listeners {
		if !l.client() {
			continue
		}
		held, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
		if err != nil {
			return nil, fmt.Errorf("choose a port: %w", err)
		}
		open = append(open, held)
		addr, ok := held.Addr().(*net.TCPAddr)
		if !ok {
			return nil, errors.New("choose a port: no TCP address")
		}
		ports[l] = addr.Port
	}
	return ports, nil
}
