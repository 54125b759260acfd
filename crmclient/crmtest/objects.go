package crmtest

import (
	"cmp"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"
)

// params are the parameters of an action.
type params = map[string]json.RawMessage

// planAction plans one action other than create on a kind of object, alone or in a batch. The
// lock is held.
func (s *Simulator) planAction(t *table, action string, ps params) (*item, *failure) {
	if t.entity == Timelines && action != "list" && action != "get" && action != "delete" {
		return nil, invalid("INVALID_PARAMS", "Unknown action %q of timelines", action)
	}
	it, fail := &item{}, invalid("INVALID_PARAMS", "Unknown action %q", action)
	switch action {
	case "update":
		it, fail = s.planUpdate(t, ps)
	case "get", "delete":
		it, fail = s.planByID(t, action, ps)
	case "list", "search":
		it, fail = s.planLookup(t, action, ps)
	case "fields":
		it, fail = &item{do: func(time.Time) (any, any, *failure) {
			return s.schema(t).describe(s.faults.mandatoryOf(t.entity)), nil, nil
		}}, nil
	}
	if fail != nil {
		return nil, fail
	}
	return s.withRights(t, it), nil
}

// withRights returns an item that fails if the key has no rights to the kind.
func (s *Simulator) withRights(t *table, it *item) *item {
	do := it.do
	it.do = func(now time.Time) (any, any, *failure) {
		if fail := s.forbids(t); fail != nil {
			s.stats.Faults[fail.fault]++
			return nil, nil, fail
		}
		return do(now)
	}
	return it
}

// planCreate plans a create of an object, alone or in a batch. The lock is held.
func (s *Simulator) planCreate(t *table, object string) (*item, *failure) {
	sc := s.schema(t)
	values, fail := readRecord(sc, object)
	if fail != nil {
		return nil, fail
	}
	if fail := s.faults.validate(t.entity, values); fail != nil {
		s.stats.Faults[fail.fault]++
		return nil, fail
	}
	values = complete(t.entity, values)
	return s.withRights(t, &item{do: func(now time.Time) (any, any, *failure) {
		s.stats.Creates++
		if fail := cmp.Or(s.faults.rule(values), t.rule(values)); fail != nil {
			if fail.fault != "" {
				s.stats.Faults[fail.fault]++
			}
			return nil, nil, fail
		}
		s.stats.Created++
		return t.store.insert(values, now).render(sc, nil), nil, nil
	}}), nil
}

// rule refuses comments without a text or a known card. Other kinds have no such rule.
func (t *table) rule(values []fieldValue) *failure {
	if t.entity != Timelines {
		return nil
	}
	switch {
	case strings.TrimSpace(unquote(valueOf(values, "comment"))) == "":
		return &failure{Status: http.StatusUnprocessableEntity, Code: "BITRIX_ERROR", Message: "The comment is empty"}
	case !slices.Contains([]string{"contact", "deal", "lead", "company"}, unquote(valueOf(values, "entityType"))) || valueOf(values, "entityId") == "":
		return &failure{Status: http.StatusUnprocessableEntity, Code: "BITRIX_ERROR", Message: "Unknown card"}
	}
	return nil
}

// filledIn returns the values that a portal fills in if a create does not give them.
func filledIn(entity string) []fieldValue {
	switch entity {
	case Timelines:
		return nil
	case Leads:
		return []fieldValue{{"assignedById", "1"}, {"opened", "true"}, {"statusId", `"NEW"`}, {"sourceId", `"CALL"`}}
	case Deals:
		return []fieldValue{{"assignedById", "1"}, {"opened", "true"}, {"categoryId", "0"}, {"stageId", `"NEW"`}, {"typeId", `"SALE"`}}
	}
	return []fieldValue{{"assignedById", "1"}, {"opened", "true"}, {"typeId", `"CLIENT"`}, {"sourceId", `"CALL"`}}
}

// complete adds the values that a portal fills in, and leaves nulls out.
func complete(entity string, values []fieldValue) []fieldValue {
	for _, d := range filledIn(entity) {
		if !slices.ContainsFunc(values, func(v fieldValue) bool { return v.name == d.name && v.raw != "" }) {
			values = append(values, d)
		}
	}
	return slices.DeleteFunc(values, func(v fieldValue) bool { return v.raw == "" })
}

func (s *Simulator) planUpdate(t *table, ps params) (*item, *failure) {
	id, fail := readID(ps)
	if fail != nil {
		return nil, fail
	}
	sc := s.schema(t)
	values, fail := readChanges(sc, ps)
	if fail != nil {
		return nil, fail
	}
	return &item{do: func(now time.Time) (any, any, *failure) {
		c := t.store.get(id)
		if c == nil {
			return nil, nil, notFound(t.one() + " not found")
		}
		return t.store.replace(c, s.changes(c, values), now).render(sc, nil), nil, nil
	}}, nil
}

