package crmclient

import (
	"context"
	"net"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"
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

	Slots             int     // requests at a time of this process
	BatchSize         int     // most creates in one request, 1 to 50; 0: 50
	RequestsPerMinute float64 // of the whole portal; 0: no limit
	RequestsPerSecond float64 // of the whole portal; 0: no limit, RateAuto: what /v1/me says

	OriginField string // "auto", a field's name, or "none"
	Originator  string // value of originatorId

	LookupAlways bool // CRM_LOOKUP=always: every event is looked up before its create

	MaxAttempts    int
	BackoffInitial time.Duration
	BackoffMax     time.Duration
	FloodLimit     int // 0: off

	Log     zerolog.Logger
	Metrics prometheus.Registerer // nil: none

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
	cfg.BatchSize = min(positive(cfg.BatchSize, batchLimit), batchLimit)
	cfg.MaxAttempts = positive(cfg.MaxAttempts, 6)
	if cfg.OriginField == "" {
		cfg.OriginField = originAuto
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
	return cfg.QueueLimit + cfg.runTime() + itemsTime(items)
}

// itemsTime is how much longer a batch may run than a single request: 200 ms for
// each further item.
func itemsTime(items int) time.Duration {
	return time.Duration(max(items-1, 0)) * 200 * time.Millisecond
}

// Cause names what holds the creates of a process back.
type Cause string

// The causes of a [Hold].
const (
	HoldPreparing   Cause = "preparing"    // the portal has not been asked yet
	HoldCredentials Cause = "credentials"  // 401, 402, 403, 404, 405 for everyone
	HoldOutage      Cause = "outage"       // the CRM fails for everyone
	HoldThrottle    Cause = "throttle"     // 429
	HoldFlood       Cause = "flood"        // CRM_FLOOD_LIMIT refusals in a row
	HoldOriginField Cause = "origin_field" // the CRM no longer keeps our id
)

// Hold is a deliberate pause.
type Hold struct {
	Cause  Cause     `json:"cause"`
	Since  time.Time `json:"since"`
	Until  time.Time `json:"until,omitzero"` // next probe
	Status int       `json:"status,omitempty"`
	Code   string    `json:"code,omitempty"`
	Advice string    `json:"advice"` // what to do about it, in a sentence
}

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
