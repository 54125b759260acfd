// Package crmclient makes contacts, leads and deals in the CRM (Bitrix24's "Vibe" REST API),
// each exactly once, under the CRM's limits. It knows nothing of Kafka.
//
// [Creator.Create] brings one event to its end: its states are in state.go, and in the diagram of
// docs/delivery.md. What waits for its turn stands in internal/queue; the governor decides,
// by the values of internal/limit, which request is sent when, and whose fault a failure is;
// internal/vibe speaks the vendor's protocol.
//
// # Words
//
// What an event becomes:
//
//   - A delivery is one event on its way. A step is one object that the event becomes, or one of its extras.
//   - A kind of object is contacts, leads or deals; the main kind is the first one that CRM_TARGET makes.
//   - An extra is a comment on a card's timeline, or a fill: an update that adds to the card of a contact
//     that was there before. The event is done even if its extra fails. The exception is an essential
//     comment, which is all that its event becomes.
//   - A match is a contact of the event's person that was there before.
//
// What is not known:
//
//   - A suspect is an event for which somebody else may have sent a create. A step is in doubt if a
//     create of ours may have taken effect.
//   - A look-up asks whether an object exists: it is found, or absent. One absence is not enough, see
//     absence.
//   - A cohort is the steps of one batch that are in doubt together.
//   - An idLocation is the field in which objects of a kind carry our ids. Where there is no such field, the
//     id is a tag, a part of the source description. A lookUpBy is an idLocation and the field that a
//     look-up filters by.
//   - Look-ups by a lookUpBy are proven once they have found an object of ours. A control is an object that
//     is known to exist: until look-ups are proven, they ask for it as well.
//
// What is sent when:
//
//   - A waiter stands in the queue for its turn. A job is the work of one request, or of a few, for some
//     waiters; a slot is the right to have a request in flight.
//   - The governor is the queue's policy. A leaving is its decision about one job.
//   - A step is fresh until a create of its own was judged, and tried after one failed.
//   - A hold stops all creates, or those of one kind, except for probes: single creates that show whether
//     the hold can end. A lane is what is known of the creates of one kind.
//   - A flood is so many refusals in a row that the set-up must be at fault rather than the events.
//   - Evidence is how the first tries of events ended. A failure is charged to its event only if others
//     passed meanwhile.
//
// A step that cannot go on for a reason of its own is deferred: Create returns, and is called again.
package crmclient

import (
	"context"
	"errors"
	"math"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"

	"github.com/leadbridge/leadbridge/crmclient/internal/limit"
	"github.com/leadbridge/leadbridge/crmclient/internal/queue"
	"github.com/leadbridge/leadbridge/crmclient/internal/vibe"
)

// Creator makes contacts, leads and deals. It is safe for concurrent use.
type Creator struct {
	cfg      Config
	log      zerolog.Logger
	meter    *meter
	client   *vibe.Client
	portals  *portals
	proofs   *proofs
	holds    *holdLog
	governor *governor
	queue    *queue.Queue
	persons  *persons
	cards    *cardTurns

	commentProofs *commentProofs
	callers       atomic.Int64 // calls of Create that run

	extrasWaiting atomic.Int64 // extras that are deferred, because their kind fails or too many are in the queue
	patchDiffers  atomic.Bool  // an update did something else than Config.Patch says: no more cards are filled
}

// New makes a Creator; it sends nothing yet. Its error names all faulty settings.
func New(cfg Config) (*Creator, error) {
	cfg = cfg.withDefaults()
	if cfg.Match.Fill && !cfg.Patch.known() {
		return nil, errors.New("cards are filled only where it is known what an update does to phones and e-mails: run leadbridge probe and set PORTAL_PROFILE")
	}
	client, err := vibe.New(vibe.Config{
		BaseURL: cfg.BaseURL, APIKey: cfg.APIKey, SessionToken: cfg.SessionToken,
		Timeout: cfg.Timeout, AckTimeout: cfg.runTime(), Connections: cfg.Slots, Dial: cfg.Dial,
	})
	if err != nil {
		return nil, err
	}
	c := &Creator{cfg: cfg, log: cfg.Log, client: client, meter: newMeter(cfg.Metrics), portals: newPortals(cfg.Log, cfg.Target.entities()), proofs: newProofs(cfg.Settle)}
	c.holds = newHoldLog(cfg.Log, c.meter)
	c.governor = newGovernor(cfg, client.KeyChanged, c.holds)
	c.persons, c.cards = newPersons(cfg.Match.by()), newCardTurns()
	c.commentProofs = newCommentProofs(cfg.CommentsSeen)
	c.queue = queue.New(cfg.Slots, cfg.BatchSize, c.governor, c.run)
	return c, nil
}

// Close drops the idle connections. A Creator can still be used after it.
func (c *Creator) Close() { c.client.Close() }

// Prepare asks the portal what it is (key, fields, which field carries our
// id) and blocks, through holds, until it is known or ctx ended. Create does the
// same by itself; calling Prepare at start shows a bad key before the first event.
func (c *Creator) Prepare(ctx context.Context) error { return c.prepare(ctx, nil) }

func (c *Creator) prepare(ctx context.Context, stop <-chan struct{}) error {
	if c.portals.known() != nil {
		return ctx.Err()
	}
	_, err := c.queue.Wait(ctx, stop, &queue.Waiter{Kind: queue.Prepare})
	return err
}

// runPrepare answers those who wait for the portal's description, or asks the portal for it if it is not known.
func (c *Creator) runPrepare(r *request) {
	if c.portals.known() == nil {
		c.learn(r)
		return
	}
	answers := map[*queue.Waiter]any{}
	for _, w := range r.job.Waiters() {
		answers[w] = struct{}{}
	}
	r.job.Answer(answers)
}

// learn asks the portal for its description. Those who wait for it are answered by the next job.
func (c *Creator) learn(r *request) {
	ctx := r.job.Context()
	p, o := c.ask(ctx, r)
	var omitting []vibe.Entity
	if p != nil {
		omitting = c.omitsID(ctx, r, p)
	}
	if ctx.Err() != nil {
		return
	}
	now := time.Now()
	if p == nil {
		c.governor.asked(nil, faultOf(o), false, now)
		return
	}
	c.portals.set(p, omitting)
	c.governor.described(p, now)
	c.governor.asked(p, limit.Fault{}, c.cfg.RequestsPerSecond == RateAuto, now)
}

// SetPaused stops creates, or lets them be sent again. Creates that are on their way end, and look-ups go on.
func (c *Creator) SetPaused(paused bool) {
	c.governor.setPaused(paused)
	c.queue.Poke()
}

// SetShare sets this process's part (0 to 1) of the portal's budget. However
// small, it leaves enough to look up.
func (c *Creator) SetShare(part float64) {
	if math.IsNaN(part) {
		return
	}
	c.governor.setShare(part)
	c.queue.Poke()
}
