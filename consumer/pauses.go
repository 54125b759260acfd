package consumer

import (
	"maps"
	"slices"
	"sync"

	"github.com/leadbridge/leadbridge/crmclient"
	"github.com/leadbridge/leadbridge/internal/phrase"
)

// HoldOperator says that somebody has paused the delivery.
const HoldOperator crmclient.Cause = "operator"

// A PauseSource is where the delivery was paused. A pause lasts until it is taken back at its source.
type PauseSource string

// The sources of a pause.
const (
	PausedBySetting PauseSource = "PAUSED"      // the setting
	PausedByFile    PauseSource = "PAUSED_FILE" // the content of the file
	PausedByPage    PauseSource = "page"        // the operators' page of this process
)

// pauses are the pauses of this process. While one is in force, the process sends no new create: new records wait in Kafka
// once its window is full. Creates that are under way end, and look-ups go on.
type pauses struct {
	mu      sync.Mutex
	inForce map[PauseSource]string // the value says who paused, and may be ""
}

// SetPaused makes a pause of the source, or takes it back. who is shown to people, and may be "". It may be called at any
// time, from any goroutine; a call that changes nothing does nothing.
func (c *Consumer) SetPaused(source PauseSource, paused bool, who string) {
	p := c.deps.pauses
	p.mu.Lock()
	defer p.mu.Unlock()
	before, wasPaused := p.inForce[source]
	samePerson := before == who || !paused
	if wasPaused == paused && samePerson {
		return
	}
	if paused {
		p.inForce[source] = who
	} else {
		delete(p.inForce, source)
	}
	c.deps.cfg.Log.Log().Str("level", "info").Str("audit", pauseAct(paused)).Str("source", string(source)).Str("who", who).
		Msg("delivery: a pause " + pauseVerb(paused))
	c.deps.creator.SetPaused(len(p.inForce) > 0)
	if len(p.inForce) == 0 {
		c.deps.board.clear(HoldOperator)
		return
	}
	c.deps.board.hold(HoldOperator, pauseAdvice(p.inForce))
}

// Paused reports whether a pause of the source is in force.
func (c *Consumer) Paused(source PauseSource) bool {
	c.deps.pauses.mu.Lock()
	defer c.deps.pauses.mu.Unlock()
	_, paused := c.deps.pauses.inForce[source]
	return paused
}

// pauseAct returns the action's name in the audit log.
func pauseAct(paused bool) string {
	if paused {
		return "pause"
	}
	return "resume"
}

func pauseVerb(paused bool) string {
	if paused {
		return "began"
	}
	return "ended"
}

// pauseAdvice says who paused the delivery, and how to resume it.
func pauseAdvice(inForce map[PauseSource]string) phrase.Text {
	advice := phrase.New("leads_wait", "Leads wait in Kafka.")
	for _, source := range slices.Sorted(maps.Keys(inForce)) {
		by := ""
		if who := inForce[source]; who != "" {
			by = " (" + who + ")"
		}
		switch source {
		case PausedBySetting:
			advice = append(advice, phrase.New("paused_by_setting", "Paused by the setting PAUSED{by}: take it away and restart.", "by", by)...)
		case PausedByFile:
			advice = append(advice, phrase.New("paused_by_file", "Paused by the file of PAUSED_FILE{by}: write false into it.", "by", by)...)
		default:
			advice = append(advice, phrase.New("paused_by_page", "This process alone was paused on its page{by}: resume there.", "by", by)...)
		}
	}
	return advice
}
