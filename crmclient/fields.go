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
	lacks  []string         // fields of ours that it does not take
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

// takes tells whether the portal does not drop a field of a contact with so many user fields.
// Comments are what we have left.
func (p *portal) takes(name string, user int) bool {
	switch {
	case name == "comments":
		return true
	case user > 0:
		return p.writable(name)
	}
	return !slices.Contains(p.lacks, name)
}

// fit moves what the portal would drop without a word into the comments, and appends the names to
// unknown. Phones and e-mails leave all the same: a person without any is worth nothing, and an
// unknown field does no harm. So many user fields were given with the body, which is used up.
func (p *portal) fit(b body, user int, unknown []string) (body, []string) {
	at := slices.IndexFunc(b, func(f bodyField) bool { return !p.takes(f.name, user) })
	if at < 0 {
		return b, unknown
	}
	var comments strings.Builder
	given := b.text("comments")
	comments.Grow(len(given) + usualMoved)
	comments.WriteString(given)
	kept := b[:at]
	for _, f := range b[at:] {
		taken := p.takes(f.name, user)
		if !taken {
			unknown = append(unknown, f.name)
			if words := plain(f.value); words != "" {
				addLine(&comments, f.name, words)
			}
		}
		if taken || f.name == "phone" || f.name == "email" {
			kept = append(kept, f)
		}
	}
	if comments.Len() > 0 {
		kept = kept.set("comments", comments.String())
	}
	return kept, unknown
}

// usualMoved is how many bytes most moved fields take in comments, or more.
const usualMoved = 128

// addLine adds a field as "name: words".
func addLine(to *strings.Builder, name, words string) {
	if to.Len() > 0 {
		to.WriteByte('\n')
	}
	to.WriteString(name)
	to.WriteString(": ")
	to.WriteString(words)
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
