// Package wait waits for a time, a context or a channel, whichever of them comes first.
package wait

import (
	"context"
	"time"
)

// For waits for d. It returns ctx's error when ctx ends first, or has ended already.
func For(ctx context.Context, d time.Duration) error {
	if err := ctx.Err(); err != nil || d <= 0 {
		return err
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Within waits for c to be closed, at most for limit, and reports whether it is.
func Within(c <-chan struct{}, limit time.Duration) bool {
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-c:
		return true
	case <-timer.C:
		return false
	}
}

// Closed reports whether a channel on which nothing is sent is closed. A nil channel is not.
func Closed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}
