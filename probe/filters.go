package probe

import (
	"context"
	"strings"
	"time"

	"github.com/leadbridge/leadbridge/internal/wait"
)

// filterCase is a look-up that should find a record, and one by the same field that should find nothing.
type filterCase struct {
	name     string // in Entity.Filters; see there
	record   record
	positive map[string]any
	negative map[string]any
}

// equal returns the case of a filter by a field's value; nobody is a value that no record has.
func equal(name, field string, r record, value, nobody any) filterCase {
	return filterCase{name, r, map[string]any{field: value}, map[string]any{field: nobody}}
}

// operator returns the case of a filter by a field's value with an operator such as $in.
func operator(op, field string, r record, value, nobody any) filterCase {
	return equal(field+":"+op, field, r, map[string]any{op: value}, map[string]any{op: nobody})
}

// tryFilters looks up the records, which are older than the portal's lag, by everything that leadbridge may ask by.
func (p *probe) tryFilters(ctx context.Context) {
	for _, name := range p.offered() {
		r, ok := p.cardOf(name)
		if !ok || p.awaitLag(ctx, r) != nil {
			continue
		}
		p.tryCases(ctx, name, p.casesOf(name, r))
		p.searchByID(ctx, name, r)
	}
	if p.kinds[contacts] != nil {
		r := p.search(ctx, query{contacts, map[string]any{"leadbridgeUnknown": "x"}})
		p.seen.Codes["unknownFilter"] = r.reply.answer()
	}
}

// awaitLag waits until a record is one and a half times as old as the longest lag that was measured.
func (p *probe) awaitLag(ctx context.Context, r record) error {
	var longest int64
	for _, w := range p.seen.Entities[contacts].Ways {
		longest = max(longest, w.Lag.Max)
	}
	return wait.For(ctx, time.Until(r.at.Add(time.Duration(longest)*time.Millisecond*3/2)))
}

// tryCases asks for all cases in one batch, and notes what the look-ups did.
func (p *probe) tryCases(ctx context.Context, entity string, cases []filterCase) {
	var queries []query
	for _, c := range cases {
		queries = append(queries, query{entity, c.positive}, query{entity, c.negative})
	}
	answers := p.list(ctx, queries)
	p.entity(entity, func(e *Entity) {
		for i, c := range cases {
			e.Filters[c.name] = judge(c.record.id, answers[2*i], answers[2*i+1])
		}
		tag := e.Ways[wayTag]
		tag.Found, tag.In = e.Filters["phone"], e.Filters["phone:$in"]
		if entity == deals {
			tag.Found, tag.In = e.Filters["contactId"], Lookup{}
		}
		if tag.Found.Match == Ignored {
			tag.Lag = Spread{}
		}
		e.Ways[wayTag] = tag
	})
}

// casesOf returns the cases of filters for a kind of object.
func (p *probe) casesOf(name string, r record) []filterCase {
	nobody := p.newRecord(name)
	title := "name"
	if name != contacts {
		title = "title"
	}
	created := "createdTime"
	if name == deals {
		created = "createdAt"
	}
	cases := []filterCase{
		{title, r, map[string]any{title: Marker, "id": r.id}, map[string]any{title: Marker + " " + nobody.origin}},
		operator("$gte", created, r, time.Now().Add(-24*time.Hour).UTC().Format(time.RFC3339), time.Now().AddDate(1, 0, 0).UTC().Format(time.RFC3339)),
		equal("sourceDescription", "sourceDescription", r, r.tag(), nobody.tag()),
		operator("$contains", "sourceDescription", r, r.origin, nobody.origin),
	}
	// Without its id, the record may not be on the first page of those that were made on this day.
	cases[1].positive["id"] = r.id
	if name == deals {
		return append(cases, equal("contactId", "contactId", r, p.contactID(), 0))
	}
	return append(cases, p.personCases(r, nobody)...)
}

// contactID returns the id of the contact with which the deal was made; 0: there is none.
func (p *probe) contactID() int64 {
	if r, ok := p.cardOf(contacts); ok {
		return r.id
	}
	return 0
}

