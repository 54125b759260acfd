package crmtest

import (
	"cmp"
	"net/http"
	"slices"
	"strings"
	"time"
)

// The values of LateBy and TrickleEvery if Faults do not give them.
const (
	defaultLateBy       = 2 * time.Second
	defaultTrickleEvery = 50 * time.Millisecond
)

// htmlPage is an answer as a proxy in front of the CRM might give it.
const htmlPage = "<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>"

// downAction returns the action for all calls while the portal is down.
func downAction(how string) Action {
	if how == downClose {
		return Action{End: Close}
	}
	return Action{Status: http.StatusServiceUnavailable, Body: "Service Unavailable\n", Header: plainText()}
}

func plainText() http.Header { return http.Header{"Content-Type": {"text/plain; charset=utf-8"}} }

// trouble draws the faults that hit a call, if any, and returns the action for it.
func (s *Simulator) trouble(p *plan) Action {
	s.mu.Lock()
	defer s.mu.Unlock()
	name := s.draw(s.faults.callRates())
	if name == "batch_trickle" && !p.batch {
		name = ""
	}
	if name != "" {
		s.stats.Faults[name]++
	}
	act := s.actionFor(name)
	if p.batch && name == "" {
		act.Items = s.itemTrouble(p)
	}
	return act
}

// draw picks at most one of the faults at random; "": none.
func (s *Simulator) draw(rates []rate) string {
	at := s.random.Float64()
	for _, r := range rates {
		if at < r.value {
			return r.name
		}
		at -= r.value
	}
	return ""
}

// actionFor returns the action for a fault of whole calls.
func (s *Simulator) actionFor(name string) Action {
	unavailable := Action{Status: http.StatusBadGateway, Code: "BITRIX_UNAVAILABLE", Message: "Bitrix24 did not answer in time"}
	switch name {
	case "fail_before":
		return unavailable
	case "apply_then_fail":
		unavailable.Apply = Now
		return unavailable
	case "apply_late":
		unavailable.Apply, unavailable.After = Late, s.delay()
		return unavailable
	case "batch_trickle":
		unavailable.Apply = Trickle
		unavailable.After = cmp.Or(time.Duration(s.faults.TrickleEvery), defaultTrickleEvery)
		return unavailable
	case "hang":
		return Action{End: Hang, Apply: s.either(Late, Never), After: s.delay()}
	case "reset":
		return Action{End: Reset, Apply: s.either(Now, Never)}
	case "truncate":
		return Action{End: Truncate, Apply: Now}
	case "html":
		return Action{Status: http.StatusBadGateway, Body: htmlPage, Apply: s.either(Now, Never),
			Header: http.Header{"Content-Type": {"text/html; charset=utf-8"}}}
	case "throttle":
		return Action{Status: http.StatusTooManyRequests, Code: "RATE_LIMITED", Message: "Too many requests",
			RetryAfter: max(1, s.faults.RetryAfter)}
	case "bad_key":
		return Action{Status: http.StatusUnauthorized, Code: "INVALID_API_KEY", Message: "The API key is not valid"}
	}
	return Action{}
}

// delay returns a random duration up to late_by.
func (s *Simulator) delay() time.Duration {
	most := cmp.Or(time.Duration(s.faults.LateBy), defaultLateBy)
	return time.Duration(s.random.Int64N(int64(most))) + 1
}

func (s *Simulator) either(a, b Apply) Apply {
	if s.random.IntN(2) == 0 {
		return a
	}
	return b
}

// itemCodes returns the errors with which an item may fail. An item whose code means that it was not
// applied is never applied.
func itemCodes() []ItemError {
	return []ItemError{
		{Code: "BITRIX_UNAVAILABLE", Message: "Bitrix24 did not answer in time"},
		{Code: "INTERNAL_ERROR", Message: "Internal error"},
		{Code: "QUEUE_TIMEOUT", Message: "The portal's request queue is full"},
		{Code: "OPERATION_TIME_LIMIT", Message: "Method is blocked due to operation time limit"},
		{Code: "RATE_LIMITED", Message: "Too many requests", Skip: true},
		{Code: "SCOPE_NOT_ALLOWED", Message: "Scope not allowed", Skip: true},
		{Code: "BITRIX_ERROR", Message: "Business rule failed", Skip: true},
		{Code: "VALIDATION_ERROR", Message: "Validation failed", Skip: true},
	}
}

// itemTrouble draws the faults that hit the calls of a batch.
func (s *Simulator) itemTrouble(p *plan) map[string]ItemError {
	if s.faults.ItemError == 0 && s.faults.ItemMissing == 0 {
		return nil
	}
	var fates map[string]ItemError
	for _, it := range p.items {
		name := s.draw(s.faults.itemRates())
		if name == "" || it.do == nil {
			continue
		}
		var fate ItemError
		if name == "item_error" {
			codes := itemCodes()
			fate = codes[s.random.IntN(len(codes))]
		}
		fate.Skip = fate.Skip || s.random.IntN(2) == 0
		s.stats.Faults[name]++
		if fates == nil {
			fates = map[string]ItemError{}
		}
		fates[it.id] = fate
	}
	return fates
}

// validate refuses an object before the portal sees it.
func (f *Faults) validate(entity string, values []fieldValue) *failure {
	for _, name := range f.mandatoryOf(entity) {
		key := fieldKey(name)
		if !slices.ContainsFunc(values, func(v fieldValue) bool { return fieldKey(v.name) == key && v.raw != "" && v.raw != `""` }) {
			return &failure{Status: http.StatusBadRequest, Code: "VALIDATION_ERROR", Message: "Field " + name + " is required", fault: "mandatory"}
		}
	}
	if carries(values, f.Refuse) {
		return &failure{Status: http.StatusBadRequest, Code: "VALIDATION_ERROR", Message: "The contact is not valid", fault: "refuse"}
	}
	return nil
}

// rule refuses an object on the portal.
func (f *Faults) rule(values []fieldValue) *failure {
	switch {
	case carries(values, f.Business):
		return &failure{Status: http.StatusUnprocessableEntity, Code: "BITRIX_ERROR", Message: "A business rule of the portal refused it", fault: "business"}
	case carries(values, f.Forbid):
		return &failure{Status: http.StatusForbidden, Code: "BITRIX_ACCESS_DENIED", Message: "Access denied", fault: "forbid"}
	case carries(values, f.Conflict):
		return &failure{Status: http.StatusConflict, Code: "ALREADY_EXISTS", Message: "The contact exists already", fault: "conflict"}
	case carries(values, f.Poison):
		return &failure{Status: http.StatusInternalServerError, Code: "INTERNAL_ERROR", Message: "Internal error", fault: "poison"}
	}
	return nil
}

// carries reports whether a value contains the marker. No value contains an empty one.
func carries(values []fieldValue, marker string) bool {
	return marker != "" && slices.ContainsFunc(values, func(v fieldValue) bool {
		return strings.Contains(v.raw, marker) || strings.Contains(unquote(v.raw), marker)
	})
}
