package crmclient

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// portal is what we learned about the portal. It never changes.
type portal struct {
	name   string           // as company.bitrix24.ru; "": not told
	rate   float64          // requests a second; 0: not told
	fields map[string]field // by folded name
	way    way              // in force
}

// field is one field of a contact.
type field struct {
	name     string // as the portal spells it
	readOnly bool
}

// parseFields reads the answer of GET /v1/contacts/fields.
func parseFields(data json.RawMessage) (map[string]field, error) {
	var answer struct {
		Fields map[string]struct {
			IsReadOnly bool `json:"isReadOnly"`
		} `json:"fields"`
	}
	if err := json.Unmarshal(data, &answer); err != nil || len(answer.Fields) == 0 {
		return nil, fmt.Errorf("no fields in the answer")
	}
	fields := make(map[string]field, len(answer.Fields))
	for name, f := range answer.Fields {
		fields[foldField(name)] = field{name: name, readOnly: f.IsReadOnly}
	}
	return fields, nil
}

// writable tells whether the portal takes a field.
func (p *portal) writable(name string) bool {
	f, ok := p.fields[foldField(name)]
	return ok && !f.readOnly
}

// missing are the fields of ours that the portal does not take.
func (p *portal) missing() []string {
	var names []string
	for _, name := range ownFields {
		if !p.writable(name) {
			names = append(names, name)
		}
	}
	return names
}

// takes tells whether the portal knows every field of a body.
func (p *portal) takes(body map[string]any) bool {
	for name := range body {
		if !p.writable(name) && name != "comments" {
			return false
		}
	}
	return true
}

// fit moves what the portal would drop without a word into the comments, and
// gives the names. Phones and e-mails leave all the same: a person without any is worth
// nothing, and an unknown field does no harm.
func (p *portal) fit(body map[string]any) []string {
	if p.takes(body) {
		return nil
	}
	var unknown, lines []string
	for _, name := range slices.Sorted(maps.Keys(body)) {
		if p.writable(name) || name == "comments" {
			continue
		}
		unknown = append(unknown, name)
		if words := plain(body[name]); words != "" {
			lines = append(lines, name+": "+words)
		}
		if name != "phone" && name != "email" {
			delete(body, name)
		}
	}
	if len(lines) > 0 {
		if given, _ := body["comments"].(string); given != "" {
			lines = append([]string{given}, lines...)
		}
		body["comments"] = strings.Join(lines, "\n")
	}
	return unknown
}

// plain writes a value for a person.
func plain(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	case []Multifield:
		values := make([]string, len(v))
		for i, m := range v {
			values[i] = m.Value
		}
		return strings.Join(values, ", ")
	case []any:
		var values []string
		for _, one := range v {
			if words := plain(one); words != "" {
				values = append(values, words)
			}
		}
		return strings.Join(values, ", ")
	}
	return fmt.Sprint(v)
}
