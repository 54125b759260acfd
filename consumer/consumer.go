// Package consumer is the spine: it takes records from Kafka, has each turned
// into exactly one contact or one dead letter, and commits what is done. It knows no HTTP status.
package consumer

import (
	"context"
	"crypto/tls"
	"net"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"
	"github.com/segmentio/kafka-go/sasl"

	"github.com/leadbridge/leadbridge/crmclient"
	"github.com/leadbridge/leadbridge/transform"
)

// Config is what a Consumer is made of; each field is the setting of the same name.
type Config struct {
	Brokers         []string // host:port
	Topic           string
	DeadLetterTopic string
	GroupID         string
	TLS             *tls.Config    // nil: plaintext
	SASL            sasl.Mechanism // nil: none
	SessionTimeout  time.Duration  // also the rebalance timeout
	DrainTimeout    time.Duration
	Window          int   // unfinished records per partition
	MaxBuffer       int64 // bytes of the process
	DedupeWindow    int   // remembered event ids per partition

	Version string // of this program, for dlt-version
	Log     zerolog.Logger
	Metrics prometheus.Registerer // nil: none

	// Dial opens connections to brokers; nil: the network.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
}

// Transformer turns records into contacts.
type Transformer interface {
	Decode(transform.Record) (transform.Event, error)
	Contact(transform.Event) (crmclient.Contact, error)
}

// Creator makes contacts; see [crmclient.Creator].
type Creator interface {
	Create(ctx context.Context, r crmclient.Request) (crmclient.Result, error)
	SetShare(part float64)
	ContactURL(id int64) string
	Status() crmclient.Status
}

// Consumer delivers the records of one topic.
type Consumer struct{}

// New makes a Consumer; it connects to nothing yet.
func New(cfg Config, t Transformer, c Creator) (*Consumer, error) { return &Consumer{}, nil }

// Run delivers until ctx ends, drains, and returns nil. It waits for brokers
// and topic when they are not there yet.
func (c *Consumer) Run(ctx context.Context) error { <-ctx.Done(); return nil }

// Finding is one line of a preflight; see [crmclient.Finding].
type Finding struct {
	Check  string
	Level  string // "ok", "warn", "fail"
	Detail string
	Remedy string
}

// Preflight looks at brokers, versions, topics, their limits and our rights; fix makes missing topics.
func Preflight(ctx context.Context, cfg Config, fix bool) []Finding { return nil }

// Status is the state of a Consumer at a moment.
type Status struct {
	Ready      bool              `json:"ready"`   // had its first assignment and reaches the brokers
	Healthy    bool              `json:"healthy"` // progress, or a deliberate hold
	Reason     string            `json:"reason,omitempty"`
	Generation int               `json:"generation"`
	Member     string            `json:"member,omitempty"`
	Holds      []crmclient.Hold  `json:"holds"` // the consumer's own: brokers, topic, dead-letter topic
	Partitions []PartitionStatus `json:"partitions"`
}

// PartitionStatus is the state of one owned partition.
type PartitionStatus struct {
	Partition  int     `json:"partition"`
	Committed  int64   `json:"committed"`
	Next       int64   `json:"next"` // next offset to be delivered
	LogEnd     int64   `json:"logEnd"`
	Lag        int64   `json:"lag"`
	LagSeconds float64 `json:"lagSeconds"` // age of the oldest unfinished record
	Unfinished int     `json:"unfinished"`
	Suspects   int     `json:"suspects"`
}

// Status tells where the delivery stands.
func (c *Consumer) Status() Status { return Status{} }
