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

// portal is the portal's description of itself. A value is never modified.
type portal struct {
	name    string  // such as company.bitrix24.ru; "": not known
	rate    float64 // requests a second that it grants; 0: not known
	main    vibe.Entity
	kinds   map[vibe.Entity]kind         // the kinds of objects that events become
	lacking map[vibe.Entity]vibe.Outcome // those of them that the portal does not describe, and why
}

// idField returns the field that carries our ids in objects of the main kind.
func (p *portal) idField() vibe.IDField { return p.kinds[p.main].idField }

// portals holds the portal's description of itself, and what must be remembered of earlier ones. Safe for concurrent use.
type portals struct {
	log zerolog.Logger

	mu        sync.Mutex           // guards everything below
	current   *portal              // nil until the portal was asked
	stale     bool                 // the portal must be asked again
	unkept    unkept               // the last id that an answer lacked since the portal was asked
	omitsID   map[vibe.Entity]bool // kinds whose objects keep our id, although the answers to their creates lack it
	wanted    []vibe.Entity        // the kinds that events become, the main one first
	locations []idLocation         // all that carried our ids in this process, oldest first
	gone      map[idLocation]bool  // fields with ids that the portal no longer has
	reported  map[string]bool      // names of fields for which report has logged a warning
}

// unkept is our id that the answer to an object's create lacked. The zero value means that no answer lacked it.
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

// want adds a kind to those that the portal is asked to describe, and has the portal asked again.
func (p *portals) want(entity vibe.Entity) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !slices.Contains(p.wanted, entity) {
		p.wanted = append(p.wanted, entity)
	}
	p.stale = true
}

// entities returns the kinds that the portal is asked for, the main one first.
func (p *portals) entities() []vibe.Entity {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.wanted)
}

// known returns the portal; nil if it must be asked first.
func (p *portals) known() *portal {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.stale {
		return nil
	}
	return p.current
}

// latest returns the portal as it last described itself, even if it must be asked again; nil if it never did.
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

// doubt has the portal asked again. If an answer without our id is the reason, u is that id.
func (p *portals) doubt(u unkept) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stale = true
	if u.id != "" {
		p.unkept, p.omitsID[u.entity] = u, false
	}
}

// lastUnkept returns the last id that an answer lacked since the portal was asked.
func (p *portals) lastUnkept() unkept {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.unkept
}

// knownToOmitID reports whether answers to creates of a kind are known not to repeat our id.
func (p *portals) knownToOmitID(entity vibe.Entity) bool {
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

// dropField notes that the portal no longer has a field, and with it the ids that it carried.
func (p *portals) dropField(w idLocation) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.gone[w] {
		p.gone[w] = true
		p.log.Warn().Msg("look-up by a field that the portal no longer has") // the field's name is not logged: it may come from a header that anybody wrote
	}
}

// set replaces the portal's description. omitting are kinds whose objects keep our id although the answers to their creates
// lack it.
func (p *portals) set(now *portal, omitting []vibe.Entity) {
	p.mu.Lock()
	before := p.current
	changed := before == nil || before.name != now.name
	p.current, p.stale, p.unkept = now, false, unkept{}
	clear(p.gone)
	for _, entity := range omitting {
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
	for _, entity := range omitting {
		p.log.Warn().Str("of", string(entity)).Stringer("origin_field", now.kinds[entity].idField).
			Msg("the CRM keeps our id without repeating it in the answers to creates")
	}
	if changed {
		p.log.Info().Str("portal", now.name).Stringer("origin_field", now.idField()).
			Float64("requests_per_second", now.rate).Msg("the portal's fields and limits are known")
	}
}

// refine replaces a description of the portal by a more detailed one, unless the portal was asked again meanwhile.
func (p *portals) refine(from, to *portal) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.current == from {
		p.current = to
	}
}

// maxReported bounds how many names are remembered, as the names come from events.
const maxReported = 200

// report warns once of each field that the portal does not have. Names of user fields are logged as one, "ufCrm_*". A name
// that is not an identifier may be a text of the event, and is not logged.
func (p *portals) report(names []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	var unreported []string
	for _, n := range names {
		mayBeLogged := vibe.PlainID(n) != ""
		if vibe.IsUserField(n) {
			n, mayBeLogged = "ufCrm_*", true
		}
		if mayBeLogged && !p.reported[n] && len(p.reported) < maxReported {
			p.reported[n] = true
			unreported = append(unreported, n)
		}
	}
	if len(unreported) > 0 {
		p.log.Warn().Strs("fields", unreported).Msg("fields unknown to the portal: their values go into comments")
	}
}

