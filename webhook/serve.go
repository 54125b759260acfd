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

	"golang.org/x/net/netutil"
)

// maxHeader bounds the header of a request, in bytes.
const maxHeader = 32 << 10

// answerTime is what an answer may take to be written.
const answerTime = 5 * time.Second

// Run serves handler, which passes what is meant for the gate on to it, until ctx
// ends; then no new request is taken, and those under way have DrainTimeout. It
// closes the listener.
func (g *Gate) Run(ctx context.Context, l net.Listener, handler http.Handler) error {
	server := &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: g.cfg.HeaderTimeout,
		// Of bodies too that nobody reads: the server drops them after the answer.
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
	background.Go(func() { g.writer.run(writing) })
	drained := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(drained)
		g.drain(server)
	})
	err := server.Serve(netutil.LimitListener(l, g.cfg.Connections))
	if stop() {
		return err // nobody asked for the end
	}
	<-drained
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

// drain lets requests under way end, and cuts those that do not in time.
func (g *Gate) drain(server *http.Server) {
	ctx, cancel := context.WithTimeout(context.Background(), g.cfg.DrainTimeout)
	defer cancel()
	if server.Shutdown(ctx) != nil {
		_ = server.Close()
		g.cfg.Log.Warn().Msg("requests were cut by the end of the drain: their senders got no answer, and send again")
	}
}
