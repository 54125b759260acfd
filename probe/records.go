package probe

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"time"
)

// The kinds of objects, as paths and batches name them.
const (
	contacts  = "contacts"
	leads     = "leads"
	deals     = "deals"
	timelines = "timelines"
)

// kinds are those that a probe measures.
func kinds() []string { return []string{contacts, leads, deals} }

// ourField is the user field that carries the id of an event, probeField that of a probe where it is missing.
const (
	ourField   = "UF_CRM_LEADBRIDGE_EVENT_ID"
	probeField = "LEADBRIDGE_PROBE"
)

// record is a test record.
type record struct {
	entity  string
	n       int   // of this run
	id      int64 // 0: it was not made
	phone   string
	email   string
	origin  string
	created string    // its creation time as the portal writes it
	at      time.Time // when the answer to the create came
	told    row       // the record as that answer shows it
}

// object identifies an object of the portal.
type object struct {
	entity string
	id     int64
}

// ledger holds what a run has made and not yet deleted.
type ledger struct {
	objects []object
	first   map[string]int64 // lowest id that was made, by entity
	known   map[object]bool  // everything that was ever in objects
	fields  []object         // user fields, by the entity that has them
}

// add remembers a record.
func (l *ledger) add(o object) {
	if l.known == nil {
		l.first, l.known = map[string]int64{}, map[object]bool{}
	}
	if first, ok := l.first[o.entity]; !ok || o.id < first {
		l.first[o.entity] = o.id
	}
	l.known[o] = true
	l.objects = append(l.objects, o)
}

// newRecord makes up the next record. Its phone number is of a range that is not given to anybody.
func (p *probe) newRecord(entity string) record {
	p.last++
	return record{entity: entity, n: p.last,
		phone:  fmt.Sprintf("+7495000%04d", (p.base+p.last)%10_000),
		email:  fmt.Sprintf("probe-%s-%d@example.com", p.run, p.last),
		origin: fmt.Sprintf("%s%03d", p.run, p.last)}
}

// tag returns our mark in sourceDescription. It names the run, which finds by it what it must delete.
func (r record) tag() string { return "leadbridge probe " + r.origin }

// body returns the record as the portal takes it, with our id in every field that can carry it.
func (p *probe) body(r record) map[string]any {
	b := map[string]any{"sourceDescription": r.tag()}
	if r.entity != contacts {
		b["title"] = Marker
	}
	if r.entity != deals {
		b["name"] = Marker
		b["phone"] = []map[string]string{{"value": r.phone, "typeId": "WORK"}}
		b["email"] = []map[string]string{{"value": r.email, "typeId": "WORK"}}
	}
	k := p.kinds[r.entity]
	if k == nil {
		return b
	}
	if k.writes("originId") {
		b["originId"], b["originatorId"] = r.origin, "leadbridge-probe"
	}
	if k.userField != "" {
		b[k.userField] = r.origin
	}
	if k.writes("utmSource") {
		b["utmSource"] = r.origin
	}
	return b
}

// create makes a record by a request of its own. more holds further fields of its body.
func (p *probe) create(ctx context.Context, r record, more map[string]any) (record, reply) {
	body := p.body(r)
	maps.Copy(body, more)
	answer := p.c.do(ctx, "create "+r.entity, http.MethodPost, "/"+r.entity, body)
	return p.note(r, answer), answer
}

// note adds what a create has made to the record, and to the ledger.
func (p *probe) note(r record, answer reply) record {
	r.told = answer.row()
	id := r.told.id()
	p.untold = p.untold || answer.untold(id)
	if answer.ok() && id > 0 {
		r.id, r.at = id, time.Now()
		r.created = r.told.text("createdTime") + r.told.text("createdAt")
		p.ledger.add(object{r.entity, id})
	}
	return r
}

// read asks for a record.
func (p *probe) read(ctx context.Context, entity string, id int64) reply {
	return p.c.do(ctx, "get", http.MethodGet, fmt.Sprintf("/%s/%d", entity, id), nil)
}
