package admin

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"github.com/leadbridge/leadbridge/consumer"
	"github.com/leadbridge/leadbridge/crmclient"
	"github.com/leadbridge/leadbridge/internal/cluster"
	"github.com/leadbridge/leadbridge/internal/phrase"
	"github.com/leadbridge/leadbridge/internal/tracing"
	"github.com/leadbridge/leadbridge/statetopic"
	"github.com/leadbridge/leadbridge/transform"
)

// Config says what the page shows, and who may use it.
type Config struct {
	// Token is the secret with which people and programs sign in; they may then do everything. Its file is read again
	// every second. With the zero value, and without TokensFile and OIDC, nobody has to sign in, and the page answers to
	// loopback addresses only.
	Token crmclient.Secret
	// TokensFile is used instead of Token. It says who has which token, and what each may do; see [CheckTokens]. It is
	// read again every second. "" means that there is none.
	TokensFile string
	// OIDC lets people sign in by OpenID Connect, beside tokens or without them; nil if they cannot.
	OIDC *OIDC

	Version string
	Started time.Time // when the process started, and the counters were 0

	Brokers         cluster.Brokers
	Topic           string // of the events
	DeadLetterTopic string
	GroupID         string
	// StateTopic holds the counts of all replicas over the last 30 days; nil if these are not shown.
	StateTopic *statetopic.Topic

	Situation   func() Situation
	Metrics     prometheus.Gatherer
	CRM         CRM
	Controls    Controls
	Where       Where
	Transformer Transformer
	// Target is CRM_TARGET: what an event becomes that does not say it itself. "" stands for a contact.
	Target crmclient.Target
	// Pause pauses the delivery of this process, or resumes it; who is shown to people. nil if the page cannot pause it.
	Pause func(paused bool, who string)
	// Playground is the address of the demo's playground, to which the page links; "" for none.
	Playground string
	Log        zerolog.Logger
	// Tracer traces the replays; nil if they are not traced.
	Tracer *tracing.Tracer
}

// CRM looks contacts up in the CRM; see [crmclient.Creator].
type CRM interface {
	Find(ctx context.Context, r crmclient.Request) (contactID int64, err error)
	ContactURL(contactID int64) string
}

// Transformer makes contacts and explains how; see [transform.Transformer].
type Transformer interface {
	Decode(transform.Record) (transform.Event, error)
	Contact(transform.Event) (crmclient.Contact, error)
	Plan(transform.Event) (transform.Plan, error)
	Explain(transform.Event) transform.Explanation
}

// Situation is the state of the service, as /statusz shows it.
type Situation struct {
	State      string // starting, rebalancing, delivering, held, draining
	Ready      bool
	Healthy    bool
	Reason     phrase.Text // why the service is not healthy; nil: it is
	Holds      []crmclient.Hold
	CRM        crmclient.Status
	Generation int
	Member     string
	Partitions []consumer.PartitionStatus // the partitions that this process owns; nil: none
	PausedHere bool                       // this process was paused on its page; false: not on its page, though other causes may hold the delivery
	LagKnown   bool                       // the lags of Partitions are known; false: Lag and LagSeconds in Partitions mean nothing
	Waiting    []consumer.Waiting         // what makes events wait for longer than five seconds
}
