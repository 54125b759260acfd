package crmclient

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// portal is what we learned about the portal. It never changes.
type portal struct {
	name   string           // as company.bitrix24.ru; "": not told
	rate   float64          // requests a second; 0: not told
	fields map[string]field // by folded name
	whole  bool             // it takes all fields of ours
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

// takes tells whether the portal does not drop a field. Comments are what we have left.
func (p *portal) takes(f bodyField) bool { return f.name == "comments" || p.writable(f.name) }

// fit moves what the portal would drop without a word into the comments, and
// gives the names. Phones and e-mails leave all the same: a person without any is worth
// nothing, and an unknown field does no harm. So many user fields were given with it.
func (p *portal) fit(b body, user int) (fitted body, unknown []string) {
	if p.whole && user == 0 || !slices.ContainsFunc(b, func(f bodyField) bool { return !p.takes(f) }) {
		return b, nil
	}
	var lines []string
	if given := b.text("comments"); given != "" {
		lines = append(lines, given)
	}
	kept := make(body, 0, len(b)+1)
	for _, f := range b {
		if p.takes(f) {
			kept = append(kept, f)
			continue
		}
		unknown = append(unknown, f.name)
		if words := plain(f.value); words != "" {
			lines = append(lines, f.name+": "+words)
		}
		if f.name == "phone" || f.name == "email" {
			kept = append(kept, f)
		}
	}
	if len(lines) > 0 {
		kept = kept.set("comments", strings.Join(lines, "\n"))
	}
	return kept, unknown
}

// plain writes a value for a person.
func plain(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case *string:
		return *v
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	case *[]Multifield:
		values := make([]string, len(*v))
		for i, m := range *v {
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
