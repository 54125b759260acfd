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

// exitReserve is how long before the end of the grace the process is ended by force,
// so that it is gone when the grace is over.
const exitReserve = 500 * time.Millisecond

// onStop holds what is called when a command is stopped, to log it; each may be nil.
type onStop struct {
	signal   func(name string) // called after the first signal: SIGINT or SIGTERM
	deadline func()            // called before the process ends by force
	code     int               // the exit code of a process that ends by force
}

// untilSignal returns a context that ends with the first SIGINT or SIGTERM. A
// second signal ends the process at once, with exit code 130. When grace is nearly over and the process
// has not ended, it is ended with call.code: something hangs. The code is 0 where what was not finished is still in Kafka.
// stop restores the usual effect of signals.
func untilSignal(grace time.Duration, call onStop) (ctx context.Context, stop func()) {
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
		go call.onSignal(first) // a log that blocks must not keep the second signal from being seen
		deadline := time.NewTimer(grace - exitReserve)
		defer deadline.Stop()
		select {
		case <-signals:
			os.Exit(exitInterrupted)
		case <-deadline.C:
			// A log that blocks, as a full pipe does, must not keep the process alive.
			time.AfterFunc(exitReserve/2, func() { os.Exit(call.code) })
			call.onDeadline()
			os.Exit(call.code)
		case <-done:
		}
	}()
	return ctx, func() {
		signal.Stop(signals)
		close(done)
		cancel(nil)
	}
}

func (s onStop) onSignal(signal os.Signal) {
	if s.signal != nil {
		s.signal(map[os.Signal]string{syscall.SIGINT: "SIGINT", syscall.SIGTERM: "SIGTERM"}[signal])
	}
}

func (s onStop) onDeadline() {
	if s.deadline != nil {
		s.deadline()
	}
}

// interrupted reports whether a signal ended ctx.
func interrupted(ctx context.Context) bool { return errors.Is(context.Cause(ctx), errSignal) }
