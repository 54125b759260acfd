package crmtest

import (
	"net/http"
	"slices"
	"strings"
	"time"
)

// Portals differ where the vendor documents nothing. This file has the variants that Options choose from.

// changes returns the values that a record has after an update. With PatchAdds, the phones and e-mails that it had stay.
func (s *Simulator) changes(c *Record, values []fieldValue) []fieldValue {
	if !s.opts.PatchAdds {
		return values
	}
	values = slices.Clone(values)
	for i, v := range values {
		if (v.name == "phone" || v.name == "email") && v.raw != "" {
			values[i].raw = joinArrays(c.raw(v.name), v.raw)
		}
	}
	return values
}

// joinArrays returns a JSON array with the elements of two. "" stands for an empty array.
func joinArrays(a, b string) string {
	if a == "" {
		return b
	}
	return strings.TrimSuffix(a, "]") + "," + strings.TrimPrefix(b, "[")
}

// ignores reports whether look-ups ignore a condition.
func (s *Simulator) ignores(c condition) bool {
	return slices.ContainsFunc(s.opts.IgnoredFilters, func(name string) bool { return name == c.op || fieldKey(name) == c.field.key })
}

// vary sets how the portal compares the values of a field.
func (f *field) vary(o Options) {
	f.normalised = f.kind == kindPhone && o.NormalisedPhones
	f.zoneless = f.kind == kindTime && o.IgnoredZones
}

// normalPhone returns the form in which a portal with NormalisedPhones compares numbers: only digits, with 7 for a Russian 8.
func normalPhone(text string) string {
	digits := strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, text)
	if rest, ok := strings.CutPrefix(digits, "8"); ok && len(digits) == 11 {
		return "7" + rest
	}
	return digits
}

// localTime returns a time with the same clock reading in the portal's zone.
func localTime(t time.Time, zone *time.Location) time.Time {
	if zone == nil { // the time is a stored value, not one of a filter
		return t
	}
	return time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), 0, zone)
}

// planDeleteUserField deletes a user field with its values.
func (s *Simulator) planDeleteUserField(t *table, id int64) (*plan, *failure) {
	return planOf(http.StatusOK, s.withRights(t, &item{do: func(time.Time) (any, any, *failure) {
		i := slices.IndexFunc(t.userFields.all, func(f *userField) bool { return f.ID == id })
		switch {
		case s.opts.KeptUserFields:
			return nil, nil, &failure{Status: http.StatusForbidden, Code: "BITRIX_ACCESS_DENIED", Message: "Access denied"}
		case i < 0:
			return nil, nil, notFound("User field not found")
		}
		t.dropUserField(t.userFields.all[i])
		return map[string]any{"id": id, "deleted": true}, nil, nil
	}})), nil
}

// dropUserField deletes a user field with its values.
func (t *table) dropUserField(f *userField) {
	t.userFields.all = slices.DeleteFunc(t.userFields.all, func(o *userField) bool { return o == f })
	t.userFields.version++
	for c := range t.store.all {
		if c.raw(f.FieldName) != "" {
			t.store.replace(c, []fieldValue{{f.FieldName, ""}}, c.Updated)
		}
	}
}
