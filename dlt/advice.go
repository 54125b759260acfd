package dlt

import (
	"bytes"

	"github.com/leadbridge/leadbridge/transform"
)

// Advice returns what to do about a letter, in one or two sentences.
func (l Letter) Advice() string {
	switch l.State {
	case StateReplayed:
		return "Nothing: it was replayed, and a new letter would say that it failed again."
	case StateClosed:
		return "Nothing: somebody has seen it and closed it. A replay that names it puts it back all the same."
	case StateErased:
		return "Nothing: it was erased, and is never replayed; retention deletes its bytes."
	}
	if l.Reason == string(transform.ReasonMappingFailed) && bytes.Contains(l.Value, []byte(`"`+transform.AttributeUnmapped+`":`)) {
		return "The mapping of its source in the gate failed: correct that for what comes, and replay this one with del(.mappingfailed) and its data as the mapping should make them (--edit)."
	}
	return adviceFor(l.Reason)
}

// adviceFor returns what to do about open letters of a reason.
func adviceFor(reason string) string {
	switch reason {
	case string(transform.ReasonMalformed):
		return "Correct the producer, or map what it sends (MAPPING_FILE); then replay it, or correct its value by --edit if it is JSON."
	case string(transform.ReasonMappingFailed):
		return "Correct the mapping program (leadbridge map tries it), restart the service with it, then replay it."
	case string(transform.ReasonNoContactPoint):
		return "Nothing can reach this person: ask the form for a phone or an e-mail address, or give one by --edit and replay it."
	case string(transform.ReasonTooLarge):
		return "Correct the producer: such an event fails again, unless --edit makes it smaller."
	case "CRM_REFUSED":
		return "Correct the value (--edit) or the portal's rules by the CRM's words above, then replay it."
	case "RETRIES_EXHAUSTED":
		return "It failed while others passed: see the CRM's words above, correct what they name, then replay it."
	case "MANY_MATCHES":
		return "Several contacts may be its person: merge them in the portal, or set CRM_MATCH_MANY, then replay it."
	case "PROCESSING_FAILED":
		return "A bug in leadbridge: report it with this event, then replay it with a version that fixes it."
	case "":
		return "The record is not a letter of leadbridge: look at who writes to this topic."
	}
	return "Look at the CRM's words above, correct what they name, then replay it."
}
