package settings

import (
	"net"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/leadbridge/leadbridge/consumer"
)

// Group are the settings of the consumer group, and of the topic for results.
type Group struct {
	GroupID        string `name:"kafka-group-id" env:"KAFKA_GROUP_ID" default:"leadbridge" placeholder:"ID" help:"Consumer group; a new one starts at the earliest record."`
	ResultTopic    string `name:"kafka-result-topic" env:"KAFKA_RESULT_TOPIC" placeholder:"TOPIC" help:"Topic for results: one record per contact, that says which event became which contact. Default: none are written."`
	SessionTimeout string `name:"kafka-session-timeout" env:"KAFKA_SESSION_TIMEOUT" default:"30s" placeholder:"DURATION" help:"How long the group waits for a silent process before others take over; the rebalance timeout is the same."`
}

// State are the settings of the topic that keeps what replicas did.
type State struct {
	StateTopic string `name:"kafka-state-topic" env:"KAFKA_STATE_TOPIC" placeholder:"TOPIC" help:"Compacted topic in which all replicas keep their counts of the last 30 days, for the page; it holds nothing of a person or an event. Default: none is kept."`
}

// Letters are the settings of dead letters.
type Letters struct {
	DLTTopic string `name:"kafka-dlt-topic" env:"KAFKA_DLT_TOPIC" default:"leads.dlt" placeholder:"TOPIC" help:"Topic for dead letters: events that can never become a contact, with the reason."`
}

// Kafka are the settings of how the brokers are reached.
type Kafka struct {
	Brokers string `name:"kafka-brokers" env:"KAFKA_BROKERS" default:"localhost:9092" placeholder:"HOST:PORT,…" help:"Brokers to begin with, a comma list; port 9092 when none is given."`

	TLS         Switch `name:"kafka-tls" env:"KAFKA_TLS" default:"false" placeholder:"true|false" help:"Speak TLS to the brokers."`
	TLSCAFile   string `name:"kafka-tls-ca-file" env:"KAFKA_TLS_CA_FILE" placeholder:"FILE" help:"PEM file of the certificate authorities to trust. Default: those of the system."`
	TLSCertFile string `name:"kafka-tls-cert-file" env:"KAFKA_TLS_CERT_FILE" placeholder:"FILE" help:"PEM file of our own certificate, for brokers that ask for one. Default: none."`
	TLSKeyFile  string `name:"kafka-tls-key-file" env:"KAFKA_TLS_KEY_FILE" placeholder:"FILE" help:"PEM file of its private key. Default: none."`

	SASLMechanism    string `name:"kafka-sasl-mechanism" env:"KAFKA_SASL_MECHANISM" placeholder:"NAME" help:"PLAIN, SCRAM-SHA-256, SCRAM-SHA-512, OAUTHBEARER or AWS_MSK_IAM; see docs/brokers.md. Default: none."`
	SASLUsername     string `name:"kafka-sasl-username" env:"KAFKA_SASL_USERNAME" placeholder:"NAME" help:"User name for the mechanism. Default: none."`
	SASLPassword     string `name:"kafka-sasl-password" env:"KAFKA_SASL_PASSWORD" placeholder:"SECRET" help:"Password for the mechanism; better given by the file. Default: none."`
	SASLPasswordFile string `name:"kafka-sasl-password-file" env:"KAFKA_SASL_PASSWORD_FILE" placeholder:"FILE" help:"File that holds the password; read at each login. Default: none."`

	OAuth `embed:""`
}

// Topic is the setting of the events' topic, which commands that ask no broker need, too.
type Topic struct {
	Topic string `name:"kafka-topic" env:"KAFKA_TOPIC" default:"leads" placeholder:"TOPIC" help:"Topic of the events; it names events that bring no id of their own."`
}

