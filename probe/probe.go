package probe

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	mathrand "math/rand/v2"
	"slices"
	"time"
)

// probe is one run.
type probe struct {
	cfg     Config
	c       *client
	run     string // a random text that names the run in everything that it makes
	base    int    // of its phone numbers
	last    int    // number of the last record
	ledger  ledger // what it must delete
	deleted int    // how many records, comments and user fields it has deleted
	untold  bool   // a write may have worked, and its answer does not tell what it made
	noBatch bool   // the portal offers no batches
	kinds   map[string]*kind
	samples []record          // the contacts that it has made
	card    map[string]record // the lead and the deal that it has made, by kind
	seen    Profile
}

// kind is what the run knows of one kind of object.
type kind struct {
	writable  map[string]bool
	userField string // that carries our id, as the portal spells it; "": none
}

func (k *kind) writes(name string) bool { return k != nil && k.writable[name] }

func newProbe(cfg Config) (*probe, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	token := make([]byte, 8)
	if _, err := rand.Read(token); err != nil {
		return nil, fmt.Errorf("no random numbers: %w", err)
	}
	p := &probe{cfg: cfg, c: newClient(cfg), run: hex.EncodeToString(token), base: mathrand.IntN(10_000),
		kinds: map[string]*kind{}, card: map[string]record{}}
	p.seen = Profile{Format: Format, Leadbridge: cfg.Version, At: time.Now().UTC().Truncate(time.Second), Entities: map[string]Entity{},
		Multifield: map[string]Answer{}, Codes: map[string]Answer{}, Calls: map[string]Calls{},
		Comments: Comments{Make: map[string]Answer{}, Listed: map[string]bool{}},
		Proposal: []Setting{}, Differences: []Difference{}, Left: []Left{}}
	return p, nil
}

// step is one part of the measurement.
type step struct {
	name string
	run  func(context.Context)
}

func (p *probe) steps() []step {
	return []step{
		{"fields", p.askFields},
		{"user fields", p.tryUserFields},
		{"records, and how soon they are found", p.makeSamples},
		{"look-ups", p.tryFilters},
		{"time zones", p.tryZones},
		{"batches", p.tryBatch},
		{"forms of phones", p.tryMultifields},
		{"updates", p.tryUpdates},
		{"comments", p.tryComments},
		{"mistakes", p.tryMistakes},
		{"description of the API", p.askOpenAPI},
	}
}

// maxOdd is how many failures (5xx, or no answer) end a measurement.
const maxOdd = 10

// errUnsteady is returned when too many failures have ended a measurement.
var errUnsteady = errors.New("the portal failed too often (5xx or no answer) to be measured: try again later")

// errUnclean is returned when cleaning may not have worked.
var errUnclean = errors.New("the portal failed meanwhile (5xx or no answer): run leadbridge probe --clean again")

// stopped returns why the measurement must end.
func (p *probe) stopped(ctx context.Context) error {
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case p.c.seen.Throttled > 0:
		return errThrottled
	case p.c.odd >= maxOdd:
		return errUnsteady
	}
	return nil
}

// Run measures a portal. It deletes what it made before it returns, however it ends; what could not be deleted is
// in the profile. When ctx ends, requests under way are finished first. With an error the profile is not complete.
func Run(ctx context.Context, cfg Config) (Profile, error) {
	p, err := newProbe(cfg)
	if err != nil {
		return Profile{}, err
	}
	defer p.c.close()
	begun := time.Now()
	err = p.measure(ctx)
	p.cfg.Progress("deleting the test records")
	p.clean(deleting(ctx))
	p.conclude(err == nil, time.Since(begun))
	return p.seen, err
}

// deleting returns a context for requests that delete, which go on after the end of ctx and when the portal throttles.
func deleting(ctx context.Context) context.Context {
	return context.WithValue(context.WithoutCancel(ctx), cleaning{}, true)
}

func (p *probe) measure(ctx context.Context) error {
	p.cfg.Progress("the key")
	if err := p.askKey(ctx); err != nil {
		return err
	}
	for _, s := range p.steps() {
		if err := p.stopped(ctx); err != nil {
			return err
		}
		p.cfg.Progress(s.name)
		s.run(ctx)
	}
	return p.stopped(ctx)
}

// conclude completes the profile from all that was measured.
func (p *probe) conclude(complete bool, took time.Duration) {
	s := &p.seen
	s.Complete, s.Took, s.Requests = complete, milliseconds(took), p.c.count
	perSecond := s.Limits.PerSecond
	s.Limits = p.c.seen
	s.Limits.PerSecond = perSecond
	for op, one := range p.c.calls {
		s.Calls[op] = Calls{spread(one.times), one.size}
	}
	s.Phones = s.comparedPhones()
	s.Differences = append(s.Differences, s.differences()...)
	s.Proposal = append(s.Proposal, s.proposal()...)
}

// entity changes the profile's part about a kind of object.
func (p *probe) entity(name string, change func(*Entity)) {
	e, ok := p.seen.Entities[name]
	if !ok {
		e = Entity{Names: []string{}, Ways: map[string]Way{}, Filters: map[string]Lookup{}}
	}
	change(&e)
	p.seen.Entities[name] = e
}

// offered returns the kinds that the portal describes, in the order of kinds.
func (p *probe) offered() []string {
	return slices.DeleteFunc(kinds(), func(name string) bool { return p.kinds[name] == nil })
}
