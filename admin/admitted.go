package admin

import (
	"context"
	"errors"
	"net/http"
	"time"
)

// errRevoked is the cause of a request's context when the request was ended because its sender has lost the right to it.
var errRevoked = errors.New("the sender may not make this request any more")

// admittedEvery is how often the right of the sender of a running request is checked.
const admittedEvery = 200 * time.Millisecond

// whileAdmitted returns the request with a context that also ends when its sender loses the right to it: the token was
// removed from its file or has another role now, or the session has ended. So no replay, export or stream outlives the
// right to it. done must be called when the request was answered.
func (s *Server) whileAdmitted(r *http.Request, least role, by caller) (_ *http.Request, done func()) {
	ctx, cancel := context.WithCancelCause(r.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		timer := time.NewTicker(admittedEvery)
		defer timer.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-timer.C:
			}
			if now, _ := s.admits(r); now.role < least {
				if least > roleLook { // a stream of states ends with each session
					s.audit("revoked", by).Str("request", r.Pattern).Msg("page: a request was ended, as its sender may not make it any more")
				}
				cancel(errRevoked)
				return
			}
		}
	}()
	return r.WithContext(ctx), func() {
		cancel(nil)
		<-ended
	}
}
