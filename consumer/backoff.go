package consumer

import (
	"time"

	"github.com/cenkalti/backoff/v4"
)

// newBackOff returns the backoff for a request to brokers that is repeated until it succeeds: from 100 ms to 5 s.
func newBackOff() *backoff.ExponentialBackOff { return newBackOffTo(5 * time.Second) }

// newReconnectBackOff returns the backoff for connecting to brokers that do not answer: from 100 ms to 1 s, as in Kafka's
// own clients (reconnect.backoff.max.ms). It stays short because all leads wait for the connection.
func newReconnectBackOff() *backoff.ExponentialBackOff { return newBackOffTo(time.Second) }

func newBackOffTo(longest time.Duration) *backoff.ExponentialBackOff {
	return backoff.NewExponentialBackOff(
		backoff.WithInitialInterval(100*time.Millisecond),
		backoff.WithMaxInterval(longest),
		backoff.WithMaxElapsedTime(0), // no limit
	)
}
