package crm

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Contact is what the portal holds of a person.
type Contact struct {
	ID      int
	Fields  map[string]any // as they were sent, but for fields that are not known
	Created time.Time
}

// Emails returns the contact's e-mail addresses.
func (c Contact) Emails() []string { return texts(c.Fields["email"]) }

// originID is the id that another system gave the contact; "": none.
func (c Contact) originID() string {
	if id, ok := c.Fields["originId"].(string); ok {
		return id
	}
	for name, value := range c.Fields {
		if id, ok := value.(string); ok && isUserField(name) {
			return id
		}
	}
	return ""
}

// Contacts returns all contacts in the order of their creation.
func (p *Portal) Contacts() []Contact {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.contacts)
}

// ByOrigin returns all contacts by the id that another system gave them; more than one
// of an id were created twice. Contacts without an id are not among them.
func (p *Portal) ByOrigin() map[string][]Contact {
	all := map[string][]Contact{}
	for _, c := range p.Contacts() {
		if id := c.originID(); id != "" {
			all[id] = append(all[id], c)
		}
	}
	return all
}

// Troubled returns how many creates met a fault of their own, by the contact's e-mail: an
// error was their answer, or their request hung or lost its answer. An error for a whole
// batch is not one.
func (p *Portal) Troubled() map[string]int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return maps.Clone(p.troubled)
}

// create makes a contact.
func (p *Portal) create(params []byte) answer {
	var sent map[string]any
	if err := json.Unmarshal(params, &sent); err != nil || len(sent) == 0 {
		return failure(http.StatusBadRequest, "INVALID_REQUEST", "the contact is not a JSON object with fields")
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	known := p.known()
	kept := map[string]any{}
	for name, value := range sent {
		name = p.spelling(name)
		f, ok := known[name]
		if !ok || f.ReadOnly {
			continue // fields that are not known are dropped silently
		}
		if a := f.check(name, value); a != nil {
			return *a
		}
		kept[name] = value
	}
	c := Contact{ID: 1000 + len(p.contacts) + 1, Fields: kept, Created: time.Now()}
	p.contacts = append(p.contacts, c)
	return success(http.StatusCreated, c.row())
}

// row is the contact as answers show it.
func (c Contact) row() map[string]any {
	row := maps.Clone(c.Fields)
	for name, value := range row {
		if name == "phone" || name == "email" {
			row[name] = texts(value) // flattened
		}
	}
	row["id"] = c.ID
	row["createdBy"], row["updatedBy"] = 1, 1
	row["createdTime"], row["updatedTime"] = portalTime(c.Created), portalTime(c.Created)
	return row
}

// values returns what look-ups compare of a field, in the spelling of answers.
func (c Contact) values(name string) []string {
	switch name {
	case "id":
		return []string{strconv.Itoa(c.ID)}
	case "createdBy", "updatedBy":
		return []string{"1"}
	case "createdTime", "updatedTime":
		return []string{portalTime(c.Created)}
	case "phone", "email":
		return texts(c.Fields[name])
	}
	return valuesOf(c.Fields[name])
}

// portalTime spells a time as a portal in Moscow does.
func portalTime(t time.Time) string {
	return t.In(time.FixedZone("", 3*60*60)).Format("2006-01-02T15:04:05-07:00")
}

func (p *Portal) get(id json.Number) answer {
	n, err := strconv.Atoi(string(id))
	p.mu.Lock()
	defer p.mu.Unlock()
	i := slices.IndexFunc(p.contacts, func(c Contact) bool { return c.ID == n })
	if err != nil || i < 0 {
		return failure(http.StatusNotFound, "ENTITY_NOT_FOUND", fmt.Sprintf("there is no contact %q", id))
	}
	return success(http.StatusOK, p.contacts[i].row())
}

// texts returns the values of a phone or e-mail field in any of its three forms.
func texts(value any) []string {
	switch v := value.(type) {
	case string:
		return []string{v}
	case []any:
		var all []string
		for _, item := range v {
			all = append(all, texts(item)...)
		}
		return all
	case map[string]any:
		return texts(v["value"])
	}
	return nil
}

// isUserField reports whether a field's name is one of a user field.
func isUserField(name string) bool { return strings.HasPrefix(strings.ToLower(name), "ufcrm_") }

// spelling is the name that answers use: UF_CRM_X is ufCrm_X. The caller holds mu.
func (p *Portal) spelling(name string) string {
	if rest, ok := strings.CutPrefix(name, "UF_CRM_"); ok {
		return "ufCrm_" + rest
	}
	return name
}
