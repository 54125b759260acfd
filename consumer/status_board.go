package consumer

import (
	"context"
	"errors"
	"math"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"github.com/leadbridge/leadbridge/crmclient"
	"github.com/leadbridge/leadbridge/internal/phrase"
)

// statusBoard is where the parts of a consumer note how they are, and where Status reads it. Each change of a hold is
// logged once.
type statusBoard struct {
	log zerolog.Logger

	mu           sync.Mutex
	holds        map[crmclient.Cause]crmclient.Hold // in force
	pastHolds    map[crmclient.Cause]time.Duration  // how long the holds that are over lasted in all
	current      *generation                        // nil between generations
	everAssigned bool                               // there was a generation, perhaps without partitions
	since        time.Time                          // when the last generation ended, or the process began
	atStop       *finalSnapshot                     // nil until the process has stopped
	retention    float64                            // of the topic, in seconds; 0 when it is not known
	lastMoves    map[int]lastMove                   // by partition
}

func newStatusBoard(log zerolog.Logger) *statusBoard {
	return &statusBoard{
		log:       log,
		holds:     map[crmclient.Cause]crmclient.Hold{},
		pastHolds: map[crmclient.Cause]time.Duration{},
		since:     time.Now(),
		lastMoves: map[int]lastMove{},
	}
}

// currentGeneration returns the generation that owns partitions now, nil when there is none.
func (b *statusBoard) currentGeneration() *generation {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.current
}

// hold notes that the consumer waits for something outside of it. advice says what that is, and what to do about it.
func (b *statusBoard) hold(cause crmclient.Cause, advice phrase.Text) {
	b.mu.Lock()
	defer b.mu.Unlock()
	h, held := b.holds[cause]
	if !held {
		h = crmclient.Hold{Cause: cause, Since: time.Now(), Held: true}
		b.log.Warn().Str("cause", string(cause)).Str("advice", advice.String()).Msg("held")
	}
	h.Advice = advice
	b.holds[cause] = h
}

// heldFor returns how long a cause has held the consumer in all, and whether it does now.
func (b *statusBoard) heldFor(cause crmclient.Cause) (time.Duration, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	h, held := b.holds[cause]
	if !held {
		return b.pastHolds[cause], false
	}
	return b.pastHolds[cause] + time.Since(h.Since), true
}

// clear ends the holds of these causes that are in force.
func (b *statusBoard) clear(causes ...crmclient.Cause) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, cause := range causes {
		if h, held := b.holds[cause]; held {
			delete(b.holds, cause)
			b.log.Info().Str("cause", string(cause)).Dur("held_ms", time.Since(h.Since)).Msg("no longer held")
			b.pastHolds[cause] += time.Since(h.Since)
		}
	}
}

// partitionsAssigned notes that a generation has begun to deliver.
func (b *statusBoard) partitionsAssigned(g *generation) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.current, b.everAssigned = g, true
	b.log.Info().Int("generation", g.member.generation).Ints("partitions", g.assigned).Msg("partitions assigned")
}

// generationEnded notes why a generation has ended, or could not begin.
func (b *statusBoard) generationEnded(cause error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.current != nil && errors.Is(cause, errShutdown) {
		b.atStop = newFinalSnapshot(b.current, time.Now())
	}
	if b.current != nil {
		b.since = time.Now()
	}
	b.current = nil
	b.log.Info().Str("cause", causesOf(cause)).Msg("generation ended")
}

// unassignedForLong reports whether this process has had no generation for longer than WaitingAfter.
func (b *statusBoard) unassignedForLong(now time.Time) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.current == nil && now.Sub(b.since) > WaitingAfter
}

// causesOf returns the texts of a joined error's parts on one line. Repeats are left out, and so is "context canceled",
// unless there is nothing else.
func causesOf(err error) string {
	if err == nil {
		return ""
	}
	var causes []string
	for line := range strings.SplitSeq(err.Error(), "\n") {
		if line != context.Canceled.Error() && !slices.Contains(causes, line) {
			causes = append(causes, line)
		}
	}
	if len(causes) == 0 {
		return context.Canceled.Error()
	}
	return strings.Join(causes, "; ")
}

// noteRetention notes the topic's retention.ms. "-1" means no limit; a text that is not a number is not noted.
func (b *statusBoard) noteRetention(milliseconds string) {
	kept := number(milliseconds)
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case kept >= 0:
		b.retention = float64(kept) / 1000
	case milliseconds == "-1":
		b.retention = math.Inf(1)
	}
}

// retentionSeconds returns the topic's retention in seconds; 0 when it is not known.
func (b *statusBoard) retentionSeconds() float64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.retention
}
