// Package service wires the packages into the service that run and demo start.
package service

import (
	"context"
	"errors"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/rs/zerolog"

	"github.com/leadbridge/leadbridge/admin"
	"github.com/leadbridge/leadbridge/cmd/leadbridge/internal/monitor"
	"github.com/leadbridge/leadbridge/cmd/leadbridge/internal/settings"
	"github.com/leadbridge/leadbridge/consumer"
	"github.com/leadbridge/leadbridge/crmclient"
	"github.com/leadbridge/leadbridge/internal/tracing"
	"github.com/leadbridge/leadbridge/statetopic"
)

// Config holds what a Service needs. Log and Metrics of Consumer and CRM, and the Version of Consumer, are set from it.
type Config struct {
	Consumer    consumer.Config
	CRM         crmclient.Config
	Transformer Transformer
	Version     string
	Log         zerolog.Logger
	Listener    net.Listener  // serves HTTP; the service closes it
	Summary     time.Duration // how often the summary line is logged

	Page      net.Listener     // serves the page for people; nil: there is none
	PageToken crmclient.Secret // that lets them in
	// PageTokensFile says instead who is let in, and what each may do; "": there is none.
	PageTokensFile string
	// PageOIDC has people sign in by OpenID Connect; nil: they do not.
	PageOIDC   *admin.OIDC
	Playground string // the address of the demo's playground, to which the page links; "": there is none

	Pause settings.PauseConfig

	Host string // the name of this replica in Consumer.StateTopic; "": that of the machine

	Tracer *tracing.Tracer // nil: nothing is traced
}

// Transformer is what consumer and page need of a transformer.
type Transformer interface {
	consumer.Transformer
	admin.Transformer
}

// Service is a consumer, its creator, and the HTTP server that shows both.
type Service struct {
	cfg      Config
	registry *prometheus.Registry
	crm      *crmclient.Creator
	consumer *consumer.Consumer
	monitor  *monitor.Monitor
	state    *statetopic.Topic // nil: what replicas do is not kept
	admin    *admin.Server     // nil: there is no page
}

// New wires a service; it connects to nothing yet.
func New(cfg Config) (*Service, error) {
	s := &Service{cfg: cfg, registry: NewRegistry(cfg.Version)}
	var err error
	cfg.CRM.Log, cfg.CRM.Metrics, cfg.CRM.Tracer, cfg.Consumer.Tracer = cfg.Log, s.registry, cfg.Tracer, cfg.Tracer
	if s.crm, err = crmclient.New(cfg.CRM); err != nil {
		return nil, err
	}
	cfg.Consumer.MaxInFlight = s.crm.InFlight()
	cfg.Consumer.Log, cfg.Consumer.Metrics, cfg.Consumer.Version = cfg.Log, s.registry, cfg.Version
	if s.consumer, err = consumer.New(cfg.Consumer, cfg.Transformer, s.crm); err != nil {
		return nil, err
	}
	s.consumer.SetPaused(consumer.PausedBySetting, cfg.Pause.Paused, "")
	_ = s.readPause(nil) // before the first event; it logs what is wrong
	s.monitor = &monitor.Monitor{
		Version:  cfg.Version,
		Started:  time.Now(),
		Metrics:  s.registry,
		Consumer: s.consumer.Status,
		CRM:      s.crm.Status,
	}
	if s.state, err = s.newStateTopic(); err != nil {
		return nil, err
	}
	if cfg.Page != nil {
		s.admin, err = admin.New(admin.Config{
			Token: cfg.PageToken, TokensFile: cfg.PageTokensFile, OIDC: cfg.PageOIDC, Version: cfg.Version, Started: s.monitor.Started,
			Brokers: cfg.Consumer.Brokers, Topic: cfg.Consumer.Topic, DeadLetterTopic: cfg.Consumer.DeadLetterTopic, GroupID: cfg.Consumer.GroupID, StateTopic: s.state,
			Situation: s.situation, Metrics: s.registry, CRM: s.crm, Controls: controls{s.consumer, s.crm}, Where: s.where, Transformer: cfg.Transformer, Target: cfg.CRM.Target, Playground: cfg.Playground, Log: cfg.Log, Tracer: cfg.Tracer,
			Pause: func(paused bool, who string) { s.consumer.SetPaused(consumer.PausedByPage, paused, who) },
		})
	}
	return s, err
}

