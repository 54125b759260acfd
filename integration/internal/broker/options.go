package broker

import (
	"cmp"
	"os"
	"strings"
)

// Names of the environment variables that choose the brokers.
const (
	EnvBrokers = "KAFKA_TEST_BROKERS" // comma list: an existing cluster
	EnvVersion = "KAFKA_TEST_VERSION" // tag of the image
)

// defaultVersion is the tag of the image when EnvVersion says nothing.
const defaultVersion = "4.3.1"

// Options of a cluster; the zero value is one broker with a plaintext listener.
type Options struct {
	Version string // tag of the image; "": EnvVersion, else the current release
	Nodes   int    // brokers; 0: one
	// Secure adds listeners with TLS and SASL; see Cluster.Security.
	Secure bool
	// Proxied are host:port of a proxy for each broker, "" for none. A listener
	// of its own advertises them, so that clients which begin at the
	// proxy stay behind it. The proxy forwards to Node.Upstream.
	Proxied []string
	// Paths are for clients that suffer apart: each is the host:port of a proxy for
	// each broker, and has a listener of its own there. They forward to Node.PathUpstream.
	Paths [][]string
	// Settings are further environment variables (KAFKA_…) of every broker.
	Settings map[string]string
}

func (o Options) withDefaults() Options {
	o.Version = cmp.Or(o.Version, os.Getenv(EnvVersion), defaultVersion)
	o.Nodes = max(o.Nodes, 1)
	return o
}

// proxied is the address of a broker's proxy; nodes count from 1.
func (o Options) proxied(node int) string {
	if node > len(o.Proxied) {
		return ""
	}
	return o.Proxied[node-1]
}

// Existing are the brokers of EnvBrokers; none when it is not set.
func Existing() []string {
	var addrs []string
	for one := range strings.SplitSeq(os.Getenv(EnvBrokers), ",") {
		if one = strings.TrimSpace(one); one != "" {
			addrs = append(addrs, one)
		}
	}
	return addrs
}
