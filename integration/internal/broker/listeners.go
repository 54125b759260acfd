package broker

import (
	"fmt"
	"maps"
	"net"
	"strconv"
	"strings"
)

// listener is one of a broker's. Names that contain neither SSL nor SASL keep
// the image's start script from asking for settings of its own.
type listener struct {
	name     string
	protocol string
	port     int // in the container
}

var (
	plain      = listener{"PLAINTEXT", "PLAINTEXT", 9092}
	controller = listener{"CONTROLLER", "PLAINTEXT", 9093}
	internal   = listener{"INTERNAL", "PLAINTEXT", 9094}
	proxied    = listener{"PROXIED", "PLAINTEXT", 9095}
	tlsOnly    = listener{"TLS", "SSL", 9096}
	mutual     = listener{"MUTUAL", "SSL", 9097}
	scramTLS   = listener{"SCRAM", "SASL_SSL", 9098}
	password   = listener{"PASSWORD", "SASL_PLAINTEXT", 9099}
	unsecured  = listener{"UNSECURED", "SASL_PLAINTEXT", 9090}
	oidc       = listener{"OIDC", "SASL_SSL", 9091}
)

// path is the listener of one of Options.Paths.
func path(i int) listener { return listener{fmt.Sprintf("PATH%d", i), "PLAINTEXT", 9100 + i} }

// client tells whether the listener is reached from outside the container.
func (l listener) client() bool { return l != controller && l != internal }

func (o Options) listeners() []listener {
	all := []listener{plain, controller, internal}
	if len(o.Proxied) > 0 {
		all = append(all, proxied)
	}
	for i := range o.Paths {
		all = append(all, path(i))
	}
	if o.Secure {
		all = append(all, tlsOnly, mutual, scramTLS, password, unsecured, oidc)
	}
	return all
}

// hostname is a broker's name in the containers' network.
func hostname(node int) string { return fmt.Sprintf("kafka-%d", node) }

// env is the environment of one broker; ports are those of the host.
func (o Options) env(node int, ports map[listener]int, security *Security) map[string]string {
	var bound, advertised, protocols, voters []string
	for _, l := range o.listeners() {
		bound = append(bound, fmt.Sprintf("%s://:%d", l.name, l.port))
		protocols = append(protocols, l.name+":"+l.protocol)
		if address := o.advertised(node, l, ports); address != "" {
			advertised = append(advertised, l.name+"://"+address)
		}
	}
	for n := range o.Nodes {
		voters = append(voters, fmt.Sprintf("%d@%s:%d", n+1, hostname(n+1), controller.port))
	}
	replicas := strconv.Itoa(min(o.Nodes, 3))
	env := map[string]string{
		"KAFKA_NODE_ID":                                  strconv.Itoa(node),
		"KAFKA_PROCESS_ROLES":                            "broker,controller",
		"KAFKA_LISTENERS":                                strings.Join(bound, ","),
		"KAFKA_ADVERTISED_LISTENERS":                     strings.Join(advertised, ","),
		"KAFKA_LISTENER_SECURITY_PROTOCOL_MAP":           strings.Join(protocols, ","),
		"KAFKA_CONTROLLER_LISTENER_NAMES":                controller.name,
		"KAFKA_INTER_BROKER_LISTENER_NAME":               internal.name,
		"KAFKA_CONTROLLER_QUORUM_VOTERS":                 strings.Join(voters, ","),
		"KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR":         replicas,
		"KAFKA_OFFSETS_TOPIC_NUM_PARTITIONS":             "6",
		"KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR": replicas,
		"KAFKA_TRANSACTION_STATE_LOG_MIN_ISR":            "1",
		"KAFKA_TRANSACTION_STATE_LOG_NUM_PARTITIONS":     "3",
		"KAFKA_DEFAULT_REPLICATION_FACTOR":               replicas,
		"KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS":         "0",
		// What brokers do every few minutes is wanted every second.
		"KAFKA_LOG_INITIAL_TASK_DELAY_MS":       "1000",
		"KAFKA_LOG_RETENTION_CHECK_INTERVAL_MS": "1000",
		"KAFKA_LOG_SEGMENT_DELETE_DELAY_MS":     "1000",
		"KAFKA_LOG_CLEANER_BACKOFF_MS":          "500",
		"KAFKA_LOG_CLEANER_DEDUPE_BUFFER_SIZE":  "16777216",
		"KAFKA_BROKER_SESSION_TIMEOUT_MS":       "6000",
		"KAFKA_CONTROLLED_SHUTDOWN_MAX_RETRIES": "1",
		"KAFKA_HEAP_OPTS":                       "-Xmx512m -XX:TieredStopAtLevel=1",
	}
	if security != nil {
		maps.Copy(env, security.env())
		env["KAFKA_HEAP_OPTS"] += " -Dorg.apache.kafka.sasl.oauthbearer.allowed.urls=" + security.Tokens.keysURL()
	}
	maps.Copy(env, o.Settings)
	return env
}

// advertised is where clients find a broker's listener; "" when it has none for them.
func (o Options) advertised(node int, l listener, ports map[listener]int) string {
	switch l {
	case controller:
		return ""
	case internal:
		return fmt.Sprintf("%s:%d", hostname(node), internal.port)
	case proxied:
		if address := o.proxied(node); address != "" {
			return address
		}
	}
	for i, addresses := range o.Paths {
		if l == path(i) {
			return addresses[node-1]
		}
	}
	return hostAddress(ports[l])
}

// hostAddress is a port of this machine.
func hostAddress(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }
