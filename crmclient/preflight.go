package crmclient

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/leadbridge/leadbridge/crmclient/internal/vibe"
)

// The levels of a [Finding].
const (
	levelOK   = "ok"
	levelWarn = "warn"
	levelFail = "fail"
)

// Preflight checks the key, its scopes, the portal's fields and the settings, such as whether
// sourceID is a source of the portal. With fix it makes the user fields that are missing.
func (c *Creator) Preflight(ctx context.Context, sourceID string, fix bool) []Finding {
	f := &preflight{c: c, ctx: ctx, request: &request{leaving: &leaving{}}}
	if !f.me() {
		return f.findings
	}
	for _, entity := range c.cfg.Target.entities() {
		f.entity = entity
		if fields, ok := f.fields(); ok {
			f.origin(fields, fix)
			f.lookUps(fields)
			if entity != vibe.Deals { // tracking fields are written to contacts and leads only
				f.tracking(fields, fix)
			}
		}
	}
	f.source(sourceID)
	f.directories()
	f.match()
	f.comments()
	return f.findings
}

// preflight is one run of Preflight.
type preflight struct {
	c        *Creator
	ctx      context.Context // of the call of Preflight
	request  *request
	entity   vibe.Entity // the kind that is being checked
	findings []Finding
}

// of returns the name of a check, with the kind of object that is being checked unless it is contacts.
func (f *preflight) of(check string) string {
	if f.entity == vibe.Contacts {
		return check
	}
	return check + " of " + string(f.entity)
}

// say adds a finding.
func (f *preflight) say(check, level, detail, remedy string) {
	f.findings = append(f.findings, Finding{Check: check, Level: level, Detail: detail, Remedy: remedy})
}

// failed adds the finding that a call failed. Its remedy is the advice of the hold that such a failure would begin.
func (f *preflight) failed(check string, o vibe.Outcome) {
	detail := "no answer"
	if o.Status != 0 {
		detail = http.StatusText(o.Status)
	}
	if o.Code != "" {
		detail += " (" + o.Code + ")"
	}
	f.say(check, levelFail, detail, advice(faultOf(o)).String())
}

func (f *preflight) ask(c vibe.Call) vibe.Outcome { return f.c.do(f.ctx, f.request, c) }

// me checks the key. It reports whether further checks make sense.
func (f *preflight) me() bool {
	o := f.ask(vibe.Me())
	if o.NotOffered() {
		f.say("crm key", levelWarn, "the portal does not describe the key", "Look whether CRM_BASE_URL is right.")
		return true
	}
	if o.Class != vibe.Done {
		f.failed("crm", o)
		return false
	}
	me := o.Me()
	f.say("crm", levelOK, "reached "+me.Portal, "")
	f.key(me)
	f.scopes(me)
	f.rate(me)
	return true
}

func (f *preflight) key(me vibe.Identity) {
	switch {
	case me.Type != "personal" && me.Type != "oauth_app" && me.Type != "":
		f.say("crm key", levelFail, "type "+me.Type, "Give a key that starts with vibe_api_ or vibe_app_ in CRM_API_KEY.")
	case me.Type == "oauth_app" && !f.c.client.HasSession():
		f.say("crm key", levelFail, "an app's key without a session", "Give the session in CRM_SESSION_TOKEN or CRM_SESSION_TOKEN_FILE.")
	case !me.ExpiresAt.IsZero() && time.Until(me.ExpiresAt) < 7*24*time.Hour:
		f.say("crm key", levelWarn, "expires at "+me.ExpiresAt.Format(time.RFC3339), "Give a new key in CRM_API_KEY before then; CRM_API_KEY_FILE is read again by itself.")
	default:
		f.say("crm key", levelOK, strings.TrimSpace("type "+me.Type), "")
	}
}

func (f *preflight) scopes(me vibe.Identity) {
	if len(me.Scopes) > 0 && !slices.Contains(me.Scopes, "crm") {
		f.say("crm scope", levelFail, "the key lacks the scope crm", "Give the key the scope crm in the portal.")
		return
	}
	f.say("crm scope", levelOK, "crm", "")
}

func (f *preflight) rate(me vibe.Identity) {
	told, set := me.RequestsPerSecond, f.c.cfg.RequestsPerSecond
	if told > 0 && (set == 0 || set > told) {
		f.say("crm rate", levelWarn, "CRM_REQUESTS_PER_SECOND is over what the portal grants", "Set CRM_REQUESTS_PER_SECOND to auto.")
		return
	}
	f.say("crm rate", levelOK, "within what the portal grants", "")
}

func (f *preflight) fields() (fields vibe.Fields, ok bool) {
	check := f.of("crm fields")
	o := f.ask(vibe.ListFields(f.entity))
	if o.Class != vibe.Done {
		f.failed(check, o)
		return vibe.Fields{}, false
	}
	fields, err := o.Fields()
	if err != nil {
		f.say(check, levelFail, "the portal's answer lists no fields", "Look whether CRM_BASE_URL is right.")
		return vibe.Fields{}, false
	}
	missing := fields.Missing(f.entity)
	switch {
	case slices.Contains(missing, "contactId"):
		f.say(check, levelFail, "the portal takes no contactId of a deal: a deal would have no contact", "Set CRM_TARGET to contact or lead.")
	case len(missing) > 0:
		f.say(check, levelWarn, "unknown to the portal: "+strings.Join(missing, ", "), "Nothing to do: their values are kept in the comments.")
	default:
		f.say(check, levelOK, "the portal knows every field that we send", "")
	}
	return fields, true
}

func (f *preflight) origin(fields vibe.Fields, fix bool) {
	check := f.of("crm origin field")
	w, o := f.c.chooseIDField(f.ctx, f.request, f.entity, fields)
	switch {
	case o.Code == codeFieldUnknown:
		f.say(check, levelFail, "the portal has no field "+f.c.cfg.OriginField+" that can be written", "Set CRM_ORIGIN_FIELD to auto, or to a field of GET /v1/"+string(f.entity)+"/fields.")
	case o.Class != vibe.Done:
		f.failed(check, o)
	case !w.IsTag():
		f.say(check, levelOK, w.String(), "")
	case f.c.cfg.OriginField == originNone:
		f.say(check, levelWarn, "none: events are found by phone or e-mail and a tag", "Set CRM_ORIGIN_FIELD to auto and run leadbridge check --fix for exact look-ups.")
	case fix:
		f.makeField(check)
	default:
		f.say(check, levelWarn, "the portal has no field for our id: events are found by phone or e-mail and a tag", "Run leadbridge check --fix to make the user field "+vibe.UserFieldPrefix+ourUserField+".")
	}
}

// lookUps checks whether look-ups find objects of ours, if the portal lists any. It adds a finding only if they find none.
func (f *preflight) lookUps(fields vibe.Fields) {
	field, o := f.c.chooseIDField(f.ctx, f.request, f.entity, fields)
	if o.Class != vibe.Done {
		return
	}
	l := &lookUp{Creator: f.c, idLocation: idLocation{f.entity, field}}
	page, ok := f.ask(vibe.Search(f.entity, vibe.Filter{}, l.readable(), vibe.PageLimit)).Page()
	if !ok {
		return
	}
	missedBy := ""
	for _, k := range l.oursAmong(page.Rows) {
		found, ok := f.ask(vibe.Search(f.entity, k.filter, field.Select(), vibe.PageLimit)).Page()
		if !ok || found.MayLack(vibe.PageLimit) {
			continue
		}
		if slices.ContainsFunc(found.Rows, func(row vibe.Row) bool {
			_, marks := field.Identify(row)
			return field.Carries(marks, f.c.cfg.Originator, k.origin)
		}) {
			return
		}
		missedBy = k.by
	}
	if missedBy != "" {
		f.say(f.of("crm look-ups"), levelFail, "look-ups by "+missedBy+" find nothing, though the portal holds what they ask for: what is in doubt would wait", untrustedRemedy().String())
	}
}

// tryable is an object of ours by which a look-up can be tried.
type tryable struct {
	origin string      // the id of its event
	by     string      // the field that the look-up filters by
	filter vibe.Filter // should find the object
}

// maxTried is how many objects look-ups are tried with at most. One is not enough, as the youngest may not be findable yet.
const maxTried = 5

// oursAmong returns the objects of ours among rows by which look-ups can be tried.
func (l *lookUp) oursAmong(rows []vibe.Row) (ours []tryable) {
	for _, row := range rows {
		object, marks := l.field.Identify(row)
		origin := l.field.EventOf(marks, l.cfg.Originator)
		if object == 0 || origin == "" || len(ours) == maxTried {
			continue
		}
		if !l.field.IsTag() {
			ours = append(ours, tryable{origin, l.field.Field(), vibe.Filter{l.field.Field(): vibe.In(origin)}})
			continue
		}
		for _, by := range [...]string{"contactId", "phone", "email"} {
			if filter, ok := l.filterOfRow(by, row, marks); ok {
				ours = append(ours, tryable{origin, by, filter})
				break // one look-up for each object
			}
		}
	}
	return ours
}

