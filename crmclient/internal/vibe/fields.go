package vibe

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Fields are the fields of an entity as a portal lists them. A value is never modified; the zero value
// has no fields.
type Fields struct {
	byName     map[string]field  // by folded name
	honorifics map[string]string // ids by folded name; nil: not known
}

// field is one field of an entity.
type field struct {
	name     string // as the portal spells it
	readOnly bool
}

// Known reports whether the portal lists any fields.
func (f Fields) Known() bool { return len(f.byName) > 0 }

// Lists reports whether the portal has a field, read-only or not. The name of a user field may have any
// spelling, here and below.
func (f Fields) Lists(name string) bool {
	_, ok := f.byName[foldField(name)]
	return ok
}

// Writable reports whether the portal has a field that can be written.
func (f Fields) Writable(name string) bool {
	field, ok := f.byName[foldField(name)]
	return ok && !field.readOnly
}

// Spelling returns a field's name as the portal spells it, "" for one that it does not list.
func (f Fields) Spelling(name string) string { return f.byName[foldField(name)].name }

// Missing returns those fields of an entity that we send and that the portal does not take.
func (f Fields) Missing(entity Entity) []string {
	var names []string
	for _, name := range fieldsOf(entity) {
		if !f.Writable(name) {
			names = append(names, name)
		}
	}
	return names
}

// Fit moves fields that the portal does not take, and would drop silently, into the comments of b, as
// lines of "name: value". It returns their names, sorted. Exceptions:
//
//   - Phones and e-mails are copied into the comments but also stay in their fields: a person without any is worth
//     nothing, and an unknown field does no harm.
//   - Comments and a deal's contact always stay in their fields.
//   - Tracking values move to the user fields of [TrackingField] if the portal has them; the others become one block
//     of the comments.
func (f Fields) Fit(b Body) (moved []string) {
	var lines []string
	if given := plain(b["comments"]); given != "" {
		lines = append(lines, given)
	}
	f.fitHonorific(b)
	visit := f.fitTracking(b)
	for name := range b {
		if name != "comments" && name != "contactId" && !f.Writable(name) {
			moved = append(moved, name)
		}
	}
	slices.Sort(moved)
	for _, name := range moved {
		if words := plain(b[name]); words != "" {
			lines = append(lines, name+": "+words)
		}
		if name != "phone" && name != "email" {
			delete(b, name)
		}
	}
	lines = append(lines, visit...)
	if len(moved)+len(visit) > 0 && len(lines) > 0 {
		b["comments"] = strings.Join(lines, "\n")
	}
	return moved
}

// plain writes a value for people.
func plain(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case json.Number:
		return v.String()
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
