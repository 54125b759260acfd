package admin

import (
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/rs/zerolog"
)

// Server is the page and its API. It is safe for concurrent use.
type Server struct {
	cfg      Config
	log      zerolog.Logger
	page     map[string]asset
	guard    guard
	sessions sessions
	origins  *http.CrossOriginProtection
	history  history
	hub      hub
	others   others
	letters  letters
	replays  replays

	work context.Context // of what writes, or takes long: it ends with Drain
	stop context.CancelFunc
}

// New makes a server; it asks nobody anything yet.
func New(cfg Config) (*Server, error) {
	page, err := loadPage()
	if err != nil {
		return nil, err
	}
	s := &Server{
		cfg:      cfg,
		log:      cfg.Log,
		page:     page,
		guard:    guard{token: token{secret: cfg.Token}},
		sessions: sessions{byID: map[digest]session{}},
		origins:  http.NewCrossOriginProtection(),
		hub:      hub{clients: map[*client]struct{}{}},
		replays:  newReplays(),
	}
	s.others.open(cfg.Kafka)
	s.letters.open(cfg)
	s.work, s.stop = context.WithCancel(context.Background())
	return s, nil
}

// Handler serves the page and its API. What is live in it needs Run.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", s.index)
	mux.HandleFunc("GET /assets/{name}", s.asset)
	mux.HandleFunc("GET /api/session", s.signedIn)
	mux.HandleFunc("POST /api/session", s.signIn)
	mux.HandleFunc("DELETE /api/session", s.signOut)
	mux.HandleFunc("GET /api/state", s.authorised(s.state))
	mux.HandleFunc("GET /api/live", s.authorised(s.live))
	mux.HandleFunc("POST /api/letters/search", s.authorised(s.search))
	mux.HandleFunc("GET /api/letters/{place}", s.authorised(s.letter))
	mux.HandleFunc("POST /api/letters/{place}/reveal", s.authorised(s.reveal))
	mux.HandleFunc("POST /api/letters/{place}/find", s.authorised(s.lookUp))
	mux.HandleFunc("POST /api/replay", s.authorised(s.replay))
	mux.HandleFunc("/api/", s.authorised(func(w http.ResponseWriter, _ *http.Request, _ who) {
		problem(w, http.StatusNotFound, "there is nothing here")
	}))
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		problem(w, http.StatusNotFound, "there is nothing here")
	})
	return s.guarded(mux)
}

// Run keeps the history and tells all who look how it stands, until ctx ends; then
// every stream ends.
func (s *Server) Run(ctx context.Context) {
	var background sync.WaitGroup
	defer s.others.close()
	defer s.letters.topic.Close()
	defer background.Wait()
	defer s.hub.close()
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
			background.Go(func() { s.others.refresh(ctx) })
			background.Go(func() { s.letters.follow(ctx) })
			snap := s.snapshot(now)
			s.hub.publish(update{snapshot: &snap})
		}
		s.letters.forget(now)
		timer.Reset(untilNext(time.Now(), time.Second))
	}
}

// Drain ends what writes, such as a replay: what it did is remembered in Kafka. States
// and streams go on, so that the drain can be watched.
func (s *Server) Drain() { s.stop() }

// Settle drains and waits until no replay is in the middle of a transaction, which would hold
// up the topic's readers until the brokers give it up; or until ctx ends.
func (s *Server) Settle(ctx context.Context) {
	s.Drain()
	s.replays.close(ctx)
}

// working is the context of a request that also ends with Drain.
func (s *Server) working(ctx context.Context) (_ context.Context, done func()) {
	ctx, cancel := context.WithCancel(ctx)
	end := context.AfterFunc(s.work, cancel)
	return ctx, func() {
		end()
		cancel()
	}
}

// untilNext is how long it is until the next whole step of the clock.
func untilNext(now time.Time, step time.Duration) time.Duration {
	return now.Truncate(step).Add(step).Sub(now)
}
