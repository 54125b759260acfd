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

// untilSignal returns a context that ends with the first SIGINT or SIGTERM. A
// second signal ends the process at once with 130. When the process is still there
// as grace is about to end, atDeadline is called and then the process ends with 0:
// whatever hangs, what is left is still in Kafka. stop ends the watch.
func untilSignal(grace time.Duration, atDeadline func()) (ctx context.Context, stop func()) {
	ctx, cancel := context.WithCancelCause(context.Background())
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM)
	done := make(chan struct{})
	go func() {
		select {
		case <-signals:
		case <-done:
			return
		}
		cancel(errSignal)
		deadline := time.NewTimer(grace - exitReserve)
		defer deadline.Stop()
		select {
		case <-signals:
			os.Exit(exitInterrupted)
		case <-deadline.C:
			// A logger that hangs (a full pipe) must not keep the process.
			time.AfterFunc(exitReserve/2, func() { os.Exit(exitOK) })
			atDeadline()
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

// interrupted reports whether a signal ended ctx.
func interrupted(ctx context.Context) bool { return errors.Is(context.Cause(ctx), errSignal) }
