package dlt

import (
	"bytes"

	"github.com/leadbridge/leadbridge/internal/phrase"
	"github.com/leadbridge/leadbridge/transform"
)

// Advice returns what to do about a letter, in one or two sentences.
func (l Letter) Advice() phrase.Text {
	switch l.State {
	case StateReplayed:
		return phrase.New("letter_replayed", "Nothing: it was replayed, and a new letter would say that it failed again.")
	case StateClosed:
		return phrase.New("letter_closed", "Nothing: somebody has seen it and closed it. A replay that names it puts it back all the same.")
	case StateErased:
		return phrase.New("letter_erased", "Nothing: it was erased, and is never replayed; retention deletes its bytes.")
	}
	if l.Reason == string(transform.ReasonMappingFailed) && bytes.Contains(l.Value, []byte(`"`+transform.AttributeUnmapped+`":`)) {
		return phrase.New("letter_gate_mapping", "The mapping of its source in the gate failed: correct that for what comes, and replay this one with del(.mappingfailed) and its data as the mapping should make them (--edit).")
	}
	return adviceFor(l.Reason)
}

// adviceFor returns what to do about open letters of a reason.
func adviceFor(reason string) phrase.Text {
	switch reason {
	case string(transform.ReasonMalformed):
		return phrase.New("letter_malformed", "Correct the producer, or map what it sends (MAPPING_FILE); then replay it, or correct its value by --edit if it is JSON.")
	case string(transform.ReasonMappingFailed):
		return phrase.New("letter_mapping_failed", "Correct the mapping program (leadbridge map tries it), restart the service with it, then replay it.")
	case string(transform.ReasonNoContactPoint):
		return phrase.New("letter_no_contact_point", "Nothing can reach this person: ask the form for a phone or an e-mail address, or give one by --edit and replay it.")
	case string(transform.ReasonTooLarge):
		return phrase.New("letter_too_large", "Correct the producer: such an event fails again, unless --edit makes it smaller.")
	case "CRM_REFUSED":
		return phrase.New("letter_refused", "Correct the value (--edit) or the portal's rules by the CRM's words above, then replay it.")
	case "RETRIES_EXHAUSTED":
		return phrase.New("letter_retries_exhausted", "It failed while others passed: see the CRM's words above, correct what they name, then replay it.")
	case "MANY_MATCHES":
		return phrase.New("letter_many_matches", "Several contacts may be its person: merge them in the portal, or set CRM_MATCH_MANY, then replay it.")
	case "PROCESSING_FAILED":
		return phrase.New("letter_processing_failed", "A bug in leadbridge: report it with this event, then replay it with a version that fixes it.")
	case "":
		return phrase.New("letter_not_ours", "The record is not a letter of leadbridge: look at who writes to this topic.")
	}
	return phrase.New("letter_other_reason", "Look at the CRM's words above, correct what they name, then replay it.")
}