// makeField makes the user field that carries our id.
func (f *preflight) makeField(check string) {
	o := f.ask(vibe.MakeUserField(f.entity, ourUserField, "leadbridge event"))
	switch {
	case o.Class == vibe.Done:
		f.say(check, levelOK, "made "+vibe.UserFieldPrefix+ourUserField, "")
	case o.Class == vibe.Credentials:
		f.say(check, levelWarn, "the key may not make user fields: events are found by phone or e-mail and a tag", "Let an administrator of the portal make the "+strings.TrimSuffix(string(f.entity), "s")+" field "+vibe.UserFieldPrefix+ourUserField+" (a string), or give the key that right.")
	default:
		f.failed(check, o)
	}
}

// tracking checks whether the portal has the fields of Config.TrackingFields, and with fix makes those that are missing.
func (f *preflight) tracking(fields vibe.Fields, fix bool) {
	const check = "crm tracking fields"
	var missing []string
	for _, name := range f.c.cfg.TrackingFields {
		if !fields.KeepsTracking(name) {
			missing = append(missing, name)
		}
	}
	switch {
	case len(f.c.cfg.TrackingFields) == 0:
	case len(missing) == 0:
		f.say(check, levelOK, strings.Join(f.c.cfg.TrackingFields, ", "), "")
	case fix:
		f.makeTracking(check, missing)
	default:
		f.say(check, levelWarn, "the portal has no field for "+strings.Join(missing, ", ")+": they go to the comments", "Run leadbridge check --fix to make user fields.")
	}
}

// makeTracking makes user fields for tracking fields.
func (f *preflight) makeTracking(check string, names []string) {
	for i, name := range names {
		o := f.ask(vibe.MakeUserField(f.entity, vibe.TrackingField(name), name))
		switch {
		case o.Class == vibe.Done:
		case o.Class == vibe.Credentials:
			f.say(check, levelWarn, "the key may not make user fields: "+strings.Join(names[i:], ", ")+" go to the comments", "Let an administrator of the portal make contact fields (strings) such as "+vibe.UserFieldPrefix+vibe.TrackingField(name)+", or give the key that right.")
			return
		default:
			f.failed(check, o)
			return
		}
	}
	f.say(check, levelOK, "made user fields for "+strings.Join(names, ", "), "")
}

// source checks whether the portal has the default source.
func (f *preflight) source(id string) { f.listed("crm source", "SOURCE_ID", "SOURCE", "source", id) }

// directories checks whether the portal has the lead status or the deal stage of the settings.
func (f *preflight) directories() {
	switch card := f.c.cfg.Card; f.c.cfg.Target {
	case TargetLead:
		f.listed("crm lead status", "LEAD_STATUS_ID", "STATUS", "lead status", card.StatusID)
	case TargetDeal:
		stages := "DEAL_STAGE"
		if card.CategoryID != nil && *card.CategoryID != 0 {
			stages += "_" + strconv.FormatInt(*card.CategoryID, 10)
		}
		f.listed("crm deal stage", "DEAL_STAGE_ID", stages, "deal stage of this pipeline", card.StageID)
	}
}

// listed checks whether a directory of the portal has the id that a setting names.
func (f *preflight) listed(check, setting, directory, thing, id string) {
	if id == "" {
		return
	}
	o := f.ask(vibe.Statuses(directory))
	if o.NotOffered() {
		f.say(check, levelWarn, "the portal lists no "+thing+"s", "Look in the portal whether "+setting+" is one of them.")
		return
	}
	if o.Class != vibe.Done {
		f.failed(check, o)
		return
	}
	var known []string
	for _, r := range o.Rows() {
		if entity := r.Text("entityId"); entity == "" || entity == directory {
			known = append(known, r.Text("statusId"))
		}
	}
	if slices.Contains(known, id) {
		f.say(check, levelOK, setting+" "+id, "")
		return
	}
	f.say(check, levelFail, "the portal has no "+thing+" "+id, "Set "+setting+" to one of: "+strings.Join(known, ", ")+".")
}
