// Package header names the headers of dead letters, for those who write letters
// and for those who read them.
package header

import (
	"slices"

	"github.com/leadbridge/leadbridge/transform"
)

// Prefix begins the names of all headers of ours.
const Prefix = "dlt-"

// The headers that are written anew each time that an event is dead-lettered.
const (
	Reason      = "dlt-reason"
	Status      = "dlt-status"
	Code        = "dlt-code"
	Message     = "dlt-message"
	Attempts    = "dlt-attempts"
	Flood       = "dlt-flood" // names the flood of refusals in which it was refused; missing without one
	FailedAt    = "dlt-failed-at"
	Version     = "dlt-version"
	Done        = "dlt-done"         // what exists in the CRM all the same, such as contact=2457; missing when nothing does
	OriginField = "dlt-origin-field" // the field of the CRM that carries our ids
	Value       = "dlt-value"        // Omitted when the broker refused the value, or it is over 4 MiB
	Headers     = "dlt-headers"      // Omitted when the broker refused the record's own headers, Cut when some were too long and are left out
	Key         = "dlt-key"          // Assigned when the broker refused the record's own key, or a letter without a key
)

// The values of the headers Value, Headers and Key.
const (
	Omitted  = "omitted"
	Cut      = "cut"
	Assigned = "assigned"
)

// The headers that stay the same when an event that was replayed is dead-lettered again.
const (
	Topic        = "dlt-original-topic"
	Partition    = "dlt-original-partition"
	Offset       = "dlt-original-offset"
	Timestamp    = "dlt-original-timestamp"
	EventID      = "dlt-event-id"
	FirstFailure = "dlt-first-failure"
	Replays      = "dlt-replays"
)

// The headers of markers: the records of the dead-letter topic that say what was done with a letter.
const (
	Marker    = "dlt-marker"
	MarkedAt  = "dlt-marked-at"
	MarkedWhy = "dlt-marked-why" // what the person wrote who closed the letter
)

// Text returns the last value of a header, "" when there is none: a later one replaces an earlier one.
func Text(headers []transform.Header, key string) string {
	for _, h := range slices.Backward(headers) {
		if h.Key == key {
			return string(h.Value)
		}
	}
	return ""
}
