// Package webhook is the gate: it takes webhooks of websites and form builders
// by HTTP and answers that it has one only when Kafka has it, acknowledged by all
// in-sync replicas. It stores nothing itself.
package webhook

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"github.com/leadbridge/leadbridge/internal/cluster"
	"github.com/leadbridge/leadbridge/internal/tracing"
)

// Config holds what a Gate needs; docs/ingest.md describes the settings behind it. Defaults are applied where the
// settings are parsed; zero values are used literally unless the field says otherwise.
type Config struct {
	Brokers cluster.Brokers // needed
	Topic   string          // of the events of sources that name none; needed
	Sources *Sources        // needed

	AckTimeout         time.Duration // longest wait for Kafka's acknowledgement; then the sender is answered 503
	HeaderTimeout      time.Duration // longest time for a request's header; then its connection is closed
	BodyTimeout        time.Duration // longest time for a request's body; then 408
	BodyRate           int64         // least speed of a body in bytes a second, over each BodyGrace; else 408. 0: no limit
	BodyGrace          time.Duration // span over which BodyRate is measured
	DrainDelay         time.Duration // how long webhooks are still taken after a stop; part of DrainTimeout
	DrainTimeout       time.Duration // how long a stop waits for requests under way
	Connections        int           // most open connections; for a new one the longest idle one is closed; while none is idle, it waits
	ConnectionsPerPeer int           // most open connections of one peer; further ones are closed. 0: a quarter of Connections, at least 16
	MaxBuffer          int64         // memory in bytes for all bodies that are being read or written to Kafka; beyond it 503

	TrustedProxies  []netip.Prefix // proxies whose forwarded header is believed
	ForwardedHeader string         // the header in which they name the peer; "": X-Forwarded-For

	DryRun  bool // log events, with persons masked, instead of writing them: Kafka is not asked
	Log     zerolog.Logger
	Metrics prometheus.Registerer // nil: none
	Tracer  *tracing.Tracer       // nil: nothing is traced
}

// Gate serves /hooks/{source}.
type Gate struct {
	cfg     Config
	writers writers
	memory  *memoryBudget
	peers   *peers
	workers *workers
	metrics *metrics
}

// New returns a Gate; it connects to nothing yet.
func New(cfg Config) (*Gate, error) {
	if cfg.Sources == nil {
		return nil, errSources
	}
	if len(cfg.Brokers.Addresses) == 0 || cfg.Topic == "" {
		return nil, errors.New("webhook: brokers and topic are needed")
	}
	m, err := newMetrics(cfg.Metrics, cfg.Sources.Names())
	if err != nil {
		return nil, fmt.Errorf("webhook: %w", err)
	}
	if cfg.ConnectionsPerPeer == 0 {
		cfg.ConnectionsPerPeer = max(cfg.Connections/minPeersToFill, min(cfg.Connections, minPeerConnections))
	}
	g := &Gate{
		cfg: cfg, writers: newWriters(cfg, m), memory: newMemoryBudget(cfg.MaxBuffer, cfg.Sources.byName), workers: newWorkers(), metrics: m,
		peers: newPeers(cfg.TrustedProxies, cmp.Or(cfg.ForwardedHeader, HeaderXForwardedFor), cfg.ConnectionsPerPeer),
	}
	for _, s := range cfg.Sources.byName {
		g.watchSecrets(s, s.secrets)
		g.watchSecrets(s, s.challengeSecrets)
	}
	return g, nil
}

// minPeersToFill is the least number of peers that can take all connections, unless ConnectionsPerPeer is given.
const minPeersToFill = 4

// minPeerConnections is how many connections one peer may have in any case: a browser, or a small proxy.
const minPeerConnections = 16

// watchSecrets logs when a file of secrets cannot be used any more, and when it can be used again.
func (g *Gate) watchSecrets(s *source, list *secrets) {
	if list == nil {
		return
	}
	list.watch(func(file string, why error) {
		switch log := g.cfg.Log.With().Str("source", s.name).Str("file", file).Logger(); {
		case why == nil:
			log.Info().Msg("the file of the secret can be used again")
		case errors.Is(why, errEmpty):
			log.Error().Msg("the file of the secret is empty: it lets nobody in; write the secret into it")
		default:
			log.Error().Err(why).Dur("kept_ms", secretKept).Msg("the file of the secret cannot be used: the last secret is accepted for kept_ms more, then nobody is let in")
		}
	})
}

// Ready returns nil when the topic can be written, and otherwise an error that says why not.
func (g *Gate) Ready() error {
	if g.cfg.DryRun {
		return nil
	}
	return g.writers.ready()
}

// prefix begins the paths of the hooks.
const prefix = "/hooks/"

// ServeHTTP takes one webhook.
func (g *Gate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	began := time.Now()
	name, found := hookName(r.URL.Path)
	s := g.cfg.Sources.byName[name]
	if !found || s == nil {
		g.metrics.answered("", outcomeUnknown, began, nil)
		answerProblem(w, problem{Status: http.StatusNotFound, Detail: "there is no such source"})
		return
	}
	s.allowOrigin(w, r)
	if r.Method == http.MethodOptions {
		s.preflight(w)
		return
	}
	span := g.cfg.Tracer.Hook(r, s.name)
	defer span.End(nil)
	if !slices.Contains(s.methods, r.Method) && (r.Method != http.MethodGet || s.challenge == nil) {
		w.Header().Set("Allow", s.allowedMethods())
		g.metrics.answered(s.name, outcomeMethod, began, span)
		answerProblem(span.Answer(w), problem{Status: http.StatusMethodNotAllowed, Detail: "this source takes " + strings.Join(s.methods, " and ")})
		return
	}
	peer, forwarded := g.peers.sender(r)
	memory := g.memory.reserve(s.name, peer)
	defer memory.release()
	leave, ok := g.peers.enter(peer, forwarded)
	if !ok {
		g.refuse(w, r, s, errManyUnderWay, began, span)
		return
	}
	defer leave()
	d, err := g.takeSafely(w, r, s, memory, span)
	if err != nil {
		memory.release() // a body that was refused is not kept while the answer is written
		g.refuse(w, r, s, err, began, span)
		return
	}
	g.noteOutcome(s, outcomeOf(nil, d), began, span)
	s.answerTaken(span.Answer(w), r, d)
}

