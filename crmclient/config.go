package crmclient

import (
	"context"
	"net"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"github.com/leadbridge/leadbridge/crmclient/internal/vibe"
	"github.com/leadbridge/leadbridge/internal/tracing"
)

// Config is what a Creator is made of; each field is the setting of the same
// name (CRM_…) and has its meaning.
type Config struct {
	BaseURL      string // without /v1
	APIKey       Secret
	SessionToken Secret // for vibe_app_ keys

	Timeout    time.Duration // longest wait for an answer to a single request; 200 ms more for each further item of a batch
	QueueLimit time.Duration // how long the portal may keep an unanswered request
	Settle     time.Duration // how long after an answer a write may still arrive

	Target Target // of events that name none; empty: TargetContact
	Card   Card   // what a lead or a deal has where its event says nothing: CategoryID, StageID, StatusID

	Comment CommentMode // where comments go; empty: CommentOff

	Slots             int     // requests at a time of this process
	BatchSize         int     // most creates in one request, 1 to 50; 0: 50
	RequestsPerMinute float64 // of the whole portal; 0: no limit
	RequestsPerSecond float64 // of the whole portal; 0: no limit, RateAuto: what /v1/me says

	OriginField string // "auto", a field's name, or "none"
	Originator  string // value of originatorId

	TrackingFields []string // tracking values, such as gclid, for which Preflight makes user fields; nil: none

	Match Match // by what contacts of the same person are looked for; the zero value: they are not

	// CommentsSeen are the kinds of cards (contact, lead, deal) whose comments the portal is known to list. Of others that
	// is found out before the absence of a comment counts.
	CommentsSeen []string

	Patch Patches // what updates do to phones and e-mails in this portal; needed by Match.Fill

	// FreshFirst is the part of the places in requests, 0 to 1, that goes to creates that are not Request.Later, while both
	// wait. 0: the order in which they come decides.
	FreshFirst float64

	LookupAlways bool // CRM_LOOKUP=always: every event is looked up before its create

	MaxAttempts    int
	BackoffInitial time.Duration
	BackoffMax     time.Duration
	FloodLimit     int // 0: off

	Log     zerolog.Logger
	Metrics prometheus.Registerer // nil: none
	Tracer  *tracing.Tracer       // nil: nothing is traced

	// Dial opens connections to the CRM; nil: the network. Tests give an
	// in-memory one, so that a portal can live in a synctest bubble.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
}

// RateAuto as RequestsPerSecond follows GET /v1/me: 10 when it says nothing or 0.
const RateAuto = -1

// withDefaults fills in what has no useful zero value.
func (cfg Config) withDefaults() Config {
	cfg.Timeout = positive(cfg.Timeout, 35*time.Second)
	cfg.QueueLimit = max(cfg.QueueLimit, 0)
	cfg.Settle = max(cfg.Settle, 0)
	cfg.BackoffInitial = positive(cfg.BackoffInitial, 500*time.Millisecond)
	cfg.BackoffMax = max(cfg.BackoffInitial, positive(cfg.BackoffMax, time.Minute))
	cfg.Slots = positive(cfg.Slots, 2)
	cfg.BatchSize = min(positive(cfg.BatchSize, vibe.BatchLimit), vibe.BatchLimit)
	cfg.MaxAttempts = positive(cfg.MaxAttempts, 6)
	if cfg.OriginField == "" {
		cfg.OriginField = originAuto
	}
	if cfg.Target == "" {
		cfg.Target = TargetContact
	}
	if cfg.Originator == "" {
		cfg.Originator = "leadbridge"
	}
	return cfg
}

func positive[T int | time.Duration](given, otherwise T) T {
	if given > 0 {
		return given
	}
	return otherwise
}

// runTime is how long a single request may run once the portal's queue let it in.
func (cfg Config) runTime() time.Duration { return max(cfg.Timeout-cfg.QueueLimit, time.Second) }

// lifetime is how long after it was written an unanswered request with so many creates
// can still take effect.
func (cfg Config) lifetime(items int) time.Duration {
	return cfg.QueueLimit + cfg.runTime() + vibe.BatchTime(items)
}

// The parts of the vendor's wire that other packages need.
type (
	// Contact is one contact as the CRM takes it.
	Contact = vibe.Contact
	// Card is what a lead or a deal says beside the person.
	Card = vibe.Card
	// Multifield is one phone number or e-mail address with its kind.
	Multifield = vibe.Multifield
	// Secret is a value, or a file that holds one.
	Secret = vibe.Secret
)

// Status is the state of a Creator at a moment.
type Status struct {
	Holds       []Hold `json:"holds"` // empty: delivering
	Portal      string `json:"portal,omitempty"`
	OriginField string `json:"originField,omitempty"` // the way in force
	InFlight    int    `json:"inFlight"`
	Waiting     int    `json:"waiting"`

	PerMinute float64 `json:"perMinute"` // requests of the whole portal; 0: no limit
	Share     float64 `json:"share"`     // this process's part of them, 0 to 1
}

// Finding is one line of a preflight: what was looked at, how it is, and what
// to do when it is not well.
type Finding struct {
	Check  string
	Level  string // "ok", "warn", "fail"
	Detail string
	Remedy string
}
