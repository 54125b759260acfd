package admin

import (
	"time"

	"github.com/leadbridge/leadbridge/consumer"
)

// waiting is something for which events have waited for longer than five seconds.
type waiting struct {
	Why    string    `json:"why"`
	Events *int64    `json:"events"`         // how many events wait; null: not known
	Since  time.Time `json:"since"`          // the time of the oldest of these events, or when delivery ended
	Until  time.Time `json:"until,omitzero"` // when all of these events will have been tried again; zero: not known
	Text   string    `json:"text"`           // what the events wait for, and what ends the wait
}

func waitingOf(all []consumer.Waiting) []waiting {
	out := make([]waiting, 0, len(all))
	for _, w := range all {
		out = append(out, waiting{string(w.Why), w.Events, w.Since.UTC(), w.Until.UTC(), w.Text})
	}
	return out
}
