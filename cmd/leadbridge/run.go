package main

import (
	"context"
	"runtime/debug"
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
	log := newLog(p.stderr, cfg.Log)
	ctx, stop := untilSignal(cfg.Grace(), func() {
		log.Warn().Dur("grace", cfg.Grace()).Msg("stopped by the deadline: what was not finished is still in Kafka")
	})
	defer stop()
	if _, set := p.lookupEnv("GOGC"); !set {
		defer debug.SetGCPercent(debug.SetGCPercent(gcPercent))
	}
	return deliver(ctx, cfg, log)
}

// gcPercent is how much garbage, in percent of what is live, may come together before it is
// collected. What is live is small, a dozen megabytes, and most of a collection's cost does
// not depend on it: at Go's own 100 collecting took an eighth of all processor time.
const gcPercent = 200

func deliver(ctx context.Context, cfg settings.Config, log zerolog.Logger) error {
	listener, err := monitor.Listen(ctx, cfg.HTTPAddr)
	if err != nil {
		return err
	}
	s, err := service.New(service.Config{
		Consumer:    cfg.Consumer,
		CRM:         cfg.CRM,
		Transformer: cfg.Transformer,
		Version:     versionText(),
		Log:         log,
		Listener:    listener,
		Summary:     summaryEvery,
	})
	if err != nil {
		return err
	}
	for _, warning := range cfg.Warnings {
		log.Warn().Msg(warning)
	}
	log.Info().Str("version", versionText()).Strs("brokers", cfg.Consumer.Brokers).Str("topic", cfg.Consumer.Topic).
		Str("group", cfg.Consumer.GroupID).Str("crm", cfg.CRM.BaseURL).Stringer("http", listener.Addr()).Msg("started")
	err = s.Run(ctx)
	s.LogTotals("stopped")
	return err
}
