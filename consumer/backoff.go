package consumer

import (
	"time"

	"github.com/cenkalti/backoff/v4"
)

// newBackOff returns the backoff of everything that is tried against brokers until it works: from 100 ms to 5 s.
func newBackOff() *backoff.ExponentialBackOff {
	return backoff.NewExponentialBackOff(
		backoff.WithInitialInterval(100*time.Millisecond),
		backoff.WithMaxInterval(5*time.Second),
		backoff.WithMaxElapsedTime(0),
	)
}