// personCases returns the cases of filters by phone, in all spellings that portals hold, and by e-mail.
func (p *probe) personCases(r, nobody record) []filterCase {
	as := func(r record, begin string) string { return begin + strings.TrimPrefix(r.phone, "+7") }
	formatted := func(r record) string {
		d := strings.TrimPrefix(r.phone, "+7495000")
		return "+7 (495) 000-" + d[:2] + "-" + d[2:]
	}
	spellings := func(r record) []string { return []string{as(r, "+7"), as(r, "7"), as(r, "8")} }
	cases := []filterCase{
		equal("phone", "phone", r, r.phone, nobody.phone),
		equal("phone:7…", "phone", r, as(r, "7"), as(nobody, "7")),
		equal("phone:8…", "phone", r, as(r, "8"), as(nobody, "8")),
		equal("phone:formatted", "phone", r, formatted(r), formatted(nobody)),
		operator("$in", "phone", r, spellings(r), spellings(nobody)),
		operator("$contains", "phone", r, r.phone[4:], nobody.phone[4:]),
		equal("email", "email", r, r.email, nobody.email),
		equal("email:upper", "email", r, strings.ToUpper(r.email), strings.ToUpper(nobody.email)),
		operator("$in", "email", r, []string{r.email}, []string{nobody.email}),
	}
	if r.entity == contacts && len(p.samples) > 1 {
		stored := p.samples[1]
		cases = append(cases, equal("phone:8… as +7…", "phone", stored, "+7"+strings.TrimPrefix(stored.phone, "8"), nobody.phone))
	}
	return cases
}

// searchByID looks a record up by the fields that carry our id. As in leadbridge, each look-up is a request of its own.
func (p *probe) searchByID(ctx context.Context, name string, r record) {
	nobody := p.newRecord(name)
	fields := map[string]string{wayOriginID: "", wayUserField: p.kinds[name].userField}
	if p.kinds[name].writes("originId") {
		fields[wayOriginID] = "originId"
	}
	for _, way := range []string{wayOriginID, wayUserField} {
		field := fields[way]
		if field == "" {
			continue
		}
		ask := func(value any) found { return p.search(ctx, query{name, map[string]any{field: value}}) }
		plain := judge(r.id, ask(r.origin), ask(nobody.origin))
		in := judge(r.id, ask(map[string]any{"$in": []string{nobody.origin, r.origin}}), ask(map[string]any{"$in": []string{nobody.origin}}))
		p.entity(name, func(e *Entity) {
			w := e.Ways[way]
			w.Found, w.In = plain, in
			if plain.Match == Ignored {
				w.Lag = Spread{} // it answers with everything, and finds nothing
			}
			e.Ways[way] = w
		})
	}
}

// tryZones asks for a contact by its creation time in another zone than the portal's.
func (p *probe) tryZones(ctx context.Context) {
	r, ok := p.cardOf(contacts)
	if !ok {
		return
	}
	created, err := time.Parse(time.RFC3339, r.created)
	if err != nil {
		p.seen.Zone.Answers = "none"
		return
	}
	p.seen.Zone.Answers = created.Format("-07:00")
	_, offset := created.Zone()
	// A portal that does not heed the zone reads these six hours wrong, which turns before and after the creation around.
	west, east := time.FixedZone("", offset-6*3600), time.FixedZone("", offset+6*3600)
	since := func(at time.Time) query {
		return query{contacts, map[string]any{"id": r.id, "createdTime": map[string]any{"$gte": at.Format(time.RFC3339)}}}
	}
	got := p.list(ctx, []query{since(created.Add(-time.Hour).In(east)), since(created.Add(time.Hour).In(west)), since(created.Add(48 * time.Hour))})
	switch before, after, far := got[0], got[1], got[2]; {
	case !before.ok || !after.ok || !far.ok:
	case far.has(r.id):
		p.seen.Zone.Filters = "ignored"
	case before.has(r.id) && !after.has(r.id):
		p.seen.Zone.Filters = "honoured"
	default:
		p.seen.Zone.Filters = "not honoured"
	}
}

// comparedPhones returns how look-ups compare phones, see Profile.Phones.
func (p *Profile) comparedPhones() string {
	f := p.Entities[contacts].Filters
	stored := f["phone"].Match
	if stored != Found {
		if stored == Unknown {
			return "unknown"
		}
		return string(stored)
	}
	others := 0
	names := []string{"phone:7…", "phone:8…", "phone:formatted", "phone:8… as +7…"}
	for _, name := range names {
		if f[name].Match == Found {
			others++
		}
	}
	switch others {
	case 0:
		return "exact"
	case len(names):
		return "normalised"
	}
	return "mixed"
}