// refuse answers a request that was not taken.
func (g *Gate) refuse(w http.ResponseWriter, r *http.Request, s *source, err error, began time.Time, span *tracing.Span) {
	g.noteOutcome(s, outcomeOf(err, delivery{}), began, span)
	g.noteUnverified(s, err)
	answerRefused(span.Answer(w), r, problemOf(err, s))
}

// noteOutcome counts a request of a source, and logs it for debugging.
func (g *Gate) noteOutcome(s *source, outcome string, began time.Time, span *tracing.Span) {
	g.metrics.answered(s.name, outcome, began, span)
	g.cfg.Log.Debug().Str("source", s.name).Str("outcome", outcome).Dur("took_ms", time.Since(began)).Msg("webhook")
}

func hookName(path string) (name string, ok bool) {
	name, ok = strings.CutPrefix(path, prefix)
	return name, ok && name != ""
}

// delivery says how a request that was not refused is answered.
type delivery struct {
	id         string // of its event, or what stands for it in the answer
	form       form   // in which it came
	unreadable bool   // its body has bytes that are not valid UTF-8
	redirect   string // the address that the form asks to be sent on to; "": none
	answer     string // to a challenge; "": it is not one, or the source's answer does
	dropped    string // the outcome of a request that makes no record, such as outcomeIgnored; "": its event is written
}

// errOurs is answered when the gate itself failed: neither the sender nor Kafka is at fault.
var errOurs = errors.New("the webhook could not be handled: a fault of leadbridge")

// takeSafely turns a panic of the gate into an error, and logs it without what the client sent.
func (g *Gate) takeSafely(w http.ResponseWriter, r *http.Request, s *source, memory *reservation, span *tracing.Span) (d delivery, err error) {
	defer func() {
		if recover() != nil {
			g.cfg.Log.Error().Str("source", s.name).Bytes("stack", debug.Stack()).Msg("a fault of leadbridge: report it")
			err = errOurs
		}
	}()
	return g.take(w, r, s, memory, span)
}

// take reads, verifies and writes one webhook. What can be verified without the body is verified before the body is
// read, so that a stranger takes no memory.
func (g *Gate) take(w http.ResponseWriter, r *http.Request, s *source, memory *reservation, span *tracing.Span) (d delivery, err error) {
	media, err := s.accepts(r)
	if err != nil {
		return d, err
	}
	limit := s.maxBody
	if err := s.verifier.before(r, time.Now()); err != nil {
		if !s.testUnsigned && s.challenge == nil {
			return d, unverified{error: err, unread: true}
		}
		limit = min(limit, maxPing)
	}
	body, err := readBody(w, r, limit, pace{within: g.cfg.BodyTimeout, grace: g.cfg.BodyGrace, rate: g.cfg.BodyRate}, memory)
	if err != nil {
		return d, err
	}
	return g.deliver(r, s, media, body, memory, span)
}

// maxPing is the longest body in bytes of a provider's test or challenge that comes without a signature.
const maxPing = 4 << 10

// deliver verifies and writes a webhook that was read.
func (g *Gate) deliver(r *http.Request, s *source, media mediaType, body []byte, memory *reservation, span *tracing.Span) (delivery, error) {
	now := time.Now()
	// The client may hang up: what it has sent is taken all the same.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), g.cfg.AckTimeout)
	defer cancel()
	d, e, err := g.verifyAndDecode(ctx, r, s, media, body, now)
	if d.unreadable && s.charsetLogged.CompareAndSwap(false, true) {
		g.cfg.Log.Warn().Str("source", s.name).Msg("a body is not in UTF-8: what cannot be read became U+FFFD; give its source a charset")
	}
	if err != nil || d.dropped != "" {
		return d, err
	}
	// Only events count against the rate. A sender without the secret, or one that the honeypot caught, cannot use
	// it up and have people turned away.
	if wait, ok := s.rate.take(now); !ok {
		return d, tooMany{wait}
	}
	if e.unmapped {
		g.metrics.unmapped.WithLabelValues(s.name).Inc()
		g.cfg.Log.Warn().Str("source", s.name).Msg("the mapping fails on an event: " + s.fateOfUnmapped())
	}
	if !memory.grow(int64(len(e.value))) {
		return d, errOverloaded
	}
	if g.cfg.DryRun {
		g.logEvent(s, e)
		return d, nil
	}
	to := g.writers.of(s, g.cfg.Topic)
	send := span.Send(to.topic)
	e.trace = tracing.HookHeaders(send, r)
	err = to.write(ctx, e)
	send.End(err)
	return d, err
}

// verifyAndDecode verifies and decodes a body when a worker is free.
func (g *Gate) verifyAndDecode(ctx context.Context, r *http.Request, s *source, media mediaType, body []byte, now time.Time) (delivery, event, error) {
	leave, err := g.workers.enter(ctx, len(body))
	if err != nil {
		return delivery{}, event{}, err
	}
	defer leave()
	return s.verifyAndDecode(r, media, body, now)
}