// ContactURL returns the address of a contact's card; "" while the portal's name is unknown.
func (c *Creator) ContactURL(id int64) string { return c.CardURL(Made{ContactID: id}) }

// CardURL returns the address of the card that shows what an event became: its deal, its lead or its contact;
// "" while the portal's name is unknown, and if nothing was made.
func (c *Creator) CardURL(m Made) string {
	p := c.portals.latest()
	if p == nil {
		return ""
	}
	return CardURL(p.name, m)
}

// CardURL is [Creator.CardURL] for a portal of that name (Status.Portal).
func CardURL(portal string, m Made) string { return cardURL(portal, m.card()) }

// CardURLs are the addresses of the cards of what an event became; "" where there is none, or it is not known.
type CardURLs struct{ Contact, Lead, Deal string }

// CardURLsIn returns the addresses in a portal of that name (Status.Portal).
func CardURLsIn(portal string, m Made) CardURLs {
	return CardURLs{
		Contact: cardURL(portal, vibe.CardID{Kind: "contact", ID: m.ContactID}),
		Lead:    cardURL(portal, vibe.CardID{Kind: "lead", ID: m.LeadID}),
		Deal:    cardURL(portal, vibe.CardID{Kind: "deal", ID: m.DealID}),
	}
}

func cardURL(portal string, card vibe.CardID) string {
	if portal == "" || card.ID == 0 {
		return ""
	}
	return "https://" + portal + "/crm/" + card.Kind + "/details/" + strconv.FormatInt(card.ID, 10) + "/"
}

// codeFieldUnknown is the outcome's code if the portal does not have the field of CRM_ORIGIN_FIELD.
const codeFieldUnknown = "FIELD_UNKNOWN"

// ourUserField is the user field that carries our id where the portal has it. Its full name begins with UF_CRM_.
const ourUserField = "LEADBRIDGE_EVENT_ID"

const (
	originAuto = "auto"
	originNone = "none"
)

// CanBeOriginField reports whether CRM_ORIGIN_FIELD may have a value: "none", the name of the native field, or the name of
// a user field.
func CanBeOriginField(name string) bool { return vibe.ValidIDField(name) }

// ask asks the portal for its description. If it does not give one, the portal is nil and the outcome says why.
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
		case entity == p.main || o.BlamesKey() || ctx.Err() != nil:
			return nil, o
		default:
			p.lacking[entity] = o
		}
	}
	return p, vibe.Outcome{Class: vibe.Done}
}

// kindTimeout is the longest wait for the description of a kind other than the main one. It is short because all creates
// wait meanwhile.
const kindTimeout = 3 * time.Second

// askKindWithin calls askKind, for a kind other than the main one with kindTimeout.
func (c *Creator) askKindWithin(ctx context.Context, r *request, entity vibe.Entity, main bool) (k kind, o vibe.Outcome) {
	if !main {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, kindTimeout)
		defer cancel()
	}
	return c.askKind(ctx, r, entity)
}

// askKind asks the portal for the fields of a kind of object, and chooses the one that carries our id.
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
	// CRM_ORIGIN_FIELD names a field of the main kind. Another kind may not have it: then its own is chosen, as by auto.
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

// findUserField reports whether the portal's list of user fields has ours. If the portal does not offer the list, or forbids
// it, there is none.
func (c *Creator) findUserField(ctx context.Context, r *request, entity vibe.Entity, name string) (bool, vibe.Outcome) {
	o := c.do(ctx, r, vibe.UserFields(entity, name))
	if o.NotOffered() || o.Status == 403 && !o.BlamesKey() {
		return false, vibe.Outcome{Class: vibe.Done}
	}
	if o.Class != vibe.Done {
		return false, o
	}
	return slices.ContainsFunc(o.Rows(), func(r vibe.Row) bool {
		return vibe.SameField(r.Text("fieldName"), name)
	}), o
}

// omitsID looks up the object whose create was last answered without our id. If it is found by the id, the portal keeps the id
// and only its answers omit it: then omitsID returns the object's kind, else nothing.
func (c *Creator) omitsID(ctx context.Context, r *request, p *portal) (omitting []vibe.Entity) {
	lost := c.portals.lastUnkept()
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
