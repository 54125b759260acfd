package crmclient

import (
	"context"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"github.com/leadbridge/leadbridge/crmclient/internal/vibe"
)

// portal is what we learned about the portal. It never changes.
type portal struct {
	name    string  // as company.bitrix24.ru; "": not told
	rate    float64 // requests a second; 0: not told
	main    vibe.Entity
	kinds   map[vibe.Entity]kind         // those that events become
	lacking map[vibe.Entity]vibe.Outcome // those of them that it does not describe, and why
}

// idField carries our ids in objects of the main kind.
func (p *portal) idField() vibe.IDField { return p.kinds[p.main].idField }

// portals remembers what the portal is and was. Safe for concurrent use.
type portals struct {
	log zerolog.Logger

	mu        sync.Mutex // guards everything below
	current   *portal    // nil until asked
	stale     bool       // ask again
	unkept    unkept
	omitsID   map[vibe.Entity]bool // answers to creates do not repeat our id
	wanted    []vibe.Entity        // the kinds that events become, the main one first
	locations []idLocation         // that were in force in this process, oldest first
	gone      map[idLocation]bool  // those that the portal no longer has
	reported  map[string]bool      // fields that it drops
}

// unkept is an id that an answer to a create lacked; the zero value: none did.
type unkept struct {
	entity vibe.Entity
	id     string
}

// idLocation is where objects of a kind carry our ids.
type idLocation struct {
	entity vibe.Entity
	field  vibe.IDField
}

func newPortals(log zerolog.Logger, wanted []vibe.Entity) *portals {
	return &portals{log: log, wanted: wanted, omitsID: map[vibe.Entity]bool{}, gone: map[idLocation]bool{}, reported: map[string]bool{}}
}

// want has the portal asked for a further kind, or again for one that it did not describe.
func (p *portals) want(entity vibe.Entity) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !slices.Contains(p.wanted, entity) {
		p.wanted = append(p.wanted, entity)
	}
	p.stale = true
}

// entities are the kinds that the portal is asked for, the main one first.
func (p *portals) entities() []vibe.Entity {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.wanted)
}

// known returns the portal, nil when it is to be asked first.
func (p *portals) known() *portal {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.stale {
		return nil
	}
	return p.current
}

// latest returns the portal as it was last known, nil before the first time.
func (p *portals) latest() *portal {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.current
}

// used returns the fields that carried our ids in objects of a kind in this process, oldest first.
func (p *portals) used(entity vibe.Entity) (fields []vibe.IDField) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, w := range p.locations {
		if w.entity == entity {
			fields = append(fields, w.field)
		}
	}
	return fields
}

// doubt has the portal asked again. u is the id of an object that was made without it, if one was.
func (p *portals) doubt(u unkept) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stale = true
	if u.id != "" {
		p.unkept, p.omitsID[u.entity] = u, false
	}
}

// lost returns the id of an object whose answer lacked it, if there is one.
func (p *portals) lost() unkept {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.unkept
}

// toldSilent reports whether answers to creates of a kind are known not to repeat our id.
func (p *portals) toldSilent(entity vibe.Entity) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.omitsID[entity]
}

// isGone reports whether the portal no longer has a field that carried ids.
func (p *portals) isGone(w idLocation) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.gone[w]
}

// dropField notes that a field is gone, and what it held with it.
func (p *portals) dropField(w idLocation) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.gone[w] {
		p.gone[w] = true
		p.log.Warn().Msg("look-up by a field that the portal no longer has") // its name may be of a header that anybody wrote
	}
}

