package consumer

import (
	"time"

	"github.com/cenkalti/backoff/v4"
)

// newBackOff returns the backoff of what is tried against brokers until it works: from 100 ms to 5 s.
func newBackOff() *backoff.ExponentialBackOff { return newBackOffTo(5 * time.Second) }

// newReconnectBackOff returns the backoff of connecting to brokers that do not answer: from 100 ms to 1 s, as Kafka's own
// clients do (reconnect.backoff.max.ms). All leads wait for it when the brokers are back.
func newReconnectBackOff() *backoff.ExponentialBackOff { return newBackOffTo(time.Second) }

func newBackOffTo(longest time.Duration) *backoff.ExponentialBackOff {
	return backoff.NewExponentialBackOff(
		backoff.WithInitialInterval(100*time.Millisecond),
		backoff.WithMaxInterval(longest),
		backoff.WithMaxElapsedTime(0),
	)
}