func (s *Simulator) planByID(t *table, action string, ps params) (*item, *failure) {
	id, fail := readID(ps)
	if fail != nil {
		return nil, fail
	}
	return &item{do: func(time.Time) (any, any, *failure) {
		c := t.store.get(id)
		if c == nil {
			return nil, nil, notFound(t.one() + " not found")
		}
		if action == "delete" {
			t.store.remove(id)
			return map[string]any{"id": id, "deleted": true}, nil, nil
		}
		return c.render(s.schema(t), nil), nil, nil
	}}, nil
}

func readID(ps params) (int64, *failure) {
	var id int64
	if json.Unmarshal(ps["id"], &id) != nil || id < 1 {
		return 0, invalid("MISSING_PARAMS", "id is required")
	}
	return id, nil
}

// Create makes a contact as if a person had made it in the portal. Faults do not
// concern it. body is that of POST /v1/contacts.
func (s *Simulator) Create(body string) (int64, error) { return s.CreateIn(Contacts, body) }

// CreateIn does what [Simulator.Create] does for any kind of object. body is that of POST /v1/{entity}.
func (s *Simulator) CreateIn(entity, body string) (int64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.tables[entity]
	values, fail := readRecord(s.schema(t), body)
	if fail != nil {
		return 0, errors.New(fail.Code + ": " + fail.Message)
	}
	return t.store.insert(complete(entity, values), s.now()).ID, nil
}

// Delete deletes a contact and reports whether it was there.
func (s *Simulator) Delete(id int64) bool { return s.DeleteIn(Contacts, id) }

// DeleteIn deletes an object and reports whether it was there.
func (s *Simulator) DeleteIn(entity string, id int64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.tables[entity].store.remove(id)
}

// Contacts returns all contacts, by id.
func (s *Simulator) Contacts() []Contact { return s.Records(Contacts) }

// Records returns all objects of a kind, by id.
func (s *Simulator) Records(entity string) []Record {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.tables[entity].store
	all := make([]Record, 0, t.count)
	for c := range t.all {
		all = append(all, *c)
	}
	return all
}

// Count returns the number of contacts.
func (s *Simulator) Count() int { return s.CountIn(Contacts) }

// CountIn returns the number of objects of a kind.
func (s *Simulator) CountIn(entity string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.tables[entity].store.count
}

// ByOrigin returns the contacts with this [Record.OriginID], by id.
func (s *Simulator) ByOrigin(id string) []Contact { return s.ByOriginIn(Contacts, id) }

// ByOriginIn returns the objects of a kind with this [Record.OriginID], by id.
func (s *Simulator) ByOriginIn(entity, id string) []Record {
	s.mu.Lock()
	defer s.mu.Unlock()
	var found []Record
	for _, c := range s.tables[entity].store.byOrigin(id) {
		found = append(found, *c)
	}
	return found
}

// planStatuses lists the portal's directories.
func planStatuses(query map[string][]string) (*plan, *failure) {
	type status struct {
		ID       int    `json:"id"`
		EntityID string `json:"entityId"`
		StatusID string `json:"statusId"`
		Name     string `json:"name"`
	}
	directories := []struct {
		entity string
		ids    []string
	}{
		{"SOURCE", []string{"CALL", "EMAIL", "WEB", "ADVERTISING", "PARTNER", "RECOMMENDATION", "TRADE_SHOW", "WEBFORM", "CALLBACK", "STORE", "OTHER"}},
		{"STATUS", []string{"NEW", "IN_PROCESS", "PROCESSED", "JUNK", "CONVERTED"}},
		{"DEAL_STAGE", []string{"NEW", "PREPARATION", "EXECUTING", "WON", "LOSE"}},
		{"DEAL_STAGE_3", []string{"C3:NEW", "C3:WON", "C3:LOSE"}},
		{"CONTACT_TYPE", []string{"CLIENT", "SUPPLIER", "PARTNER", "OTHER"}},
	}
	wanted := query["filter[entityId]"]
	return single(http.StatusOK, func(time.Time) (any, any, *failure) {
		found, id := []status{}, 0
		for _, d := range directories {
			for _, name := range d.ids {
				if id++; len(wanted) == 0 || slices.Contains(wanted, d.entity) {
					found = append(found, status{id, d.entity, name, name})
				}
			}
		}
		return found, page{Total: len(found), Returned: len(found)}, nil
	}), nil
}

// planCategories lists the portal's pipelines.
func planCategories() *plan {
	type category struct {
		ID   int    `json:"id"`
		Name string `json:"name"`
	}
	return single(http.StatusOK, func(time.Time) (any, any, *failure) {
		all := []category{{0, "General"}, {3, "Wholesale"}}
		return all, page{Total: len(all), Returned: len(all)}, nil
	})
}