// set puts what was learned in force. silent are the kinds of which the portal keeps our id without
// repeating it.
func (p *portals) set(now *portal, silent []vibe.Entity) {
	p.mu.Lock()
	before := p.current
	changed := before == nil || before.name != now.name
	p.current, p.stale, p.unkept = now, false, unkept{}
	clear(p.gone)
	for _, entity := range silent {
		p.omitsID[entity] = true
	}
	for _, entity := range p.wanted {
		k, described := now.kinds[entity]
		if !described {
			continue
		}
		changed = changed || before.kinds[entity].idField != k.idField || len(before.kinds) < len(now.kinds)
		if w := (idLocation{entity, k.idField}); !slices.Contains(p.locations, w) {
			p.locations = append(p.locations, w)
		}
	}
	p.mu.Unlock()
	for _, entity := range p.entities() {
		if k, described := now.kinds[entity]; described {
			p.report(k.fields.Missing(entity))
		}
	}
	for _, entity := range silent {
		p.log.Warn().Str("of", string(entity)).Stringer("origin_field", now.kinds[entity].idField).
			Msg("the CRM keeps our id without repeating it in the answers to creates")
	}
	if changed {
		p.log.Info().Str("portal", now.name).Stringer("origin_field", now.idField()).
			Float64("requests_per_second", now.rate).Msg("the portal's fields and limits are known")
	}
}

// refine puts more in force of what the portal is, unless it was asked again meanwhile.
func (p *portals) refine(from, to *portal) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.current == from {
		p.current = to
	}
}

// maxReported bounds the memory of names: they come from events.
const maxReported = 200

// report logs once of each field that the portal would drop it. A name that is not an identifier, and
// that of a user field, is an event's own text and not for the log.
func (p *portals) report(names []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	var fresh []string
	for _, n := range names {
		known := vibe.PlainID(n) != ""
		if vibe.IsUserField(n) {
			n, known = "ufCrm_*", true
		}
		if known && !p.reported[n] && len(p.reported) < maxReported {
			p.reported[n] = true
			fresh = append(fresh, n)
		}
	}
	if len(fresh) > 0 {
		p.log.Warn().Strs("fields", fresh).Msg("fields unknown to the portal: their values go into comments")
	}
}

// ContactURL returns the address of a contact's card, "" while the portal's name is unknown.
func (c *Creator) ContactURL(id int64) string { return c.CardURL(Made{ContactID: id}) }

// CardURL returns the address of the card that shows an event: of its deal, its lead or its contact; ""
// while the portal's name is unknown, and where nothing exists.
func (c *Creator) CardURL(m Made) string {
	p := c.portals.latest()
	if p == nil {
		return ""
	}
	return CardURL(p.name, m)
}

// CardURL is [Creator.CardURL] for a portal of that name (Status.Portal).
func CardURL(portal string, m Made) string {
	kind, id := m.card()
	if portal == "" || id == 0 {
		return ""
	}
	return "https://" + portal + "/crm/" + kind + "/details/" + strconv.FormatInt(id, 10) + "/"
}

// codeFieldUnknown says that the portal has no field CRM_ORIGIN_FIELD.
const codeFieldUnknown = "FIELD_UNKNOWN"

// ourUserField carries our id where the portal has it; its full name begins with UF_CRM_.
const ourUserField = "LEADBRIDGE_EVENT_ID"

const (
	originAuto = "auto"
	originNone = "none"
)

// CanBeOriginField reports whether contacts can carry ids in a field of that name, as far as the
// name tells: "none", the native field, or a user field.
func CanBeOriginField(name string) bool { return vibe.ValidIDField(name) }

// ask asks the portal what it is. Without a portal the outcome says why: an error is never taken
// for an answer.
func (c *Creator) ask(ctx context.Context, r *request) (*portal, vibe.Outcome) {
	wanted := c.portals.entities()
	p := &portal{main: wanted[0], kinds: map[vibe.Entity]kind{}, lacking: map[vibe.Entity]vibe.Outcome{}}
	o := c.do(ctx, r, vibe.Me())
	switch {
	case o.Class == vibe.Done:
		me := o.Me()
		p.name, p.rate = me.Host(), me.RequestsPerSecond
	case !o.NotOffered():
		return nil, o
	}
	for _, entity := range wanted {
		k, o := c.askKindWithin(ctx, r, entity, entity == p.main)
		switch {
		case o.Class == vibe.Done:
			p.kinds[entity] = k
		case entity == p.main || o.NamesKey() || ctx.Err() != nil:
			return nil, o
		default:
			p.lacking[entity] = o
		}
	}
	return p, vibe.Outcome{Class: vibe.Done}
}

