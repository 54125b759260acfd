// Package header names the headers of dead letters, for those who write letters
// and for those who read them.
package header

import (
	"slices"

	"github.com/leadbridge/leadbridge/transform"
)

// Prefix begins the names of all headers of ours.
const Prefix = "dlt-"

// Written anew each time an event is dead-lettered.
const (
	Reason   = "dlt-reason"
	Status   = "dlt-status"
	Code     = "dlt-code"
	Message  = "dlt-message"
	Attempts = "dlt-attempts"
	FailedAt = "dlt-failed-at"
	Version  = "dlt-version"
	Way      = "dlt-origin-field" // the field that carries our ids in the CRM
	Value    = "dlt-value"        // Omitted when the broker refused the value
	Headers  = "dlt-headers"      // Omitted when the broker refused the record's own headers
	Key      = "dlt-key"          // Assigned when the broker refused the letter with the record's own key, or none
)

// What Value, Headers and Key say.
const (
	Omitted  = "omitted"
	Assigned = "assigned"
)

// Kept when an event that was replayed is dead-lettered again.
const (
	Topic        = "dlt-original-topic"
	Partition    = "dlt-original-partition"
	Offset       = "dlt-original-offset"
	Timestamp    = "dlt-original-timestamp"
	EventID      = "dlt-event-id"
	FirstFailure = "dlt-first-failure"
	Replays      = "dlt-replays"
)

// Of the records in the dead-letter topic that are no letters, but say what was
// done with one.
const (
	Marker   = "dlt-marker"
	MarkedAt = "dlt-marked-at"
)

// Text is the last value of a header: whoever adds one means it.
func Text(headers []transform.Header, key string) string {
	for _, h := range slices.Backward(headers) {
		if h.Key == key {
			return string(h.Value)
		}
	}
	return ""
}
