package main

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// errSignal is the cause of a context that a signal ended.
var errSignal = errors.New("signal")

// exitReserve is the part of the grace in which the process ends by itself,
// so that it is gone within the grace, not at its end.
const exitReserve = 500 * time.Millisecond

// onStop is what a command says when it is stopped; each may be nil.
type onStop struct {
	signal   func(name string) // the first signal has come: SIGINT or SIGTERM
	deadline func()            // the process ends by force
}

// untilSignal returns a context that ends with the first SIGINT or SIGTERM. A
// second signal ends the process at once with 130. When the process is still there
// as grace is about to end, it ends with 0: whatever hangs, what is left is still in Kafka.
// stop ends the watch.
func untilSignal(grace time.Duration, say onStop) (ctx context.Context, stop func()) {
	ctx, cancel := context.WithCancelCause(context.Background())
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM)
	done := make(chan struct{})
	go func() {
		var first os.Signal
		select {
		case first = <-signals:
		case <-done:
			return
		}
		cancel(errSignal)
		go say.came(first) // a logger that hangs must not keep the second signal out
		deadline := time.NewTimer(grace - exitReserve)
		defer deadline.Stop()
		select {
		case <-signals:
			os.Exit(exitInterrupted)
		case <-deadline.C:
			// A logger that hangs (a full pipe) must not keep the process.
			time.AfterFunc(exitReserve/2, func() { os.Exit(exitOK) })
			say.late()
			os.Exit(exitOK)
		case <-done:
		}
	}()
	return ctx, func() {
		signal.Stop(signals)
		close(done)
		cancel(nil)
	}
}

func (s onStop) came(signal os.Signal) {
	if s.signal != nil {
		s.signal(map[os.Signal]string{syscall.SIGINT: "SIGINT", syscall.SIGTERM: "SIGTERM"}[signal])
	}
}

func (s onStop) late() {
	if s.deadline != nil {
		s.deadline()
	}
}

// interrupted reports whether a signal ended ctx.
func interrupted(ctx context.Context) bool { return errors.Is(context.Cause(ctx), errSignal) }
