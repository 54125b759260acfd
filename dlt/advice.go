package dlt

import "github.com/leadbridge/leadbridge/transform"

// Advice says what to do about a letter, in a sentence.
func (l Letter) Advice() string {
	switch l.State {
	case StateReplayed:
		return "Nothing: it was replayed, and a new letter would say that it failed again."
	case StateErased:
		return "Nothing: it was erased, and is never replayed; retention deletes its bytes."
	}
	return adviceFor(l.Reason)
}

// adviceFor says what to do about open letters of a reason.
func adviceFor(reason string) string {
	switch reason {
	case string(transform.ReasonMalformed):
		return "Correct the producer, or map what it sends (MAPPING_FILE); then replay it, or mend its value by --edit if it is JSON."
	case string(transform.ReasonMappingFailed):
		return "Correct the mapping program (leadbridge map tries it), restart the service with it, then replay it."
	case string(transform.ReasonNoContactPoint):
		return "Nothing can reach this person: ask the form for a phone or an e-mail address, or give one by --edit and replay it."
	case string(transform.ReasonTooLarge):
		return "Correct the producer: such an event fails again, unless --edit makes it smaller."
	case "CRM_REFUSED":
		return "Correct the value (--edit) or the portal's rules by the CRM's words above, then replay it."
	case "RETRIES_EXHAUSTED":
		return "It failed while others passed: see the CRM's words above, mend what they name, then replay it."
	case "PROCESSING_FAILED":
		return "A fault of leadbridge: report it with this event, then replay it with a version that mends it."
	case "":
		return "The record is no letter of leadbridge: look at who writes to this topic."
	}
	return "Look at the CRM's words above, mend what they name, then replay it."
}
