package main

import (
	"io"
	"time"

	"github.com/rs/zerolog"

	"github.com/leadbridge/leadbridge/cmd/leadbridge/internal/settings"
)

// newLog makes the log of a command; each line has time, level and msg.
func newLog(w io.Writer, c settings.LogConfig) zerolog.Logger {
	zerolog.MessageFieldName = "msg"
	zerolog.TimeFieldFormat = "2006-01-02T15:04:05.000Z07:00"
	zerolog.DurationFieldInteger = true // in milliseconds, as the names of the fields say
	zerolog.TimestampFunc = func() time.Time { return time.Now().UTC() }
	if c.Console {
		w = zerolog.ConsoleWriter{Out: w, TimeFormat: "15:04:05.000", NoColor: !isTerminal(w)}
	}
	return zerolog.New(w).Level(c.Level).With().Timestamp().Logger()
}
