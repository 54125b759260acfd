package crmtest

import (
	"encoding/json"
	"strconv"
	"time"
)

// rendered is a record as JSON, in the form of answers.
type rendered []byte

// MarshalJSON returns the bytes as they are.
func (r rendered) MarshalJSON() ([]byte, error) { return r, nil }

// render returns the record with all fields of the schema. If selected is not empty, it has only the id and the
// fields whose fieldKeys are in selected.
func (c *Record) render(sc *schema, selected map[string]bool) rendered {
	values := make([]fieldValue, 0, len(sc.fields))
	for v := range c.each {
		values = append(values, v)
	}
	b := make([]byte, 0, 2*len(c.data)+512)
	b = append(b, `{"id":`...)
	b = appendInt(b, c.ID)
	for i := 1; i < len(sc.fields); i++ {
		if f := &sc.fields[i]; len(selected) == 0 || selected[f.key] {
			b = append(b, f.label...)
			b = c.appendField(b, f, values)
		}
	}
	if _, persons := sc.find("phone"); !persons {
		return append(b, '}')
	}
	if len(selected) == 0 || selected["phone"] || selected["email"] || selected["fm"] {
		b = appendMultifields(b, values)
	}
	return append(b, '}')
}

func (c *Record) appendField(b []byte, f *field, values []fieldValue) []byte {
	if f.readOnly {
		switch f.name {
		case "createdTime", "createdAt":
			return appendTime(b, c.Created, time.RFC3339)
		case "updatedTime", "updatedAt":
			return appendTime(b, c.Updated, time.RFC3339)
		case "createdBy", "updatedBy":
			return append(b, '1')
		}
	}
	raw := valueOf(values, f.name)
	if raw == "" {
		return append(b, "null"...)
	}
	if f.kind == kindPhone || f.kind == kindEmail {
		for e := range entries(raw) { // as on the real portal, only the first one
			return append(b, e.value...)
		}
	}
	return append(b, raw...)
}

// valueOf returns the value of a field; "" if it was not given.
func valueOf(values []fieldValue, name string) string {
	for i := range values {
		if values[i].name == name {
			return values[i].raw
		}
	}
	return ""
}

// appendMultifields writes all phones and e-mails as fm[].
func appendMultifields(b []byte, values []fieldValue) []byte {
	b = append(b, `,"fm":[`...)
	first := true
	for _, kind := range [...][2]string{{"phone", `{"typeId":"PHONE","valueType":`}, {"email", `{"typeId":"EMAIL","valueType":`}} {
		for e := range entries(valueOf(values, kind[0])) {
			if !first {
				b = append(b, ',')
			}
			first = false
			b = append(append(b, kind[1]...), e.typeID...)
			b = append(append(b, `,"value":`...), e.value...)
			b = append(b, '}')
		}
	}
	return append(b, ']')
}

func appendInt(b []byte, n int64) []byte { return strconv.AppendInt(b, n, 10) }

func appendTime(b []byte, t time.Time, layout string) []byte {
	return append(t.AppendFormat(append(b, '"'), layout), '"')
}

func appendJSON(b []byte, v any) []byte {
	j, err := json.Marshal(v)
	if err != nil {
		panic("crmtest: " + err.Error()) // texts and slices of them cannot fail
	}
	return append(b, j...)
}
