package admin

import (
	"maps"
	"sync"
	"time"

	"github.com/leadbridge/leadbridge/internal/sums"
)

const (
	// step is the time between two points of the charts.
	step = 5 * time.Second
	// shown is how far back the charts go.
	shown = 15 * time.Minute
	// kept is how far back a sample of each minute is kept: longer than a day, even one in which the clocks are set back.
	kept = 26 * time.Hour
)

// A sample is the counters at one time.
type sample struct {
	at          time.Time
	created     float64 // events that were created, or given to a contact of the same person
	deadLetters float64
	uses        map[string]float64 // requests to the CRM by use
	lagSeconds  *float64           // nil when it is not known
	lag         *int64
}

// A point is one step of the charts.
type point struct {
	T           int64    `json:"t"` // the end of the step, in Unix seconds
	Created     float64  `json:"created"`
	DeadLetters float64  `json:"deadLetters"`
	LagSeconds  *float64 `json:"lagSeconds"` // null when it was not known
	Lag         *int64   `json:"lag"`
}

// history keeps samples in memory: those of the charts, and one of each minute, from which the counts of a day are computed.
type history struct {
	mu      sync.Mutex
	steps   []sample // for the charts, oldest first
	minutes []sample // one of each minute, oldest first
}

// sample takes a sample if a new step of the clock has begun since the last one. It reports whether it did.
func (s *Server) sample(now time.Time) (taken bool) {
	if !s.history.due(now) {
		return false
	}
	s.history.add(s.counters(now, s.cfg.Situation()))
	return true
}

// counters reads the counters of /metrics, and the lag of a situation.
func (s *Server) counters(now time.Time, is Situation) sample {
	counts := sums.Gather(s.cfg.Metrics)
	contacts := counts.By("leadbridge_contacts_total", "how")
	one := sample{
		at:          now,
		created:     contacts["created"] + contacts["matched"],
		deadLetters: counts.Of("leadbridge_dead_letters_total"),
		uses:        counts.By("leadbridge_crm_budget_total", "use"),
	}
	if is.LagKnown {
		lag, seconds := int64(0), 0.0
		for _, p := range is.Partitions {
			lag += p.Lag
			seconds = max(seconds, p.LagSeconds)
		}
		one.lag, one.lagSeconds = &lag, &seconds
	}
	return one
}

// due reports whether a step of the clock (…:00, …:05 and so on) began after the last sample. It does not ask whether five
// seconds have passed since.
func (h *history) due(now time.Time) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.steps) == 0 || now.Truncate(step).After(h.steps[len(h.steps)-1].at)
}

func (h *history) add(one sample) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.steps = append(forget(h.steps, one.at.Add(-shown-step)), one)
	if n := len(h.minutes); n == 0 || one.at.Truncate(time.Minute).After(h.minutes[n-1].at) {
		h.minutes = append(forget(h.minutes, one.at.Add(-kept)), one)
	}
}

// forget returns the samples without those taken before a time.
func forget(all []sample, before time.Time) []sample {
	i := 0
	for i < len(all) && all[i].at.Before(before) {
		i++
	}
	return append(all[:0], all[i:]...)
}

// points returns the points of the charts, oldest first.
func (h *history) points() []point {
	h.mu.Lock()
	defer h.mu.Unlock()
	points := make([]point, 0, len(h.steps))
	for i := 1; i < len(h.steps); i++ {
		points = append(points, pointOf(h.steps[i-1], h.steps[i]))
	}
	return points
}

// last returns the newest point; nil when there is none.
func (h *history) last() *point {
	h.mu.Lock()
	defer h.mu.Unlock()
	n := len(h.steps)
	if n < 2 {
		return nil
	}
	p := pointOf(h.steps[n-2], h.steps[n-1])
	return &p
}

func pointOf(before, after sample) point {
	return point{
		T: after.at.Unix(), Created: after.created - before.created, DeadLetters: after.deadLetters - before.deadLetters,
		LagSeconds: after.lagSeconds, Lag: after.lag,
	}
}

// back returns the newest sample that is at least age old, or the oldest one if none is.
func (h *history) back(now time.Time, age time.Duration) sample {
	h.mu.Lock()
	defer h.mu.Unlock()
	return lastBefore(h.steps, now.Add(-age))
}

// at returns the sample for a moment in the last day, to the minute. ok is false for a moment before the first sample.
func (h *history) at(moment time.Time) (one sample, ok bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.minutes) == 0 || moment.Before(h.minutes[0].at) {
		return sample{}, false
	}
	// The sample of a minute is taken up to a step after the minute begins; without the step, that of the minute before would
	// be found.
	return lastBefore(h.minutes, moment.Add(step)), true
}

// lastBefore returns the newest sample that was taken at a moment or before it, else the oldest one; the zero value when
// there is no sample.
func lastBefore(all []sample, moment time.Time) sample {
	if len(all) == 0 {
		return sample{}
	}
	found := all[0]
	for _, one := range all {
		if one.at.After(moment) {
			break
		}
		found = one
	}
	return found
}

// since returns how many requests were sent between two samples, by use.
func (s sample) since(before sample) map[string]float64 {
	spent := maps.Clone(s.uses)
	for use, n := range before.uses {
		spent[use] -= n
	}
	return spent
}
