package webhook

import (
	"errors"
	"sync"
	"time"
)

// unverified is the error of a request whose sender is not proven to be permitted. It is answered 401.
type unverified struct {
	error
	unread bool // the request's body was not read; false: it was read to its end
}

func (u unverified) Unwrap() error { return u.error }

// unverifiedLogEvery is how often the requests of a source that could not be verified are logged.
const unverifiedLogEvery = time.Minute

// noteUnverified counts a request that is answered 401. Once in unverifiedLogEvery it logs how many there were since
// the last line, with the error of the newest: the error says what is wrong, and repeats nothing of the request.
func (g *Gate) noteUnverified(s *source, err error) {
	if _, ok := errors.AsType[unverified](err); !ok {
		return
	}
	if count, due := s.unverified.due(time.Now()); due {
		g.cfg.Log.Warn().Str("source", s.name).Int("requests", count).Err(err).
			Msg("requests of this source are answered 401: the error says what is wrong with the newest one")
	}
}

// pacedCount counts what happens often and is logged once in unverifiedLogEvery.
type pacedCount struct {
	mu     sync.Mutex
	count  int       // guarded by mu; since the last line
	logged time.Time // guarded by mu; when the last line was written
}

// due counts one more. When a line is due it reports true, and returns how many were counted since the last one.
func (p *pacedCount) due(now time.Time) (count int, due bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.count++
	if !p.logged.IsZero() && now.Sub(p.logged) < unverifiedLogEvery {
		return 0, false
	}
	count, p.count, p.logged = p.count, 0, now
	return count, true
}
