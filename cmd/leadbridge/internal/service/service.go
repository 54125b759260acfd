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

// Config holds what a Service needs. New sets the Log, Metrics and Tracer of Consumer and CRM, and the Version and
// MaxInFlight of Consumer.
type Config struct {
	Consumer    consumer.Config
	CRM         crmclient.Config
	Transformer Transformer
	Version     string
	Log         zerolog.Logger
	Listener    net.Listener  // serves HTTP; the service closes it
	Summary     time.Duration // how often the summary line is logged

	Page           net.Listener     // serves the page for people; nil: there is no page
	PageToken      crmclient.Secret // lets everybody who has it into the page; empty: there is none
	PageTokensFile string           // names instead who is let in, and what each may do; "": there is none
	PageOIDC       *admin.OIDC      // by which people sign in with OpenID Connect; nil: they do not
	Playground     string           // address of the demo's playground, to which the page links; "": there is none

	Pause settings.PauseConfig // by which the delivery is paused by hand

	Host string // name of this replica in Consumer.StateTopic; "": that of the machine

	Tracer *tracing.Tracer // nil: nothing is traced
}

// Transformer is what consumer and page need of a transformer.
type Transformer interface {
	consumer.Transformer
	admin.Transformer
}

// Service is a consumer, the CRM client that it delivers to, and the HTTP servers that show both.
type Service struct {
	cfg      Config
	registry *prometheus.Registry
	crm      *crmclient.Creator
	consumer *consumer.Consumer
	monitor  *monitor.Monitor
	state    *statetopic.Topic // keeps what all replicas do; nil: it is not kept
	admin    *admin.Server     // nil: there is no page
}

// New wires a service; it connects to nothing yet.
func New(cfg Config) (*Service, error) {
	s := &Service{cfg: cfg, registry: NewRegistry(cfg.Version)}
	var err error
	cfg.CRM.FreshFirst = cfg.Consumer.FreshFirst
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
	_ = s.readPause(nil) // so that a pause holds from the first event on; it logs its error
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

// controls does what the person on duty asks of the delivery.
type controls struct {
	consumer *consumer.Consumer
	crm      *crmclient.Creator
}

func (c controls) ProbeNow() { c.crm.ProbeNow() }

// ReleaseFlood has the letters written of the events that wait for the end of a flood, and returns how many there are. The
// consumer takes these events out first, as the end of a flood sends again all that still wait for it. Without a flood it
// does nothing: events of the last one are then being sent again, and may become contacts.
func (c controls) ReleaseFlood() int {
	flooded := slices.ContainsFunc(c.crm.Status().Holds, func(h crmclient.Hold) bool { return h.Cause == crmclient.HoldFlood })
	if !flooded {
		return 0
	}
	n := c.consumer.ReleaseFlood()
	c.crm.ReleaseFlood()
	return n
}

// situation returns the status as the page shows it.
func (s *Service) situation() admin.Situation {
	status := s.monitor.Status()
	return admin.Situation{
		State: string(status.State), Ready: status.Ready, Healthy: status.Healthy, Reason: status.Reason, Holds: status.Holds,
		CRM: s.crm.Status(), Generation: status.Group.Generation, Member: status.Group.Member, Partitions: status.Partitions,
		PausedHere: s.consumer.Paused(consumer.PausedByPage),
		LagKnown:   status.Lag != nil, Waiting: status.Waiting,
	}
}

// NewRegistry returns a registry with the metrics that every command has: of the build, of Go and of the process.
func NewRegistry(version string) *prometheus.Registry {
	r := prometheus.NewRegistry()
	info := prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "leadbridge_build_info", Help: "The running version; its value is always 1.",
	}, []string{"version"})
	info.WithLabelValues(version).Set(1)
	r.MustRegister(info, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return r
}

// LogTotals logs the counts since the start of the process, with this message.
func (s *Service) LogTotals(msg string) { s.monitor.LogTotals(s.cfg.Log, msg) }

// Metrics returns the service's metrics.
func (s *Service) Metrics() prometheus.Gatherer { return s.registry }

// Status returns the state of the service.
func (s *Service) Status() monitor.Status { return s.monitor.Status() }

// Run serves HTTP at once, and delivers until ctx ends and the drain is over. HTTP
// ends last, so that a drain can be watched.
func (s *Service) Run(ctx context.Context) error {
	server := monitor.NewServer(s.monitor.Handler(), time.Minute)
	ctx, cancel := context.WithCancel(ctx)
	var background sync.WaitGroup
	if s.state != nil {
		defer s.state.Close() // after the background work, which uses it
	}
	defer background.Wait()
	defer server.Close() //nolint:errcheck // nothing is left that could report it
	defer cancel()
	background.Go(func() { s.serve(server, s.cfg.Listener) })
	if s.state != nil {
		// It stops after the page, which reads it, and after the drain, which it counts.
		defer s.runStateTopic(ctx)()
	}
	if s.admin != nil {
		page := monitor.NewServer(s.admin.Handler(), time.Minute)
		defer page.Close() //nolint:errcheck // nothing is left that could report it
		background.Go(func() { s.serve(page, s.cfg.Page) })
		// It outlives ctx, so that a drain can be watched on the page, too. What people had begun to write ends with ctx.
		pageCtx, endPage := context.WithCancel(context.WithoutCancel(ctx))
		defer endPage()
		background.Go(func() { s.admin.Run(pageCtx) })
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
	defer context.AfterFunc(ctx, s.monitor.Draining)()
	return s.consumer.Run(ctx)
}

// settleLimit is how long a stop waits for a replay of the page to end: less than a process has after its drain.
const settleLimit = 3 * time.Second

func (s *Service) serve(server *http.Server, listener net.Listener) {
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		s.cfg.Log.Error().Err(err).Msg("HTTP server ended")
	}
}

// prepare reads the portal's description before the first event needs it, so that a bad key is
// seen at the start. What it waits for is logged by the CRM client.
func (s *Service) prepare(ctx context.Context) {
	if err := s.crm.Prepare(ctx); err != nil && ctx.Err() == nil {
		s.cfg.Log.Error().Err(err).Msg("the portal could not be read at the start")
	}
}
