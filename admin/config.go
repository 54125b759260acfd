package admin

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"github.com/leadbridge/leadbridge/consumer"
	"github.com/leadbridge/leadbridge/crmclient"
	"github.com/leadbridge/leadbridge/transform"
)

// Config is what the page shows and how it is guarded.
type Config struct {
	// Token lets people and programs in; its file is read again. The zero value lets in
	// whoever asks by a loopback address.
	Token crmclient.Secret

	Version string
	Started time.Time // of the process: counts since then
	// Kafka names topics and group, and tells how to reach the brokers.
	Kafka       consumer.Config
	Situation   func() Situation
	Metrics     prometheus.Gatherer
	CRM         CRM
	Transformer Transformer
	Log         zerolog.Logger
}

// CRM looks contacts up; see [crmclient.Creator].
type CRM interface {
	Find(ctx context.Context, r crmclient.Request) (contactID int64, err error)
	ContactURL(contactID int64) string
}

// Transformer builds contacts and explains them; see [transform.Transformer].
type Transformer interface {
	Decode(transform.Record) (transform.Event, error)
	Contact(transform.Event) (crmclient.Contact, error)
	Explain(transform.Event) transform.Explanation
}

// Situation is how the service stands, as /statusz tells it.
type Situation struct {
	State      string // starting, delivering, held, draining
	Ready      bool
	Healthy    bool
	Reason     string // why it is not healthy
	Holds      []crmclient.Hold
	CRM        crmclient.Status
	Generation int
	Member     string
	Partitions []consumer.PartitionStatus // of this process
}