func (g Group) parse(p *parser, c *consumer.Config) {
	if name := strings.TrimSpace(g.ResultTopic); name != "" {
		c.ResultTopic = p.topic("KAFKA_RESULT_TOPIC", name)
	}
	if c.ResultTopic != "" && (c.ResultTopic == c.Topic || c.ResultTopic == c.DeadLetterTopic) {
		p.fault("KAFKA_RESULT_TOPIC", "is the topic of the events or of dead letters", "name another topic, such as "+c.Topic+".results")
	}
	c.GroupID = strings.TrimSpace(g.GroupID)
	if strings.ContainsFunc(c.GroupID, isControl) {
		p.fault("KAFKA_GROUP_ID", "holds a control character", "write a plain name")
	}
	c.SessionTimeout = p.duration("KAFKA_SESSION_TIMEOUT", g.SessionTimeout, positive)
}

func (s State) parse(p *parser, c *consumer.Config) {
	name := strings.TrimSpace(s.StateTopic)
	if name == "" {
		return
	}
	c.StateTopic = p.topic("KAFKA_STATE_TOPIC", name)
	if slices.Contains([]string{c.Topic, c.DeadLetterTopic, c.ResultTopic}, c.StateTopic) {
		p.fault("KAFKA_STATE_TOPIC", "is the topic of the events, of dead letters or of results", "name another topic, such as "+c.Topic+".state")
	}
}

// parseKafka reads all settings of Kafka but those of State.
func parseKafka(p *parser, t Topic, k Kafka, l Letters, g Group) (c consumer.Config) {
	k.parse(p, t, &c)
	l.parse(p, &c)
	g.parse(p, &c)
	return c
}

func (l Letters) parse(p *parser, c *consumer.Config) {
	c.DeadLetterTopic = p.topic("KAFKA_DLT_TOPIC", l.DLTTopic)
	if c.DeadLetterTopic == c.Topic {
		p.fault("KAFKA_DLT_TOPIC", "is the topic of the events itself", "name another topic, such as "+c.Topic+".dlt")
	}
}

func (k Kafka) parse(p *parser, topic Topic, c *consumer.Config) {
	c.Brokers.Addresses = p.brokers(k.Brokers)
	c.Topic = topic.parse(p)
	c.Brokers.Dial = k.dial(p)
	c.Brokers.SASL = k.sasl(p)
}

func (t Topic) parse(p *parser) string { return p.topic("KAFKA_TOPIC", t.Topic) }

// brokers reads a comma list of host:port.
func (p *parser) brokers(text string) []string {
	var list []string
	for i, one := range strings.Split(text, ",") {
		one = strings.TrimSpace(one)
		if one == "" {
			continue
		}
		broker, ok := brokerAddress(one)
		if !ok {
			// The address is not repeated: it may hold a password.
			p.fault("KAFKA_BROKERS", "number "+strconv.Itoa(i+1)+" of the list is not an address", "write host:port, several separated by commas; a password is given by KAFKA_SASL_PASSWORD_FILE")
			continue
		}
		list = append(list, broker)
	}
	if len(list) == 0 && !slices.ContainsFunc(p.faults, func(f Fault) bool { return f.Variable == "KAFKA_BROKERS" }) {
		p.fault("KAFKA_BROKERS", "names no broker", "write host:port, several separated by commas")
	}
	return list
}

// brokerAddress returns host:port, with port 9092 when none is given; false: it is not an address.
func brokerAddress(text string) (string, bool) {
	if strings.ContainsAny(text, "/@ ") {
		return "", false
	}
	host, port, err := net.SplitHostPort(text)
	if err != nil {
		host, port = strings.Trim(text, "[]"), "9092"
		if strings.Contains(host, ":") && net.ParseIP(host) == nil {
			return "", false
		}
	}
	n, err := strconv.Atoi(port)
	if err != nil || n < 1 || n > 65535 || host == "" {
		return "", false
	}
	return net.JoinHostPort(host, port), true
}

// topicName matches the names of topics that Kafka allows.
var topicName = regexp.MustCompile(`^[a-zA-Z0-9._-]{1,249}$`)

func (p *parser) topic(variable, text string) string {
	text = strings.TrimSpace(text)
	if !topicName.MatchString(text) || text == "." || text == ".." {
		p.fault(variable, quote(text)+" is not a topic name", "use 1 to 249 letters, digits, dots, dashes and underscores")
	}
	return text
}
