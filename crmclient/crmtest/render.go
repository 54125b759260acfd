package crmtest

import (
	"encoding/json"
	"strconv"
	"time"
)

// rendered is a contact as answers show it.
type rendered []byte

// MarshalJSON gives the bytes as they are.
func (r rendered) MarshalJSON() ([]byte, error) { return r, nil }

// render writes the contact with all fields of the schema, or those of
// selected (fieldKeys) and the id.
func (c *Contact) render(sc *schema, selected map[string]bool) rendered {
	values := make(map[string]string, len(sc.fields))
	for v := range c.each {
		values[v.name] = v.raw
	}
	b := make([]byte, 0, 2*len(c.data)+256)
	b = append(b, `{"id":`...)
	b = appendInt(b, c.ID)
	for _, f := range sc.fields[1:] {
		if len(selected) > 0 && !selected[fieldKey(f.name)] {
			continue
		}
		b = append(b, ',', '"')
		b = append(b, sc.spell(f)...)
		b = append(b, '"', ':')
		b = c.appendField(b, f, values)
	}
	if len(selected) == 0 || selected["phone"] || selected["email"] || selected["fm"] {
		b = c.appendMultifields(b)
	}
	return append(b, '}')
}

func (c *Contact) appendField(b []byte, f field, values map[string]string) []byte {
	raw := values[f.name]
	switch {
	case f.name == "createdTime":
		return appendTime(b, c.Created)
	case f.name == "updatedTime":
		return appendTime(b, c.Updated)
	case f.name == "createdBy", f.name == "updatedBy":
		return append(b, '1')
	case raw == "":
		return append(b, "null"...)
	case f.kind == kindPhone, f.kind == kindEmail:
		// Reading a contact back shows these flattened.
		return appendJSON(b, c.multi(f.name)[0].Value)
	default:
		return append(b, raw...)
	}
}

// appendMultifields writes all phones and e-mails as fm[].
func (c *Contact) appendMultifields(b []byte) []byte {
	type entry struct {
		TypeID    string `json:"typeId"`
		ValueType string `json:"valueType"`
		Value     string `json:"value"`
	}
	phones, emails := c.multi("phone"), c.multi("email")
	all := make([]entry, 0, len(phones)+len(emails))
	for _, m := range phones {
		all = append(all, entry{"PHONE", m.TypeID, m.Value})
	}
	for _, m := range emails {
		all = append(all, entry{"EMAIL", m.TypeID, m.Value})
	}
	return appendJSON(append(b, `,"fm":`...), all)
}

func appendInt(b []byte, n int64) []byte { return strconv.AppendInt(b, n, 10) }

func appendTime(b []byte, t time.Time) []byte {
	return t.AppendFormat(b, `"`+time.RFC3339+`"`)
}

func appendJSON(b []byte, v any) []byte {
	j, err := json.Marshal(v)
	if err != nil {
		panic("crmtest: " + err.Error()) // texts and slices of them cannot fail
	}
	return append(b, j...)
}
