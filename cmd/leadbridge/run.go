package main

import (
	"context"
	"errors"
	"net"
	"time"

	"github.com/rs/zerolog"

	"github.com/leadbridge/leadbridge/cmd/leadbridge/internal/monitor"
	"github.com/leadbridge/leadbridge/cmd/leadbridge/internal/service"
	"github.com/leadbridge/leadbridge/cmd/leadbridge/internal/settings"
)

type runCommand struct {
	settings.Service `embed:""`
}

// Help shows how a service is set up, checked and watched.
func (runCommand) Help() string {
	return `Every setting is a flag and an environment variable; of secrets give the _FILE. Only the CRM's key is needed where Kafka is at localhost:9092. Examples:` + "\n\n" +
		"    KAFKA_BROKERS=kafka:9092 CRM_API_KEY_FILE=/run/secrets/crm-key leadbridge run\n" +
		"    leadbridge run --crm-target=deal --mapping-file=preset:tilda\n" +
		"    ADMIN_ADDR=127.0.0.1:8081 leadbridge run     # with the page for people\n" +
		"    LOG_FORMAT=console LOG_LEVEL=debug leadbridge run\n\n" +
		`leadbridge check takes the same settings, and says what is wrong with them. State: /statusz at HTTP_ADDR. SIGTERM stops it in order; a second signal at once.`
}

// summaryEvery is how often the summary line is logged.
const summaryEvery = 30 * time.Second

// Run delivers until a signal.
func (c runCommand) Run(p process) error {
	cfg, err := c.Parse()
	if err != nil {
		return err
	}
	defer cfg.Schemas.Close()
	cfg.Warnings = append(cfg.Warnings, p.warnings...)
	log := newLog(p.stderr, cfg.Log)
	limitMemory(p, log)
	ctx, stop := untilSignal(cfg.Grace(), onStop{
		signal: func(name string) {
			log.Info().Str("signal", name).Dur("grace_ms", cfg.Grace()).Msg("stopping: what is in flight ends first; a second signal ends the process at once")
		},
		deadline: func() {
			log.Warn().Dur("grace_ms", cfg.Grace()).Msg("stopped by the deadline: what was not finished is still in Kafka")
		},
	})
	defer stop()
	return deliver(ctx, cfg, log)
}

// deliver runs the service until ctx ends and its drain is over.
func deliver(ctx context.Context, cfg settings.Config, log zerolog.Logger) error {
	listener, err := monitor.Listen(ctx, "HTTP_ADDR", cfg.HTTPAddr)
	if err != nil {
		return err
	}
	var page net.Listener
	if cfg.Admin.Addr != "" {
		if page, err = monitor.Listen(ctx, "ADMIN_ADDR", cfg.Admin.Addr); err != nil {
			return errors.Join(err, listener.Close())
		}
	}
	tracer, stop, err := startTracing(cfg.Tracing, log)
	if err != nil {
		return err
	}
	defer stop()
	s, err := service.New(service.Config{
		Consumer:       cfg.Consumer,
		CRM:            cfg.CRM,
		Transformer:    cfg.Transformer,
		Version:        versionText(),
		Log:            log,
		Listener:       listener,
		Page:           page,
		PageToken:      cfg.Admin.Token,
		PageTokensFile: cfg.Admin.TokensFile,
		PageOIDC:       cfg.Admin.OIDC,
		Pause:          cfg.Pause,
		Tracer:         tracer,
		Summary:        summaryEvery,
	})
	if err != nil {
		return err
	}
	for _, warning := range cfg.Warnings {
		log.Warn().Msg(warning)
	}
	started := log.Info()
	if page != nil {
		started = started.Stringer("admin", page.Addr())
	}
	started.Str("version", versionText()).Strs("brokers", cfg.Consumer.Brokers.Addresses).Str("topic", cfg.Consumer.Topic).
		Str("group", cfg.Consumer.GroupID).Str("crm", cfg.CRM.BaseURL).Stringer("http", listener.Addr()).Msg("started")
	err = s.Run(ctx)
	s.LogTotals("stopped")
	return err
}
