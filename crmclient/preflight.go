package crmclient

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// The levels of a [Finding].
const (
	levelOK   = "ok"
	levelWarn = "warn"
	levelFail = "fail"
)

// Preflight looks at the key, its scopes, the fields and the defaults
// (sourceID against the portal's statuses); fix makes the user field.
func (c *Creator) Preflight(ctx context.Context, sourceID string, fix bool) []Finding {
	f := &flight{c: c, ctx: ctx, job: &job{ctx: ctx}}
	if !f.me() {
		return f.findings
	}
	if p := f.fields(); p != nil {
		f.origin(p, fix)
	}
	f.source(sourceID)
	return f.findings
}

// flight is one preflight.
type flight struct {
	c        *Creator
	ctx      context.Context // of the one call that a flight is
	job      *job
	findings []Finding
}

func (f *flight) say(check, level, detail, remedy string) {
	f.findings = append(f.findings, Finding{Check: check, Level: level, Detail: detail, Remedy: remedy})
}

// failed tells what a failed call means in the words of its hold.
func (f *flight) failed(check string, o outcome) {
	detail := "no answer"
	if o.status != 0 {
		detail = http.StatusText(o.status)
	}
	if o.code != "" {
		detail += " (" + o.code + ")"
	}
	f.say(check, levelFail, detail, advice(fault{causeOf(o), o.status, o.code, o.retryAfter}))
}

func (f *flight) get(op, path string) outcome {
	return f.c.ask(f.ctx, f.job, call{op: op, method: http.MethodGet, path: path})
}

func (f *flight) me() bool {
	o := f.get(opMe, "/me")
	if notOffered(o) {
		f.say("crm key", levelWarn, "the portal does not describe the key", "Look whether CRM_BASE_URL is right.")
		return true
	}
	if o.class != classDone {
		f.failed("crm", o)
		return false
	}
	me := parseMe(o.data)
	f.say("crm", levelOK, "reached "+string(me.Portal), "")
	f.key(me)
	f.scopes(me)
	f.rate(me)
	return true
}

func (f *flight) key(me identity) {
	expires, err := time.Parse(time.RFC3339, string(me.ExpiresAt))
	_, token := f.c.wire.keys.current()
	switch {
	case me.Type != "personal" && me.Type != "oauth_app" && me.Type != "":
		f.say("crm key", levelFail, "type "+bounded(string(me.Type), 32), "Give a key that starts with vibe_api_ or vibe_app_ in CRM_API_KEY.")
	case me.Type == "oauth_app" && token == "":
		f.say("crm key", levelFail, "an app's key without a session", "Give the session in CRM_SESSION_TOKEN or CRM_SESSION_TOKEN_FILE.")
	case err == nil && time.Until(expires) < 7*24*time.Hour:
		f.say("crm key", levelWarn, "expires at "+expires.Format(time.RFC3339), "Give a new key in CRM_API_KEY before then; CRM_API_KEY_FILE is read again by itself.")
	default:
		f.say("crm key", levelOK, strings.TrimSpace("type "+bounded(string(me.Type), 32)), "")
	}
}

func (f *flight) scopes(me identity) {
	if len(me.Scopes) > 0 && !slices.Contains(me.Scopes, "crm") {
		f.say("crm scope", levelFail, "the key lacks the scope crm", "Give the key the scope crm in the portal.")
		return
	}
	f.say("crm scope", levelOK, "crm", "")
}

func (f *flight) rate(me identity) {
	told, set := float64(me.RateLimit.RequestsPerSecond), f.c.cfg.RequestsPerSecond
	if told > 0 && (set == 0 || set > told) {
		f.say("crm rate", levelWarn, "CRM_REQUESTS_PER_SECOND is over what the portal grants", "Set CRM_REQUESTS_PER_SECOND to auto.")
		return
	}
	f.say("crm rate", levelOK, "within what the portal grants", "")
}

func (f *flight) fields() *portal {
	o := f.c.ask(f.ctx, f.job, fieldsCall)
	if o.class != classDone {
		f.failed("crm fields", o)
		return nil
	}
	fields, err := parseFields(o.data)
	if err != nil {
		f.say("crm fields", levelFail, "the portal's answer lists no fields", "Look whether CRM_BASE_URL is right.")
		return nil
	}
	p := &portal{fields: fields}
	if missing := p.missing(); len(missing) > 0 {
		f.say("crm fields", levelWarn, "unknown to the portal: "+strings.Join(missing, ", "), "Nothing to do: their values are kept in the contact's comments.")
	} else {
		f.say("crm fields", levelOK, "the portal knows every field that we send", "")
	}
	return p
}

func (f *flight) origin(p *portal, fix bool) {
	const check = "crm origin field"
	w, o := f.c.findWay(f.ctx, f.job, p)
	switch {
	case o.code == codeFieldUnknown:
		f.say(check, levelFail, "the portal has no field "+f.c.cfg.OriginField+" that can be written", "Set CRM_ORIGIN_FIELD to auto, or to a field of GET /v1/contacts/fields.")
	case o.class != classDone:
		f.failed(check, o)
	case !w.tag():
		f.say(check, levelOK, w.String(), "")
	case f.c.cfg.OriginField == originNone:
		f.say(check, levelWarn, "none: events are found by phone or e-mail and a tag", "Set CRM_ORIGIN_FIELD to auto and run leadbridge check --fix for exact look-ups.")
	case fix:
		f.makeField(check)
	default:
		f.say(check, levelWarn, "the portal has no field for our id: events are found by phone or e-mail and a tag", "Run leadbridge check --fix to make the user field "+userFieldPrefix+ourUserField+".")
	}
}

// makeField makes the user field that carries our id.
func (f *flight) makeField(check string) {
	body, _ := json.Marshal(map[string]string{ // strings only: cannot fail
		"userTypeId": "string", "fieldName": ourUserField, "label": "leadbridge event", "showFilter": "Y",
	})
	o := f.c.ask(f.ctx, f.job, call{op: opUserFields, method: http.MethodPost, path: "/userfields/contacts", body: body})
	switch {
	case o.class == classDone:
		f.say(check, levelOK, "made "+userFieldPrefix+ourUserField, "")
	case o.class == classCredentials:
		f.say(check, levelWarn, "the key may not make user fields: events are found by phone or e-mail and a tag", "Let an administrator of the portal make the contact field "+userFieldPrefix+ourUserField+" (a string), or give the key that right.")
	default:
		f.failed(check, o)
	}
}

// source compares the default source with what the portal has.
func (f *flight) source(id string) {
	const check = "crm source"
	if id == "" {
		return
	}
	o := f.get(opStatuses, "/statuses?"+url.Values{"filter[entityId]": {"SOURCE"}}.Encode())
	if notOffered(o) {
		f.say(check, levelWarn, "the portal lists no sources", "Look in the portal whether SOURCE_ID is one of its sources.")
		return
	}
	if o.class != classDone {
		f.failed(check, o)
		return
	}
	var known []string
	for _, raw := range rowsOf(o.data) {
		r := row(raw)
		if entity := r.text("entityId"); entity == "" || entity == "SOURCE" {
			known = append(known, r.text("statusId"))
		}
	}
	if slices.Contains(known, id) {
		f.say(check, levelOK, "SOURCE_ID "+id, "")
		return
	}
	f.say(check, levelFail, "the portal has no source "+id, "Set SOURCE_ID to one of: "+strings.Join(known, ", ")+".")
}
