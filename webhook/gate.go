// Package webhook is the gate: it takes webhooks of websites and form builders
// by HTTP and answers that it has one only when Kafka has it, acknowledged by all
// in-sync replicas. It keeps nothing that was not acknowledged, and nothing that was.
package webhook

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"runtime/debug"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"
	"github.com/segmentio/kafka-go/sasl"
)

// Config is what a Gate is made of.
type Config struct {
	Brokers []string // host:port
	Topic   string
	SASL    sasl.Mechanism // nil: none
	Sources *Sources

	AckTimeout    time.Duration // for Kafka's acknowledgement; then 503
	HeaderTimeout time.Duration // for a request's header
	BodyTimeout   time.Duration // for its body
	DrainDelay    time.Duration // for which webhooks are still taken after a stop; part of DrainTimeout
	DrainTimeout  time.Duration // for what is under way at a stop
	Connections   int           // at a time; further ones wait
	MaxBuffer     int64         // bytes of bodies under way, of the process

	Log     zerolog.Logger
	Metrics prometheus.Registerer // nil: none

	// Dial opens connections to brokers, by TLS where that is wanted; nil: the network, in plain text.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
}

// Gate serves /hooks/{source}.
type Gate struct {
	cfg     Config
	writer  *writer
	room    *budget
	workers *workers
	metrics *metrics
}

// New makes a Gate; it connects to nothing yet.
func New(cfg Config) (*Gate, error) {
	if cfg.Sources == nil {
		return nil, errSources
	}
	if len(cfg.Brokers) == 0 || cfg.Topic == "" {
		return nil, errors.New("webhook: brokers and topic are needed")
	}
	m, err := newMetrics(cfg.Metrics, cfg.Sources.Names())
	if err != nil {
		return nil, fmt.Errorf("webhook: %w", err)
	}
	return &Gate{cfg: cfg, writer: newWriter(cfg, m), room: &budget{left: cfg.MaxBuffer}, workers: newWorkers(), metrics: m}, nil
}

// Ready is nil when the topic can be written; else it says what to do.
func (g *Gate) Ready() error { return g.writer.ready() }

// prefix is where the hooks are.
const prefix = "/hooks/"

// ServeHTTP takes one webhook.
func (g *Gate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	began := time.Now()
	name, found := hookName(r.URL.Path)
	s := g.cfg.Sources.byName[name]
	if !found || s == nil {
		g.metrics.seen("", outcomeUnknown, began)
		answerProblem(w, problem{Status: http.StatusNotFound, Detail: "there is no such source"})
		return
	}
	s.allowOrigin(w, r)
	switch r.Method {
	case http.MethodPost:
	case http.MethodOptions:
		s.preflight(w)
		return
	default:
		w.Header().Set("Allow", "POST, OPTIONS")
		g.metrics.seen(s.name, outcomeMethod, began)
		answerProblem(w, problem{Status: http.StatusMethodNotAllowed, Detail: "webhooks are sent by POST"})
		return
	}
	room := &share{of: g.room}
	defer room.release()
	d, err := g.takeSafely(w, r, s, room)
	outcome := outcomeOf(err, d)
	g.metrics.seen(s.name, outcome, began)
	g.cfg.Log.Debug().Str("source", s.name).Str("outcome", outcome).Dur("took", time.Since(began)).Msg("webhook")
	if err != nil {
		answerRefused(w, r, problemOf(err, s))
		return
	}
	s.answerTaken(w, r, d)
}

func hookName(path string) (name string, ok bool) {
	if len(path) <= len(prefix) || path[:len(prefix)] != prefix {
		return "", false
	}
	return path[len(prefix):], true
}

// delivery is what became of a request that was taken.
type delivery struct {
	id       string
	form     form
	redirect string // that the form asked for, "" for the usual one
	dropped  string // why nothing was written: an outcome; "": it was
}

// errOurs says that we failed, not the sender and not Kafka.
var errOurs = errors.New("the webhook could not be handled: a fault of leadbridge")

// takeSafely keeps a fault of ours from being told in the log with what a client sent.
func (g *Gate) takeSafely(w http.ResponseWriter, r *http.Request, s *source, room *share) (d delivery, err error) {
	defer func() {
		if recover() != nil {
			g.cfg.Log.Error().Str("source", s.name).Bytes("stack", debug.Stack()).Msg("a fault of leadbridge: report it")
			err = errOurs
		}
	}()
	return g.take(w, r, s, room)
}

// take reads, verifies, and writes one webhook; its error becomes a problem.
func (g *Gate) take(w http.ResponseWriter, r *http.Request, s *source, room *share) (d delivery, err error) {
	media, err := s.accepts(r)
	if err != nil {
		return d, err
	}
	body, err := readBody(w, r, s.maxBody, g.cfg.BodyTimeout, room)
	if err != nil {
		return d, err
	}
	return g.deliver(r, s, media, body, room)
}

// deliver verifies and writes a webhook that was read.
func (g *Gate) deliver(r *http.Request, s *source, media mediaType, body []byte, room *share) (delivery, error) {
	now := time.Now()
	if err := s.verifier.verify(r, body, now); err != nil {
		return delivery{}, unverified{err}
	}
	// The client may hang up: what it has sent is taken all the same.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), g.cfg.AckTimeout)
	defer cancel()
	d, e, err := g.understand(ctx, r.Header, s, media, body, now)
	if err != nil || d.dropped != "" {
		return d, err
	}
	// The rate is of events: who has no secret, sends no form or is caught in a honeypot cannot
	// use it up, so that people are turned away.
	if wait, ok := s.rate.take(now); !ok {
		return d, tooMany{wait}
	}
	if e.unmapped {
		g.metrics.unmapped.WithLabelValues(s.name).Inc()
		g.cfg.Log.Warn().Str("source", s.name).Msg("the mapping fails on an event: it goes to Kafka as it came")
	}
	if !room.grow(int64(len(e.value))) {
		return d, errNoRoom
	}
	return d, g.writer.write(ctx, e)
}

// understand makes the event of a body.
func (g *Gate) understand(ctx context.Context, header http.Header, s *source, media mediaType, body []byte, now time.Time) (d delivery, e event, err error) {
	leave, err := g.workers.enter(ctx, len(body))
	if err != nil {
		return d, e, err
	}
	defer leave()
	c, err := parse(media, body)
	if err != nil {
		return d, e, err
	}
	if c.decode(media.charset, s.charset) && s.toldCharset.CompareAndSwap(false, true) {
		g.cfg.Log.Warn().Str("source", s.name).Msg("a form is not in UTF-8: what cannot be read became U+FFFD; give its source a charset")
	}
	var trapped bool
	d.form = c.form
	trapped, d.redirect = s.takeOwn(&c)
	if e, err = s.newEvent(header, body, c, now); err != nil {
		return d, e, err
	}
	switch d.id = e.id; {
	case trapped:
		d.dropped = outcomeHoneypot
	case e.ignored:
		d.dropped = outcomeIgnored
	}
	return d, e, nil
}
