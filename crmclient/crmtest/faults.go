package crmtest

import "time"

// Faults is trouble that is injected: rates from 0 to 1 of the calls under
// /v1, and switches.
type Faults struct {
	FailBefore    float64 `json:"fail_before,omitzero"`     // 502, not applied
	ApplyThenFail float64 `json:"apply_then_fail,omitzero"` // applied, then 502
	ApplyLate     float64 `json:"apply_late,omitzero"`      // 502, applied up to late_by afterwards
	BatchTrickle  float64 `json:"batch_trickle,omitzero"`   // batches: 502, the items are applied one by one afterwards
	Hang          float64 `json:"hang,omitzero"`            // never answered; half of them applied up to late_by afterwards
	Reset         float64 `json:"reset,omitzero"`           // connection reset: a third unread, a third unapplied, a third applied
	Truncate      float64 `json:"truncate,omitzero"`        // applied, half of the answer's body
	HTML          float64 `json:"html,omitzero"`            // 502 with an HTML body; half of them applied
	Throttle      float64 `json:"throttle,omitzero"`        // 429, not applied
	BadKey        float64 `json:"bad_key,omitzero"`         // 401
	ItemError     float64 `json:"item_error,omitzero"`      // of the items of batches: an error of any code; half of them applied
	ItemMissing   float64 `json:"item_missing,omitzero"`    // of the items of batches: in neither map; half of them applied

	LateBy       Duration `json:"late_by,omitzero"`       // 2s when not given
	TrickleEvery Duration `json:"trickle_every,omitzero"` // 50ms when not given
	RetryAfter   int      `json:"retry_after,omitzero"`   // seconds, of injected 429s; 1 when not given

	LookupLag     Duration `json:"lookup_lag,omitzero"`     // a new contact is found only after it
	IgnoreFilters bool     `json:"ignore_filters,omitzero"` // look-ups answer with strangers
	Down          string   `json:"down,omitzero"`           // "close": connections are closed; "503": answered so

	// Contacts whose request contains the text, anywhere:
	Refuse   string `json:"refuse,omitzero"`   // 400 VALIDATION_ERROR
	Business string `json:"business,omitzero"` // 422 BITRIX_ERROR
	Forbid   string `json:"forbid,omitzero"`   // 403 BITRIX_ACCESS_DENIED
	Conflict string `json:"conflict,omitzero"` // 409 ALREADY_EXISTS
	Poison   string `json:"poison,omitzero"`   // 500 INTERNAL_ERROR, not applied

	Mandatory []string `json:"mandatory,omitempty"` // fields without which a contact is refused: 400 VALIDATION_ERROR
}

// Duration is a time.Duration that reads and writes as "1.5s".
type Duration time.Duration

// ParseFaults reads a JSON object of [Faults], or its short form
// "fail_before=0.05,lookup_lag=2s,ignore_filters,mandatory=post+companyId".
// The empty text means none. All faults of the text are told at once.
func ParseFaults(text string) (Faults, error) { return Faults{}, nil }

// SetFaults replaces the injected trouble.
func (s *Simulator) SetFaults(f Faults) error { return nil }

// Faults tells the injected trouble.
func (s *Simulator) Faults() Faults { return Faults{} }

// FaultsHelp explains the text that ParseFaults reads.
const FaultsHelp = ``
