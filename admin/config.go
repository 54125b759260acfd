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
	// Token is what people and programs sign in with, who may then do everything. Its file is read again and again. With
	// the zero value, and without TokensFile and OIDC, everybody may use the page, by a loopback address only.
	Token crmclient.Secret
	// TokensFile says instead who has which token and what each may do; see [CheckTokens]. It is read again and again.
	// "": there is none.
	TokensFile string
	// OIDC has people sign in by OpenID Connect, besides tokens or without them; nil: they do not.
	OIDC *OIDC

	Version string
	Started time.Time // when the process started, since when the counters count

	Brokers         cluster.Brokers
	Topic           string // of the events
	DeadLetterTopic string
	GroupID         string
	// StateTopic has what all replicas did in the last 30 days; nil: nothing of it is shown.
	StateTopic *statetopic.Topic

	Situation   func() Situation
	Metrics     prometheus.Gatherer
	CRM         CRM
	Controls    Controls
	Where       Where
	Transformer Transformer
	// Target is what events become that do not say it: CRM_TARGET; "": a contact.
	Target crmclient.Target
	// Pause pauses the delivery of this process, or resumes it; who is shown to people. nil: the page cannot do it.
	Pause func(paused bool, who string)
	// Playground is the address of the demo's playground, to which the page links; "": there is none.
	Playground string
	Log        zerolog.Logger
	// Tracer traces the replays; nil: nothing is traced.
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
	Reason     phrase.Text // why it is not healthy
	Holds      []crmclient.Hold
	CRM        crmclient.Status
	Generation int
	Member     string
	Partitions []consumer.PartitionStatus // those that this process owns
	PausedHere bool                       // this process was paused on its page
	LagKnown   bool                       // the lags of Partitions are known
	Waiting    []consumer.Waiting         // what makes events wait for longer than five seconds
}
