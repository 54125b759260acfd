package cluster

import (
	"errors"

	"github.com/segmentio/kafka-go"
)

// TooLarge reports whether a broker refused a batch for its size.
func TooLarge(err error) bool {
	return IsOneOf(err, kafka.MessageSizeTooLarge, kafka.RecordListTooLarge)
}

// RefusesRecord reports whether a broker will never take the batch as it is, whoever sends it and however often.
func RefusesRecord(err error) bool {
	return TooLarge(err) || IsOneOf(err, kafka.InvalidRecord, kafka.PolicyViolation)
}

// TooFewReplicas reports whether a broker refused a batch because fewer replicas of the topic are in sync than its
// min.insync.replicas.
func TooFewReplicas(err error) bool {
	return IsOneOf(err, kafka.NotEnoughReplicas, kafka.NotEnoughReplicasAfterAppend)
}

// IsOneOf reports whether err is one of the brokers' error codes.
func IsOneOf(err error, codes ...kafka.Error) bool {
	for _, code := range codes {
		if errors.Is(err, code) {
			return true
		}
	}
	return false
}
