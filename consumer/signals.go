package consumer

import "time"

// signal wakes the one goroutine that receives from flag, a channel of capacity 1. Signals that it has not received yet
// are one.
func signal(flag chan struct{}) {
	select {
	case flag <- struct{}{}:
	default:
	}
}

// isClosed reports whether a channel on which nothing is sent is closed. A nil channel is not.
func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// isClosedWithin waits for c to be closed, at most for limit, and reports whether it is.
func isClosedWithin(c <-chan struct{}, limit time.Duration) bool {
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-c:
		return true
	case <-timer.C:
		return false
	}
}
