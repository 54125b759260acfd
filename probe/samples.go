package probe

import (
	"context"
	"slices"
	"strings"
	"time"
)

// sampleCount is how many records the time until they are found is measured with.
const sampleCount = 20

// The ways to find a record, as profiles name them.
const (
	wayOriginID  = "originId"
	wayUserField = "userField"
	wayTag       = "tag"
)

// makeSamples makes contacts, a lead and a deal, and measures how soon they are found.
func (p *probe) makeSamples(ctx context.Context) {
	lag := p.newLag()
	for i := range sampleCount {
		r := p.newRecord(contacts)
		if i == 1 {
			r.phone = "8" + strings.TrimPrefix(r.phone, "+7") // as people write it
		}
		r, answer := p.create(ctx, r, nil)
		if i == 0 {
			p.entity(contacts, func(e *Entity) { e.Create = answer.answer() })
		}
		if i == 0 && r.id == 0 && !answer.doubtful() {
			break // a portal that refuses the first refuses the others
		}
		if r.id > 0 {
			p.samples = append(p.samples, r)
			lag.poll(ctx, p.samples)
		}
		if p.stopped(ctx) != nil {
			return
		}
	}
	p.makeCards(ctx)
	lag.finish(ctx, p.samples)
	for _, name := range p.offered() {
		if r, ok := p.cardOf(name); ok {
			p.lookWhatIsKept(ctx, r)
		}
	}
	lag.conclude(p.samples)
}

// makeCards makes a deal with the contact, and a lead. The lead comes last, so that what a portal makes of it by itself is
// newer than all of our records.
func (p *probe) makeCards(ctx context.Context) {
	for _, name := range []string{deals, leads} {
		if p.kinds[name] == nil {
			continue
		}
		var more map[string]any
		if contact := p.contactID(); name == deals && contact > 0 {
			more = map[string]any{"contactId": contact}
		}
		r, answer := p.create(ctx, p.newRecord(name), more)
		p.entity(name, func(e *Entity) { e.Create = answer.answer() })
		if r.id > 0 {
			p.card[name] = r
		}
	}
}

// cardOf returns the first test record of a kind.
func (p *probe) cardOf(name string) (record, bool) {
	if name == contacts && len(p.samples) > 0 {
		return p.samples[0], true
	}
	r, ok := p.card[name]
	return r, ok
}

// lookWhatIsKept reads a record back, and notes which fields have kept our id.
func (p *probe) lookWhatIsKept(ctx context.Context, r record) {
	k, back := p.kinds[r.entity], p.read(ctx, r.entity, r.id).row()
	p.entity(r.entity, func(e *Entity) {
		e.UTM = "not offered"
		if k.writes("utmSource") {
			e.UTM = "not kept"
			if back.text("utmSource") == r.origin {
				e.UTM = "kept"
			}
		}
		e.Ways[wayOriginID] = Way{Offered: k.writes("originId"), Kept: back.text("originId") == r.origin, Told: r.told.text("originId") == r.origin}
		e.Ways[wayTag] = Way{Offered: k.writes("sourceDescription"),
			Kept: strings.Contains(back.text("sourceDescription"), r.tag()), Told: strings.Contains(r.told.text("sourceDescription"), r.tag())}
		e.Ways[wayUserField] = Way{Offered: k.userField != "",
			Kept: k.userField != "" && back.text(k.userField) == r.origin, Told: k.userField != "" && r.told.text(k.userField) == r.origin}
	})
}

// lag measures how soon contacts are found, by all ways at once.
type lag struct {
	p     *probe
	by    []lagWay
	holds int // client.holds at the last poll
}

// lagWay is one way to find contacts.
type lagWay struct {
	way   string // as profiles name it
	field string
	value func(record) string     // by which a record is looked up
	found map[int64]time.Duration // by the id of a contact, how long it took until it was found
	dead  bool                    // the portal refuses look-ups by it
}

func (p *probe) newLag() *lag {
	l := &lag{p: p}
	k := p.kinds[contacts]
	add := func(way, field string, value func(record) string) {
		l.by = append(l.by, lagWay{way: way, field: field, value: value, found: map[int64]time.Duration{}})
	}
	origin := func(r record) string { return r.origin }
	if k.writes("originId") {
		add(wayOriginID, "originId", origin)
	}
	if k != nil && k.userField != "" {
		add(wayUserField, k.userField, origin)
	}
	add(wayTag, "phone", func(r record) string { return r.phone })
	return l
}

// poll asks by each way for the records that it has not found yet.
func (l *lag) poll(ctx context.Context, all []record) {
	var ways []*lagWay
	var queries []query
	for i := range l.by {
		w := &l.by[i]
		var values []string
		for _, r := range all {
			if _, ok := w.found[r.id]; !ok {
				values = append(values, w.value(r))
			}
		}
		if len(values) > 0 && !w.dead {
			ways = append(ways, w)
			queries = append(queries, query{contacts, map[string]any{w.field: map[string]any{"$in": values}}})
		}
	}
	answers := l.p.list(ctx, queries)
	held := l.p.c.holds != l.holds
	l.holds = l.p.c.holds
	for i, f := range answers {
		w := ways[i]
		w.dead = !f.ok && !f.reply.doubtful()
		for _, r := range all {
			if _, ok := w.found[r.id]; ok || !f.has(r.id) {
				continue
			}
			w.found[r.id] = max(l.p.c.sent.Sub(r.at), 0)
			if held {
				w.found[r.id] = tooLate
			}
		}
	}
}

// tooLate stands for a time that is not known, as the poll before was too long ago.
const tooLate = -1

// missing reports whether there is a record that one of the ways has not found.
func (l *lag) missing(all []record) bool {
	return slices.ContainsFunc(l.by, func(w lagWay) bool { return !w.dead && len(w.found) < len(all) })
}

// finish polls until all records are found by each way, or LagLimit is over.
func (l *lag) finish(ctx context.Context, all []record) {
	if len(all) == 0 {
		return
	}
	end := all[len(all)-1].at.Add(l.p.cfg.LagLimit)
	for l.missing(all) && time.Now().Before(end) && l.p.stopped(ctx) == nil {
		l.poll(ctx, all)
	}
}

// conclude notes the times in the profile. A record that was found after a pause for the portal's limit counts as found,
// without a time.
func (l *lag) conclude(all []record) {
	for _, w := range l.by {
		var times []time.Duration
		for _, took := range w.found {
			if took != tooLate {
				times = append(times, took)
			}
		}
		l.p.entity(contacts, func(e *Entity) {
			one := e.Ways[w.way]
			one.Lag = spread(times)
			one.Lag.Missing = len(all) - len(w.found)
			e.Ways[w.way] = one
		})
	}
}
