package webhook

import (
	"context"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"sync"
	"time"
)

// maxHeader bounds the header of a request, in bytes.
const maxHeader = 32 << 10

// answerTime is how long the writing of an answer may take.
const answerTime = 5 * time.Second

// Run serves handler, which passes what is meant for the gate on to it, until ctx
// ends. After DrainDelay no new connection is taken; what is under way then has the
// rest of DrainTimeout. It closes the listener.
func (g *Gate) Run(ctx context.Context, l net.Listener, handler http.Handler) error {
	server := &http.Server{
		Handler:           closingAfter(ctx, handler),
		ReadHeaderTimeout: g.cfg.HeaderTimeout,
		// It also bounds bodies that the gate does not read: the server reads and drops them after the answer.
		ReadTimeout:    g.cfg.HeaderTimeout + g.cfg.BodyTimeout,
		WriteTimeout:   g.cfg.BodyTimeout + g.cfg.AckTimeout + answerTime,
		IdleTimeout:    time.Minute,
		MaxHeaderBytes: maxHeader,
		ErrorLog:       log.New(io.Discard, "", 0), // it quotes what clients send
	}
	writing, stopWriting := context.WithCancel(context.WithoutCancel(ctx))
	var background sync.WaitGroup
	defer background.Wait()
	defer stopWriting()
	if !g.cfg.DryRun {
		background.Go(func() { g.writers.run(writing) })
	}
	drained := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(drained)
		g.drain(server)
	})
	limiter := newConnLimiter(l, g.cfg.Connections, g.cfg.ConnectionsPerPeer, g.peers.trusts, g.metrics.closed)
	server.ConnState = limiter.connState
	err := server.Serve(limiter)
	if stop() {
		return err // the server ended by itself: ctx has not
	}
	<-drained
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

// closingAfter has each answer close its connection once ctx has ended: the client's next one
// leads to a gate that goes on.
func closingAfter(ctx context.Context, handler http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if ctx.Err() != nil {
			w.Header().Set("Connection", "close")
		}
		handler.ServeHTTP(w, r)
	})
}

// drain lets requests under way end, and cuts those that do not in time. Before that
// it takes new ones for a while: load balancers learn late that this gate stops, and
// not every sender whose connection is refused tries again.
func (g *Gate) drain(server *http.Server) {
	ctx, cancel := context.WithTimeout(context.Background(), g.cfg.DrainTimeout)
	defer cancel()
	select {
	case <-time.After(g.cfg.DrainDelay):
	case <-ctx.Done():
	}
	if server.Shutdown(ctx) != nil {
		_ = server.Close()
		g.cfg.Log.Warn().Msg("requests were cut by the end of the drain: their senders got no answer, and send again")
	}
}
