package admin

import (
	"context"
	"errors"
	"net/http"
	"time"
)

// errRevoked is the cause with which a request's context ends when its sender may not make it any more.
var errRevoked = errors.New("the sender may not make this request any more")

// admittedEvery is how often it is asked whether the sender of a running request may still make it.
const admittedEvery = 200 * time.Millisecond

// whileAdmitted returns the request with a context that also ends when its sender may not make it any more, as the token
// was taken out of its file, has another role now, or the session has ended: so no replay, export or stream outlives the
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
