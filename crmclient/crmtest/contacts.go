package crmtest

import (
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"time"
)

// params are the parameters of an action.
type params = map[string]json.RawMessage

// planAction plans one action on contacts but create, alone or in a batch. The lock
// is held.
func (s *Simulator) planAction(action string, ps params) (*item, *failure) {
	switch action {
	case "update":
		return s.planUpdate(ps)
	case "get", "delete":
		return s.planByID(action, ps)
	case "list", "search":
		return s.planLookup(action, ps)
	case "fields":
		return &item{do: func(time.Time) (any, any, *failure) {
			return s.schema().describe(s.faults.Mandatory), nil, nil
		}}, nil
	}
	return nil, invalid("INVALID_PARAMS", "Unknown action %q", action)
}

// planCreate plans a create of an object, alone or in a batch. The lock is held.
func (s *Simulator) planCreate(object string) (*item, *failure) {
	sc := s.schema()
	values, fail := readContact(sc, object)
	if fail != nil {
		return nil, fail
	}
	if fail := s.faults.validate(values); fail != nil {
		s.stats.Faults[fail.fault]++
		return nil, fail
	}
	values = complete(values)
	return &item{do: func(now time.Time) (any, any, *failure) {
		s.stats.Creates++
		if fail := s.faults.rule(values); fail != nil {
			s.stats.Faults[fail.fault]++
			return nil, nil, fail
		}
		s.stats.Created++
		return s.store.insert(values, now).render(sc, nil), nil, nil
	}}, nil
}

// complete adds what a portal fills in by itself and leaves nulls out.
func complete(values []fieldValue) []fieldValue {
	for _, d := range []fieldValue{{"assignedById", "1"}, {"opened", "true"}, {"typeId", `"CLIENT"`}, {"sourceId", `"CALL"`}} {
		if !slices.ContainsFunc(values, func(v fieldValue) bool { return v.name == d.name && v.raw != "" }) {
			values = append(values, d)
		}
	}
	return slices.DeleteFunc(values, func(v fieldValue) bool { return v.raw == "" })
}

func (s *Simulator) planUpdate(ps params) (*item, *failure) {
	id, fail := readID(ps)
	if fail != nil {
		return nil, fail
	}
	sc := s.schema()
	values, fail := readChanges(sc, ps)
	if fail != nil {
		return nil, fail
	}
	return &item{do: func(now time.Time) (any, any, *failure) {
		c := s.store.get(id)
		if c == nil {
			return nil, nil, notFound("Contact not found")
		}
		return s.store.replace(c, values, now).render(sc, nil), nil, nil
	}}, nil
}

func (s *Simulator) planByID(action string, ps params) (*item, *failure) {
	id, fail := readID(ps)
	if fail != nil {
		return nil, fail
	}
	return &item{do: func(time.Time) (any, any, *failure) {
		c := s.store.get(id)
		if c == nil {
			return nil, nil, notFound("Contact not found")
		}
		if action == "delete" {
			s.store.remove(id)
			return map[string]any{"id": id, "deleted": true}, nil, nil
		}
		return c.render(s.schema(), nil), nil, nil
	}}, nil
}

func readID(ps params) (int64, *failure) {
	var id int64
	if json.Unmarshal(ps["id"], &id) != nil || id < 1 {
		return 0, invalid("MISSING_PARAMS", "id is required")
	}
	return id, nil
}

// Create puts a contact there, as if someone had made it in the portal,
// whatever faults are set; body is that of POST /v1/contacts.
func (s *Simulator) Create(body string) (int64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	values, fail := readContact(s.schema(), body)
	if fail != nil {
		return 0, errors.New(fail.Code + ": " + fail.Message)
	}
	return s.store.insert(complete(values), s.now()).ID, nil
}

// Delete takes a contact away and tells whether it was there.
func (s *Simulator) Delete(id int64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.store.remove(id)
}

// Contacts are all contacts held, by id.
func (s *Simulator) Contacts() []Contact {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]Contact, 0, s.store.count)
	for c := range s.store.all {
		all = append(all, *c)
	}
	return all
}

// Count is the number of contacts held.
func (s *Simulator) Count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.store.count
}

// ByOrigin are the contacts with this [Contact.OriginID], by id.
func (s *Simulator) ByOrigin(id string) []Contact {
	s.mu.Lock()
	defer s.mu.Unlock()
	var found []Contact
	for _, c := range s.store.byOrigin(id) {
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
