package consumer

import (
	"errors"

	"github.com/leadbridge/leadbridge/crmclient"
	"github.com/leadbridge/leadbridge/transform"
)

// reasonProcessingFailed stands for a fault of ours, neither the CRM's nor the event's.
const reasonProcessingFailed = "PROCESSING_FAILED"

// Reasons returns all reasons that a dead letter may have, as in the header dlt-reason.
func Reasons() []string {
	return []string{
		string(transform.ReasonMalformed), string(transform.ReasonMappingFailed), string(transform.ReasonNoContactPoint), string(transform.ReasonTooLarge),
		string(crmclient.ReasonRefused), string(crmclient.ReasonRetriesExhausted), string(crmclient.ReasonManyMatches), reasonProcessingFailed,
	}
}

// A rejection is why an event never becomes a contact, as its dead letter says it.
type rejection struct {
	reason   string
	status   int    // of the CRM's answer; 0 when the CRM was not asked
	code     string // of the CRM's answer
	message  string // of the CRM or ours; it may hold personal data
	attempts int    // creates that were sent
	flood    string // names the flood in which the event was refused; "" for none
	done     string // what exists in the CRM all the same, as in the header dlt-done; "" for nothing
}

// rejectedByTransform returns the rejection for an error of transform; nil for nil.
func rejectedByTransform(err error) *rejection {
	if err == nil {
		return nil
	}
	if r, ok := errors.AsType[*transform.Rejection](err); ok {
		return &rejection{reason: string(r.Reason), message: r.Message}
	}
	return &rejection{reason: reasonProcessingFailed, message: "the event could not be transformed"}
}

// refusedByCRM returns the rejection of an event that the CRM refused, or that failed too often.
func refusedByCRM(r *crmclient.Rejection) *rejection {
	return &rejection{reason: string(r.Reason), status: r.Status, code: r.Code, message: r.Message, attempts: r.Attempts, flood: r.Flood, done: r.Done.String()}
}

// internalFailure is the failure of an event whose processing panicked.
func internalFailure() *rejection {
	return &rejection{
		reason:  reasonProcessingFailed,
		message: "an internal error: please report it with this event",
	}
}
