package service

import (
	"context"
	"time"

	"github.com/leadbridge/leadbridge/cmd/leadbridge/internal/settings"
	"github.com/leadbridge/leadbridge/consumer"
)

// pauseEvery is how often the file of PAUSED_FILE is read.
const pauseEvery = 3 * time.Second

// watchPause follows the file of PAUSED_FILE until ctx ends.
func (s *Service) watchPause(ctx context.Context) {
	if s.cfg.Pause.File == "" {
		return
	}
	ticker := time.NewTicker(pauseEvery)
	defer ticker.Stop()
	var failed error
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			failed = s.readPause(failed)
		}
	}
}

// readPause pauses or resumes the delivery as the file says. A file that cannot be used changes nothing; that is logged unless
// the reading before failed, too, with the error before.
func (s *Service) readPause(before error) error {
	if s.cfg.Pause.File == "" {
		return nil
	}
	paused, note, err := settings.ReadPause(s.cfg.Pause.File)
	if err != nil {
		if before == nil {
			s.cfg.Log.Error().Err(err).Msg("PAUSED_FILE cannot be used: whether the delivery is paused stays as it is; write true or false into it")
		}
		return err
	}
	s.consumer.SetPaused(consumer.PausedByFile, paused, note)
	return nil
}
