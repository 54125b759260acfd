package main

import (
	"context"
	"time"

	"github.com/rs/zerolog"

	"github.com/leadbridge/leadbridge/internal/tracing"
)

// flushLimit is how long a stop waits for the collector to take the last spans.
const flushLimit = time.Second

// startTracing makes the tracer of a command, nil when nothing is traced; stop sends what is left.
func startTracing(cfg *tracing.Config, log zerolog.Logger) (t *tracing.Tracer, stop func(), err error) {
	if cfg == nil {
		return nil, func() {}, nil
	}
	cfg.Version, cfg.Log = versionText(), log
	if t, err = tracing.New(*cfg); err != nil {
		return nil, nil, err
	}
	return t, func() {
		ctx, cancel := context.WithTimeout(context.Background(), flushLimit)
		defer cancel()
		t.Stop(ctx)
	}, nil
}
