package consumer

import (
	"sync"
	"time"
)

// warnings limits the warnings about one subject to one a minute.
type warnings struct {
	mu   sync.Mutex
	last map[string]time.Time
}

const (
	warningPause = time.Minute
	maxSubjects  = 1000 // how many are remembered; anybody who writes events can make up more
)

func newWarnings() *warnings { return &warnings{last: map[string]time.Time{}} }

// due reports whether to warn of the subject at now.
func (w *warnings) due(subject string, now time.Time) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if at, warned := w.last[subject]; warned && now.Sub(at) < warningPause {
		return false
	}
	if len(w.last) >= maxSubjects {
		clear(w.last)
	}
	w.last[subject] = now
	return true
}