// controls are what the person on duty may do.
type controls struct {
	consumer *consumer.Consumer
	crm      *crmclient.Creator
}

func (c controls) ProbeNow() { c.crm.ProbeNow() }

// ReleaseFlood takes the letters out of the wait first: the end of a flood sends what waits for it once more. Without
// a flood what was refused in the last one is being sent once more, and no letter is right.
func (c controls) ReleaseFlood() int {
	flooded := slices.ContainsFunc(c.crm.Status().Holds, func(h crmclient.Hold) bool { return h.Cause == crmclient.HoldFlood })
	if !flooded {
		return 0
	}
	n := c.consumer.ReleaseFlood()
	c.crm.ReleaseFlood()
	return n
}

// situation is what the page shows of the status.
func (s *Service) situation() admin.Situation {
	is := s.monitor.Status()
	return admin.Situation{
		State: string(is.State), Ready: is.Ready, Healthy: is.Healthy, Reason: is.Reason, Holds: is.Holds,
		CRM: s.crm.Status(), Generation: is.Group.Generation, Member: is.Group.Member, Partitions: is.Partitions,
		PausedHere: s.consumer.Paused(consumer.PausedByPage),
		LagKnown:   is.Lag != nil, Waiting: is.Waiting,
	}
}

// NewRegistry makes the registry that every command with metrics begins with.
func NewRegistry(version string) *prometheus.Registry {
	r := prometheus.NewRegistry()
	info := prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "leadbridge_build_info", Help: "The running version; its value is always 1.",
	}, []string{"version"})
	info.WithLabelValues(version).Set(1)
	r.MustRegister(info, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return r
}

// LogTotals logs what happened since the start.
func (s *Service) LogTotals(msg string) { s.monitor.LogTotals(s.cfg.Log, msg) }

// Metrics returns the service's metrics.
func (s *Service) Metrics() prometheus.Gatherer { return s.registry }

// Status returns the state of the service.
func (s *Service) Status() monitor.Status { return s.monitor.Status() }

// Run serves HTTP at once and delivers until ctx ends and the drain is over.
// HTTP is there until the last: a drain can be watched.
func (s *Service) Run(ctx context.Context) error {
	server := monitor.NewServer(s.monitor.Handler(), time.Minute)
	ctx, cancel := context.WithCancel(ctx)
	var background sync.WaitGroup
	if s.state != nil {
		defer s.state.Close() // when nothing uses it any more
	}
	defer background.Wait()
	defer server.Close() //nolint:errcheck // nothing is left that could report it
	defer cancel()
	background.Go(func() { s.serve(server, s.cfg.Listener) })
	if s.state != nil {
		// After the page, which reads it, and until the drain is over, which it counts.
		defer s.runStateTopic(ctx)()
	}
	if s.admin != nil {
		page := monitor.NewServer(s.admin.Handler(), time.Minute)
		defer page.Close() //nolint:errcheck // nothing is left that could report it
		background.Go(func() { s.serve(page, s.cfg.Page) })
		// Until the last, so that a drain can be watched here too; what writes ends with ctx.
		watch, end := context.WithCancel(context.WithoutCancel(ctx))
		defer end()
		background.Go(func() { s.admin.Run(watch) })
		defer func() {
			limit, done := context.WithTimeout(context.Background(), settleLimit)
			defer done()
			s.admin.Settle(limit)
		}()
		defer context.AfterFunc(ctx, s.admin.Drain)()
	}
	background.Go(func() { s.monitor.LogSummaries(ctx, s.cfg.Log, s.cfg.Summary) })
	background.Go(func() { s.prepare(ctx) })
	background.Go(func() { s.watchPause(ctx) })
	stopWatch := context.AfterFunc(ctx, s.monitor.Draining)
	defer stopWatch()
	return s.consumer.Run(ctx)
}

// settleLimit is how long a replay may take to end: less than a process has beyond its drain.
const settleLimit = 3 * time.Second

func (s *Service) serve(server *http.Server, listener net.Listener) {
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		s.cfg.Log.Error().Err(err).Msg("HTTP server ended")
	}
}

// prepare asks the portal before the first event needs it, so that a bad key is
// seen at the start. Its waits and their reasons are logged by the creator.
func (s *Service) prepare(ctx context.Context) {
	if err := s.crm.Prepare(ctx); err != nil && ctx.Err() == nil {
		s.cfg.Log.Error().Err(err).Msg("the portal could not be read at the start")
	}
}
