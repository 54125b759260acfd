package main

import (
	"context"
	"net"
	"net/http"
	"time"

	"github.com/rs/zerolog"

	"github.com/leadbridge/leadbridge/cmd/leadbridge/internal/monitor"
	"github.com/leadbridge/leadbridge/cmd/leadbridge/internal/service"
	"github.com/leadbridge/leadbridge/cmd/leadbridge/internal/settings"
	"github.com/leadbridge/leadbridge/webhook"
)

type ingestCommand struct {
	settings.Ingest `embed:""`

	DryRun bool `help:"Answer as always, and log each event with names, numbers and addresses hidden, instead of writing it: Kafka is not asked. For trying sources with their senders."`
}

// Help explains how a source is declared.
func (ingestCommand) Help() string {
	return `POST /hooks/NAME takes JSON, application/x-www-form-urlencoded and multipart/form-data and answers 202 when Kafka has ` +
		`acknowledged the event. SOURCES_FILE declares who may send:` + "\n\n" +
		"    sources:\n      - name: site\n        verify: {type: standard-webhooks, secrets_env: [SITE_SECRET]}\n\n" +
		`verify is one of standard-webhooks, hmac, token, jwt, none; "preset: shopify" and the like declare a known sender in one word (docs/senders.md). No CRM settings are needed.`
}

// Run takes webhooks until a signal.
func (c ingestCommand) Run(p process) error {
	cfg, err := c.Parse(p.lookupEnv)
	if err != nil {
		return err
	}
	cfg.Warnings = append(cfg.Warnings, p.warnings...)
	log := newLog(p.stderr, cfg.Log)
	limitMemory(p, log)
	if cfg.Gate.DryRun = c.DryRun; c.DryRun {
		log.Warn().Msg("a dry run: senders are answered as if their events were stored, and none is")
	}
	ctx, stop := untilSignal(cfg.Grace(), onStop{
		signal: func(name string) {
			log.Info().Str("signal", name).Dur("grace_ms", cfg.Grace()).Msg("stopping: requests under way are answered first; a second signal ends the process at once")
		},
		deadline: func() {
			log.Warn().Dur("grace_ms", cfg.Grace()).Msg("stopped by the deadline: senders that got no answer send again")
		},
	})
	defer stop()
	return ingest(ctx, cfg, log)
}

// ingest serves the gate until ctx ends and its drain is over.
func ingest(ctx context.Context, cfg settings.IngestConfig, log zerolog.Logger) error {
	listener, err := monitor.Listen(ctx, "HTTP_ADDR", cfg.HTTPAddr)
	if err != nil {
		return err
	}
	defer listener.Close()
	registry := service.NewRegistry(versionText())
	tracer, stop, err := startTracing(cfg.Tracing, log)
	if err != nil {
		return err
	}
	defer stop()
	cfg.Gate.Log, cfg.Gate.Metrics, cfg.Gate.Tracer = log, registry, tracer
	gate, err := webhook.New(cfg.Gate)
	if err != nil {
		return err
	}
	health := &monitor.Gate{Metrics: registry, Ready: gate.Ready}
	defer context.AfterFunc(ctx, health.Draining)()
	hooks := http.Handler(gate)
	if cfg.MetricsAddr == "" {
		hooks = withMonitoring(gate, health.Handler())
	} else {
		address, end, err := serveMonitoring(ctx, cfg.MetricsAddr, health.Handler())
		if err != nil {
			return err
		}
		defer end()
		log.Info().Stringer("http", address).Msg("metrics and health are served here")
	}
	for _, warning := range cfg.Warnings {
		log.Warn().Msg(warning)
	}
	log.Info().Str("version", versionText()).Strs("brokers", cfg.Gate.Brokers.Addresses).Str("topic", cfg.Gate.Topic).
		Strs("sources", cfg.Gate.Sources.Names()).Stringer("http", listener.Addr()).Msg("started")
	err = gate.Run(ctx, listener, hooks)
	log.Info().Msg("stopped")
	return err
}

// withMonitoring serves metrics and health at the gate's address, too. It is not a ServeMux: that would
// redirect paths with a double slash, and few senders of webhooks follow a redirect.
func withMonitoring(gate, monitoring http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/metrics", "/healthz", "/readyz":
			monitoring.ServeHTTP(w, r)
		default:
			gate.ServeHTTP(w, r)
		}
	})
}

// serveMonitoring serves metrics and health at an address of their own, until end is called.
func serveMonitoring(ctx context.Context, addr string, h http.Handler) (at net.Addr, end func(), err error) {
	listener, err := monitor.Listen(ctx, "METRICS_ADDR", addr)
	if err != nil {
		return nil, nil, err
	}
	server := monitor.NewServer(h, time.Minute)
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = server.Serve(listener) // the error is that it was closed
	}()
	return listener.Addr(), func() {
		_ = server.Close()
		<-done
	}, nil
}
