package admin

import (
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/rs/zerolog"
)

// Server serves the page and its API. It is safe for concurrent use.
type Server struct {
	cfg      Config
	log      zerolog.Logger
	page     map[string]asset
	guard    guard
	oidc     *oidcSignIns // nil if nobody can sign in by OpenID Connect
	sessions sessions
	origins  *http.CrossOriginProtection
	history  history
	hub      hub
	peers    peers
	letters  letters
	replays  replays

	searching sync.Mutex // locked while a lead is searched: one search may run at a time

	work context.Context // for requests that write or take long; ends with Drain
	stop context.CancelFunc
}

// New returns a Server; it connects to nothing yet.
func New(cfg Config) (*Server, error) {
	page, err := loadPage()
	if err != nil {
		return nil, err
	}
	s := &Server{
		cfg:      cfg,
		log:      cfg.Log,
		page:     page,
		guard:    guard{tokens: tokens{one: cfg.Token, file: cfg.TokensFile, log: cfg.Log}},
		sessions: sessions{byID: map[digest]session{}},
		origins:  http.NewCrossOriginProtection(),
		hub:      hub{clients: map[*client]struct{}{}},
		replays:  newReplays(),
	}
	if cfg.OIDC != nil {
		s.oidc = newOIDCSignIns(newIssuer(cfg.OIDC, cfg.Log))
	}
	s.peers.open(cfg)
	s.letters.open(cfg)
	s.work, s.stop = context.WithCancel(context.Background())
	return s, nil
}

// Handler returns the handler of the page and its API. Live updates need Run.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", s.index)
	mux.HandleFunc("GET /assets/{name}", s.asset)
	mux.HandleFunc("GET /api/session", s.signedIn)
	mux.HandleFunc("POST /api/session", s.signIn)
	mux.HandleFunc("DELETE /api/session", s.signOut)
	mux.HandleFunc("POST /api/session/oidc", s.beginOIDC)
	mux.HandleFunc("GET "+OIDCPath, s.endOIDC)
	mux.HandleFunc("GET /api/state", s.authorised(roleLook, s.state))
	mux.HandleFunc("GET /api/history", s.authorised(roleLook, s.past))
	mux.HandleFunc("GET /api/live", s.authorised(roleLook, s.live))
	mux.HandleFunc("POST /api/letters/search", s.authorised(roleLook, s.search))
	mux.HandleFunc("GET /api/letters/{place}", s.authorised(roleLook, s.letter))
	mux.HandleFunc("POST /api/letters/{place}/reveal", s.authorised(roleReveal, s.reveal))
	mux.HandleFunc("POST /api/letters/{place}/preview", s.authorised(roleAct, s.preview))
	mux.HandleFunc("POST /api/letters/{place}/find", s.authorised(roleLook, s.find))
	mux.HandleFunc("POST /api/pause", s.authorised(roleAct, s.pause))
	mux.HandleFunc("POST /api/replay", s.authorised(roleAct, s.replay))
	mux.HandleFunc("POST /api/letters/{place}/erase", s.authorised(roleAct, s.erase))
	mux.HandleFunc("POST /api/letters/export", s.authorised(roleReveal, s.export))
	mux.HandleFunc("POST /api/letters/close", s.authorised(roleAct, s.closeLetters))
	mux.HandleFunc("POST /api/where", s.authorised(roleLook, s.where))
	mux.HandleFunc("POST /api/probe", s.authorised(roleAct, s.probe))
	mux.HandleFunc("POST /api/flood/release", s.authorised(roleAct, s.releaseFlood))
	mux.HandleFunc("/api/", s.authorised(roleLook, func(w http.ResponseWriter, _ *http.Request, _ caller) {
		problem(w, http.StatusNotFound, "there is nothing here")
	}))
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		problem(w, http.StatusNotFound, "there is nothing here")
	})
	return s.guarded(mux)
}

// Run keeps the history and sends the state to all readers, until ctx ends. Then all streams end.
func (s *Server) Run(ctx context.Context) {
	var background sync.WaitGroup
	defer s.peers.close()
	defer s.letters.topic.Close()
	defer background.Wait()
	defer s.hub.close()
	if s.oidc != nil {
		background.Go(func() { s.oidc.watch(ctx) })
	}
	s.sample(time.Now())
	timer := time.NewTimer(untilNext(time.Now(), time.Second))
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		now := time.Now()
		if s.sample(now) {
			s.hub.publish(update{point: s.history.last()})
		}
		if s.hub.watched() {
			// Each of these returns at once while an earlier call of it still runs.
			background.Go(func() { s.peers.refresh(ctx) })
			background.Go(func() { s.refreshReplicas(ctx) })
			background.Go(func() { s.letters.follow(ctx) })
			snap := s.snapshot(now)
			s.hub.publish(update{snapshot: &snap})
		}
		s.letters.forget(now)
		timer.Reset(untilNext(time.Now(), time.Second))
	}
}

// Drain ends requests that write, such as a replay; what they have done is in Kafka. States and streams go on, so that
// people can watch the drain.
func (s *Server) Drain() { s.stop() }

// Settle drains, and waits until no replay runs or ctx ends. A replay that ended in the middle of a transaction would delay
// the topic's readers until the brokers abort it.
func (s *Server) Settle(ctx context.Context) {
	s.Drain()
	s.replays.close(ctx)
}

// working returns the context of a request, which also ends with Drain.
func (s *Server) working(ctx context.Context) (_ context.Context, done func()) {
	ctx, cancel := context.WithCancel(ctx)
	detach := context.AfterFunc(s.work, cancel)
	return ctx, func() {
		detach()
		cancel()
	}
}

// needsSignIn reports whether people must sign in. If not, everybody on this machine may do everything.
func (s *Server) needsSignIn() bool { return s.guard.tokens.needed() || s.oidc != nil }

// untilNext returns the time until the next whole step of the clock.
func untilNext(now time.Time, step time.Duration) time.Duration {
	return now.Truncate(step).Add(step).Sub(now)
}
