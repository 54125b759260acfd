// Package cluster says how a Kafka cluster is reached, which partitions a topic has, and which of the
// brokers' errors are about the record itself.
package cluster

import (
	"context"
	"net"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/sasl"

	"github.com/leadbridge/leadbridge/internal/kafkaauth"
)

const (
	// CallTimeout is the longest time of a call to a broker, and of opening a connection with its login.
	CallTimeout = 10 * time.Second
	// MetadataTTL is how old a transport's knowledge of the cluster may be: a new topic, partition or leader is noticed
	// that late.
	MetadataTTL = 2 * time.Second
	// ClientID is the name that brokers log for our connections.
	ClientID = "leadbridge"
)

// Brokers says how the brokers of a cluster are reached. It holds no connection.
type Brokers struct {
	Addresses []string       // host:port of the first brokers to ask; they name the others
	SASL      sasl.Mechanism // nil: no login
	Dial      kafkaauth.Dial // opens connections, by TLS where that is wanted; nil: in plain text
}

// Through returns the same brokers, reached by connections as wrap returns them. What is written and read there has no TLS
// yet, and includes the login.
func (b Brokers) Through(wrap func(net.Conn) net.Conn) Brokers {
	dial := b.dial()
	b.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dial(ctx, network, address)
		if err != nil {
			return nil, err
		}
		return wrap(conn), nil
	}
	return b
}

// Login returns a Dial whose connections are logged in, and stay logged in.
func (b Brokers) Login() kafkaauth.Dial { return kafkaauth.Login(b.dial(), b.SASL) }

func (b Brokers) dial() kafkaauth.Dial {
	if b.Dial != nil {
		return b.Dial
	}
	return (&net.Dialer{Timeout: CallTimeout}).DialContext
}

// Transport returns a transport that knows the named topics. It never creates a topic.
func (b Brokers) Transport(topics ...string) *kafka.Transport {
	return &kafka.Transport{
		Dial:           b.Login(),
		DialTimeout:    CallTimeout,
		MetadataTTL:    MetadataTTL,
		MetadataTopics: topics,
		ClientID:       ClientID,
	}
}

// Client returns a client that knows the named topics, and the transport that holds its connections.
// Each call is bounded by [CallTimeout]; none creates a topic unless it is asked to.
func (b Brokers) Client(topics ...string) (*kafka.Client, *kafka.Transport) {
	transport := b.Transport(topics...)
	return &kafka.Client{Addr: kafka.TCP(b.Addresses...), Transport: transport, Timeout: CallTimeout}, transport
}
