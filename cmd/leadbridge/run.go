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
	ctx, stop := untilSignal(cfg.Grace(), func() {
		log.Warn().Dur("grace", cfg.Grace()).Msg("stopped by the deadline: what was not finished is still in Kafka")
	})
	defer stop()
	return deliver(ctx, cfg, log)
}

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
		Consumer:    cfg.Consumer,
		CRM:         cfg.CRM,
		Transformer: cfg.Transformer,
		Version:     versionText(),
		Log:         log,
		Listener:    listener,
		Page:        page,
		PageToken:   cfg.Admin.Token,
		Pause:       cfg.Pause,
		Tracer:      tracer,
		Summary:     summaryEvery,
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
