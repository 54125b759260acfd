package crmtest

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Values of Faults.Down.
const (
	downClose = "close"
	down503   = "503"
)

// Faults is the trouble that is injected: rates, from 0 to 1, of the calls under
// /v1, and switches.
type Faults struct {
	FailBefore    float64 `json:"fail_before,omitzero"`     // 502, not applied
	ApplyThenFail float64 `json:"apply_then_fail,omitzero"` // applied, then 502
	ApplyLate     float64 `json:"apply_late,omitzero"`      // 502, applied up to late_by afterwards
	BatchTrickle  float64 `json:"batch_trickle,omitzero"`   // batches: 502, the items are applied one by one afterwards
	Hang          float64 `json:"hang,omitzero"`            // never answered; half of them applied up to late_by afterwards
	Reset         float64 `json:"reset,omitzero"`           // connection reset instead of an answer; half of them applied
	Truncate      float64 `json:"truncate,omitzero"`        // applied, half of the answer's body
	HTML          float64 `json:"html,omitzero"`            // 502 with an HTML body; half of them applied
	Throttle      float64 `json:"throttle,omitzero"`        // 429, not applied
	BadKey        float64 `json:"bad_key,omitzero"`         // 401
	ItemError     float64 `json:"item_error,omitzero"`      // of the items of batches: an error of any code; half of them applied
	ItemMissing   float64 `json:"item_missing,omitzero"`    // of the items of batches: neither in results nor in errors; half of them applied

	LateBy       Duration `json:"late_by,omitzero"`       // 2s when not given
	TrickleEvery Duration `json:"trickle_every,omitzero"` // 50ms when not given
	RetryAfter   int      `json:"retry_after,omitzero"`   // seconds, of injected 429s; 1 when not given

	LookupLag     Duration `json:"lookup_lag,omitzero"`     // how long a new object is not found
	IgnoreFilters bool     `json:"ignore_filters,omitzero"` // look-ups return objects that were not asked for
	Blind         []string `json:"blind,omitempty"`         // fields or operators by which look-ups silently find nothing
	Down          string   `json:"down,omitzero"`           // "close": connections are closed; "503": answered so

	// Objects whose request contains the text, anywhere:
	Refuse   string `json:"refuse,omitzero"`   // 400 VALIDATION_ERROR
	Business string `json:"business,omitzero"` // 422 BITRIX_ERROR
	Forbid   string `json:"forbid,omitzero"`   // 403 BITRIX_ACCESS_DENIED
	Conflict string `json:"conflict,omitzero"` // 409 ALREADY_EXISTS
	Poison   string `json:"poison,omitzero"`   // 500 INTERNAL_ERROR, not applied

	// Fields without which an object is refused: 400 VALIDATION_ERROR. Fields of contacts are named as
	// they are, others with their kind: leads.title.
	Mandatory []string `json:"mandatory,omitempty"`
	Forbidden []string `json:"forbidden,omitempty"` // kinds of objects that the key has no rights to: 403 BITRIX_ACCESS_DENIED
	Revoked   []string `json:"revoked,omitempty"`   // keys that are no longer valid: 401 INVALID_API_KEY
}

// Duration is a time.Duration whose text form is "1.5s".
type Duration time.Duration

// String returns the form that time.ParseDuration reads.
func (d Duration) String() string { return time.Duration(d).String() }

// MarshalText is the inverse of UnmarshalText.
func (d Duration) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads "1.5s".
func (d *Duration) UnmarshalText(text []byte) error {
	v, err := time.ParseDuration(string(text))
	if err != nil {
		return fmt.Errorf("no duration such as 500ms or 2s: %w", err)
	}
	*d = Duration(v)
	return nil
}

// SetFaults replaces the injected trouble.
func (s *Simulator) SetFaults(f Faults) error {
	if err := f.check(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = f
	return nil
}

// Faults returns the trouble that is injected.
func (s *Simulator) Faults() Faults {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.faults
}

// rate is the part of calls that a fault hits.
type rate struct {
	name  string
	value float64
}

// callRates returns the rates of faults of whole calls. At most one fault hits a call.
func (f *Faults) callRates() []rate {
	return []rate{
		{"fail_before", f.FailBefore}, {"apply_then_fail", f.ApplyThenFail}, {"apply_late", f.ApplyLate},
		{"batch_trickle", f.BatchTrickle}, {"hang", f.Hang}, {"reset", f.Reset}, {"truncate", f.Truncate},
		{"html", f.HTML}, {"throttle", f.Throttle}, {"bad_key", f.BadKey},
	}
}

// itemRates returns the rates of faults of the calls of a batch.
func (f *Faults) itemRates() []rate {
	return []rate{{"item_error", f.ItemError}, {"item_missing", f.ItemMissing}}
}

func (f *Faults) check() error {
	var errs []error
	for _, group := range [][]rate{f.callRates(), f.itemRates()} {
		sum := 0.0
		for _, r := range group {
			if !(r.value >= 0 && r.value <= 1) { // also true for NaN
				errs = append(errs, fmt.Errorf("%s: a rate is from 0 to 1, not %v", r.name, r.value))
			}
			sum += r.value
		}
		if sum > 1+1e-9 {
			errs = append(errs, fmt.Errorf("the rates make %v together, more than 1", sum))
		}
	}
	if !slices.Contains([]string{"", downClose, down503}, f.Down) {
		errs = append(errs, fmt.Errorf("down: %q is neither %s nor %s", f.Down, downClose, down503))
	}
	for _, kind := range f.Forbidden {
		if !slices.Contains(entities(), kind) {
			errs = append(errs, fmt.Errorf("forbidden: %q is none of %v", kind, entities()))
		}
	}
	if f.LateBy < 0 || f.TrickleEvery < 0 || f.LookupLag < 0 || f.RetryAfter < 0 {
		errs = append(errs, errors.New("late_by, trickle_every, lookup_lag and retry_after are not negative"))
	}
	return errors.Join(errs...)
}

// mandatoryOf returns the fields without which an object of a kind is refused.
func (f *Faults) mandatoryOf(entity string) (names []string) {
	for _, name := range f.Mandatory {
		kind, field, namesKind := strings.Cut(name, ".")
		switch {
		case !namesKind && entity == Contacts:
			names = append(names, name)
		case namesKind && kind == entity:
			names = append(names, field)
		}
	}
	return names
}

// blindTo reports whether the portal accepts a condition but finds nothing by it.
func (f *Faults) blindTo(c condition) bool {
	return slices.ContainsFunc(f.Blind, func(name string) bool { return name == c.op || fieldKey(name) == c.field.key })
}