// kindTimeout bounds the question for a kind that is not the main one: all creates wait for its answer.
const kindTimeout = 3 * time.Second

// askKindWithin is askKind, for a kind that is not the main one within kindTimeout.
func (c *Creator) askKindWithin(ctx context.Context, r *request, entity vibe.Entity, main bool) (k kind, o vibe.Outcome) {
	if !main {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, kindTimeout)
		defer cancel()
	}
	return c.askKind(ctx, r, entity)
}

// askKind asks the portal for the fields of a kind of object, and finds out which carries our id.
func (c *Creator) askKind(ctx context.Context, r *request, entity vibe.Entity) (k kind, o vibe.Outcome) {
	o = c.do(ctx, r, vibe.ListFields(entity))
	if o.Class != vibe.Done {
		return kind{}, o
	}
	var err error
	if k.fields, err = o.Fields(); err != nil {
		o.Class, o.Code = vibe.Doubt, "NO_FIELDS"
		return kind{}, o
	}
	k.idField, o = c.chooseIDField(ctx, r, entity, k.fields)
	return k, o
}

// chooseIDField returns where objects of a kind carry our id: the native field, a user field of
// ours, else a tag.
func (c *Creator) chooseIDField(ctx context.Context, r *request, entity vibe.Entity, fields vibe.Fields) (vibe.IDField, vibe.Outcome) {
	done := vibe.Outcome{Class: vibe.Done}
	ours := vibe.UserFieldPrefix + ourUserField
	// A field that the setting names is one of the main kind; another kind has it or its own.
	name := c.cfg.OriginField
	if entity != c.governor.main && name != originNone && !fields.Writable(name) {
		name = originAuto
	}
	switch {
	case name == originNone:
		return vibe.IDField{}, done
	case name != originAuto:
		if !fields.Writable(name) {
			return vibe.IDField{}, vibe.Outcome{Class: vibe.Refused, Code: codeFieldUnknown}
		}
		return vibe.ParseIDField(fields.Spelling(name)), done
	case fields.Writable(vibe.NativeID):
		return vibe.ParseIDField(vibe.NativeID), done
	case fields.Writable(ours):
		return vibe.ParseIDField(fields.Spelling(ours)), done
	}
	found, o := c.findUserField(ctx, r, entity, ours)
	if found {
		return vibe.ParseIDField("ufCrm_" + ourUserField), done
	}
	return vibe.IDField{}, o
}

// findUserField looks for our user field where the portal offers a list of them. A portal
// that lists fields but forbids this list offers none.
func (c *Creator) findUserField(ctx context.Context, r *request, entity vibe.Entity, name string) (bool, vibe.Outcome) {
	o := c.do(ctx, r, vibe.UserFields(entity, name))
	if o.NotOffered() || o.Status == 403 && !o.NamesKey() {
		return false, vibe.Outcome{Class: vibe.Done}
	}
	if o.Class != vibe.Done {
		return false, o
	}
	return slices.ContainsFunc(o.Rows(), func(r vibe.Row) bool {
		return vibe.SameField(r.Text("fieldName"), name)
	}), o
}

// keepsSilently returns the kind of the object whose answer lacked our id if it can nevertheless be
// found by it: then it is the answers that omit it.
func (c *Creator) keepsSilently(ctx context.Context, r *request, p *portal) (silent []vibe.Entity) {
	lost := c.portals.lost()
	field := p.kinds[lost.entity].idField
	if lost.id == "" || field.IsTag() {
		return nil
	}
	o := c.do(ctx, r, vibe.Search(lost.entity, vibe.Filter{field.Field(): vibe.Equal(lost.id)}, field.Select(), vibe.PageLimit))
	if o.Class != vibe.Done {
		return nil
	}
	page, _ := o.Page()
	if slices.ContainsFunc(page.Rows, func(row vibe.Row) bool {
		_, marks := field.Identify(row)
		return field.Carries(marks, c.cfg.Originator, lost.id)
	}) {
		return []vibe.Entity{lost.entity}
	}
	return nil
}
