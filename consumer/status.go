package consumer

import (
	"cmp"
	"slices"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"github.com/leadbridge/leadbridge/crmclient"
)

// What holds the consumer itself back.
const (
	HoldBrokers     crmclient.Cause = "brokers"
	HoldTopic       crmclient.Cause = "topic"
	HoldGroup       crmclient.Cause = "group"
	HoldDeadLetters crmclient.Cause = "dead_letter_topic"
	HoldResults     crmclient.Cause = "result_topic"
)

// holds are all causes of the consumer's own.
func holds() []crmclient.Cause {
	return []crmclient.Cause{HoldBrokers, HoldTopic, HoldGroup, HoldDeadLetters, HoldResults}
}

// Status is the state of a Consumer at a moment.
type Status struct {
	Ready      bool              `json:"ready"`   // had its first assignment and reaches the brokers
	Healthy    bool              `json:"healthy"` // progress, or a deliberate hold
	Reason     string            `json:"reason,omitempty"`
	Generation int               `json:"generation"`
	Member     string            `json:"member,omitempty"`
	Holds      []crmclient.Hold  `json:"holds"` // the consumer's own: brokers, topic, dead-letter and result topic
	Partitions []PartitionStatus `json:"partitions"`
}

// PartitionStatus is the state of one owned partition.
type PartitionStatus struct {
	Partition  int     `json:"partition"`
	Committed  int64   `json:"committed"`
	Next       int64   `json:"next"` // next offset to be delivered
	LogEnd     int64   `json:"logEnd"`
	Lag        int64   `json:"lag"`
	LagSeconds float64 `json:"lagSeconds"` // age of the oldest unfinished record
	Unfinished int     `json:"unfinished"`
	Suspects   int     `json:"suspects"` // of the unfinished ones
}

// board is what the consumer tells about itself. State changes are logged once.
type board struct {
	log zerolog.Logger

	mu      sync.Mutex
	holds   map[crmclient.Cause]crmclient.Hold
	held    map[crmclient.Cause]time.Duration // of holds that are over
	current *generation
	everHad bool // an assignment, if only an empty one
	// retention is the topic's, in seconds; 0 when it is not known.
	retention float64
	progress  map[int]mark
}

func newBoard(log zerolog.Logger) *board {
	return &board{log: log, holds: map[crmclient.Cause]crmclient.Hold{}, held: map[crmclient.Cause]time.Duration{}, progress: map[int]mark{}}
}

// hold notes that the consumer waits for something outside.
func (b *board) hold(cause crmclient.Cause, advice string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	h, held := b.holds[cause]
	if !held {
		h = crmclient.Hold{Cause: cause, Since: time.Now()}
		b.log.Warn().Str("cause", string(cause)).Str("advice", advice).Msg("held")
	}
	h.Advice = advice
	b.holds[cause] = h
}

// heldFor tells how long a cause has held the consumer, and whether it does now.
func (b *board) heldFor(cause crmclient.Cause) (time.Duration, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	h, held := b.holds[cause]
	if !held {
		return b.held[cause], false
	}
	return b.held[cause] + time.Since(h.Since), true
}

// clear notes that holds are over.
func (b *board) clear(causes ...crmclient.Cause) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, cause := range causes {
		if h, held := b.holds[cause]; held {
			delete(b.holds, cause)
			b.log.Info().Str("cause", string(cause)).Dur("after", time.Since(h.Since)).Msg("no longer held")
			b.held[cause] += time.Since(h.Since)
		}
	}
}

func (b *board) assigned(g *generation) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.current, b.everHad = g, true
	b.log.Info().Int("generation", g.member.generation).Ints("partitions", g.assigned).Msg("partitions assigned")
}

func (b *board) ended(cause error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.current = nil
	b.log.Info().AnErr("cause", cause).Msg("generation ended")
}

// Status tells where the delivery stands.
func (c *Consumer) Status() Status {
	s := c.board.status()
	crm := c.creator.Status()
	stuck := c.board.stuck(s.Partitions, len(s.Holds)+len(crm.Holds) > 0, time.Now())
	s.Healthy = stuck == ""
	s.Reason = stuck
	return s
}

func (b *board) status() Status {
	b.mu.Lock()
	g := b.current
	s := Status{Holds: []crmclient.Hold{}, Partitions: []PartitionStatus{}}
	for _, h := range b.holds {
		s.Holds = append(s.Holds, h)
	}
	_, unreachable := b.holds[HoldBrokers]
	s.Ready = b.everHad && !unreachable
	b.mu.Unlock()
	slices.SortFunc(s.Holds, func(x, y crmclient.Hold) int { return cmp.Compare(x.Cause, y.Cause) })
	if g == nil {
		return s
	}
	s.Generation, s.Member = g.member.generation, g.member.member
	for _, p := range g.partitions {
		s.Partitions = append(s.Partitions, p.status())
	}
	return s
}

func (p *partition) status() PartitionStatus {
	p.mu.Lock()
	defer p.mu.Unlock()
	position := p.progress.position()
	s := PartitionStatus{
		Partition:  p.id,
		Committed:  p.committed,
		Next:       p.progress.next,
		LogEnd:     p.logEnd,
		Lag:        max(p.logEnd-position, 0),
		Unfinished: p.progress.unfinished(),
		Suspects:   p.progress.suspects(),
	}
	oldest := p.progress.oldest()
	if oldest.IsZero() {
		oldest = p.newest // what follows it is not read yet, and younger
	}
	if s.Lag > 0 && !oldest.IsZero() {
		s.LagSeconds = max(time.Since(oldest).Seconds(), 0)
	}
	return s
}

// stuckAfter is how long a partition with lag may make no progress while
// nothing is deliberately held.
const stuckAfter = 5 * time.Minute

// mark is where a partition stood when it last moved.
type mark struct {
	position int64
	done     int64
	since    time.Time
}

// stuck names the partition that makes no progress, if there is one.
func (b *board) stuck(partitions []PartitionStatus, held bool, now time.Time) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, p := range partitions {
		m, known := b.progress[p.Partition]
		done := p.Next - int64(p.Unfinished)
		// A new generation begins at its commit again: only what goes further moves.
		if !known || held || p.Lag == 0 || p.Committed > m.position || done > m.done {
			b.progress[p.Partition] = mark{p.Committed, done, now}
			continue
		}
		if now.Sub(m.since) > stuckAfter {
			return "a partition has lag and makes no progress; see /statusz"
		}
	}
	return ""
}
