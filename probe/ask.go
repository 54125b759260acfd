package probe

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// askKey asks what the key may do. With an error, nothing can be measured.
func (p *probe) askKey(ctx context.Context) error {
	r := p.c.do(ctx, "me", http.MethodGet, "/me", nil)
	p.seen.Key.Answer = r.answer()
	switch {
	case r.err != nil:
		return r.err
	case r.notOffered():
		return nil // the fields show whether it is a portal at all
	case r.status == http.StatusUnauthorized, r.status == http.StatusPaymentRequired, r.status == http.StatusForbidden:
		return fmt.Errorf("the portal does not take the key: %d %s: look at CRM_API_KEY and, for a vibe_app_ key, CRM_SESSION_TOKEN", r.status, r.code)
	case !r.ok():
		return fmt.Errorf("the portal does not answer GET /v1/me: %d %s: try again later", r.status, r.code)
	}
	var me struct {
		Type      string
		Portal    json.RawMessage
		Scopes    []string
		RateLimit struct{ RequestsPerSecond float64 }
		ExpiresAt time.Time
	}
	_ = json.Unmarshal(r.data, &me) // what cannot be read stays empty
	k := &p.seen.Key
	k.Type, k.portal = plainID(me.Type), strings.Trim(string(me.Portal), `"`)
	for _, scope := range me.Scopes {
		k.Scopes = append(k.Scopes, plainID(scope))
	}
	if !me.ExpiresAt.IsZero() {
		k.ExpiresDays = int(time.Until(me.ExpiresAt).Hours() / 24)
	}
	p.seen.Limits.PerSecond = me.RateLimit.RequestsPerSecond
	return nil
}

// askFields asks for the fields of each kind.
func (p *probe) askFields(ctx context.Context) {
	for _, name := range kinds() {
		p.askFieldsOf(ctx, name)
	}
}

func (p *probe) askFieldsOf(ctx context.Context, name string) {
	r := p.c.do(ctx, "fields", http.MethodGet, "/"+name+"/fields", nil)
	var data struct {
		Fields map[string]struct{ IsReadOnly bool }
	}
	_ = json.Unmarshal(r.data, &data)
	if r.ok() && len(data.Fields) > 0 {
		k := &kind{writable: map[string]bool{}}
		for field, info := range data.Fields {
			k.writable[fold(field)] = !info.IsReadOnly
			switch fold(field) {
			case fold(ourField):
				k.userField = field
			case fold("UF_CRM_" + probeField):
				k.userField = cmp.Or(k.userField, field)
			}
		}
		p.kinds[name] = k
	}
	p.entity(name, func(e *Entity) {
		e.Fields, e.Names, e.UserFields = r.answer(), []string{}, 0
		for field, info := range data.Fields {
			switch {
			case fold(field) == fold("UF_CRM_"+probeField):
			case strings.HasPrefix(fold(field), "ufcrm"):
				e.UserFields++ // their names may say something of a company
				e.UserField.Existing = e.UserField.Existing || fold(field) == fold(ourField)
			case !info.IsReadOnly:
				e.Names = append(e.Names, plainID(field))
			}
		}
		slices.Sort(e.Names)
	})
}

// tryUserFields makes a user field for each kind that has none of ours.
func (p *probe) tryUserFields(ctx context.Context) {
	for _, name := range p.offered() {
		if !p.seen.Entities[name].UserField.Existing && !p.cfg.NoUserFields && p.stopped(ctx) == nil {
			p.tryUserField(ctx, name)
		}
	}
}

func (p *probe) tryUserField(ctx context.Context, name string) {
	r := p.c.do(ctx, "user field", http.MethodPost, "/userfields/"+name, map[string]string{
		"userTypeId": "string", "fieldName": probeField, "label": Marker, "showFilter": "Y"})
	p.entity(name, func(e *Entity) { e.UserField.Make = r.answer() })
	id := r.row().id()
	if r.untold(id) || id == 0 && r.status == http.StatusConflict {
		id = p.findUserField(ctx, name)
	}
	if id > 0 {
		p.ledger.fields = append(p.ledger.fields, object{name, id})
		p.askFieldsOf(ctx, name)
	}
}

// findUserField returns the id of the user field that probes make; 0 when there is none.
func (p *probe) findUserField(ctx context.Context, entity string) int64 {
	r := p.c.do(ctx, "user field", http.MethodGet, "/userfields/"+entity+"?fieldName=UF_CRM_"+probeField, nil)
	rows, _ := r.rows()
	for _, one := range rows {
		if fold(one.text("fieldName")) == fold("UF_CRM_"+probeField) {
			return one.id()
		}
	}
	return 0
}
