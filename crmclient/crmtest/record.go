package crmtest

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// Contact is a [Record] of the contacts.
type Contact = Record

// Record is one object that the simulator holds: a contact, a lead, a deal, or a comment on a
// card. A value is never modified.
type Record struct {
	ID      int64
	Created time.Time // by the portal's clock
	Updated time.Time

	// data has the name and the JSON value of each field, each with its length before it.
	// So hundreds of thousands of records stay small, and texts are read without a copy.
	data string
}

// Multifield is one value of a record's phone or email.
type Multifield struct {
	Value  string `json:"value"`
	TypeID string `json:"typeId"`
}

// fieldValue is one field of a record with its value as JSON.
type fieldValue struct {
	name string
	raw  string
}

// pack returns values in the form of Record.data.
func pack(values []fieldValue) string {
	size := 0
	for _, v := range values {
		size += 2*binary.MaxVarintLen16 + len(v.name) + len(v.raw)
	}
	b := make([]byte, 0, size)
	for _, v := range values {
		b = binary.AppendUvarint(b, uint64(len(v.name)))
		b = append(b, v.name...)
		b = binary.AppendUvarint(b, uint64(len(v.raw)))
		b = append(b, v.raw...)
	}
	return string(b)
}

// each yields the fields of the record.
func (c *Record) each(yield func(fieldValue) bool) {
	rest := c.data
	next := func() string {
		n, size := uvarint(rest)
		text := rest[size : size+n]
		rest = rest[size+n:]
		return text
	}
	for rest != "" {
		if v := (fieldValue{name: next(), raw: next()}); !yield(v) {
			return
		}
	}
}

// uvarint is binary.Uvarint for a string.
func uvarint(s string) (n, size int) {
	for shift := 0; ; shift += 7 {
		b := s[size]
		size++
		n |= int(b&0x7f) << shift
		if b < 0x80 {
			return n, size
		}
	}
}

// raw returns the JSON value of a field; "" if it was not given.
func (c *Record) raw(name string) string {
	for v := range c.each {
		if v.name == name {
			return v.raw
		}
	}
	return ""
}

// Get returns the value of a field by its name in the API: a string, float64, bool, []Multifield, or
// any JSON value for a user field, whose name may have any spelling; nil if it was not given.
func (c Record) Get(name string) any {
	switch name {
	case "phone", "email":
		if m := c.multi(name); m != nil {
			return m
		}
		return nil
	}
	var value any
	key := fieldKey(name)
	for v := range c.each {
		if fieldKey(v.name) == key {
			_ = json.Unmarshal([]byte(v.raw), &value) // cannot fail: it was checked when it came
			return value
		}
	}
	return nil
}

// Text returns the value of a field of text; "" if it was not given.
func (c Record) Text(name string) string {
	key := fieldKey(name)
	for v := range c.each {
		if fieldKey(v.name) == key {
			return unquote(v.raw)
		}
	}
	return ""
}

// Phones returns the record's phone numbers.
func (c Record) Phones() []Multifield { return c.multi("phone") }

// Emails returns the record's e-mail addresses.
func (c Record) Emails() []Multifield { return c.multi("email") }

func (c *Record) multi(name string) []Multifield {
	var all []Multifield
	for e := range entries(c.raw(name)) {
		all = append(all, Multifield{unquote(e.value), unquote(e.typeID)})
	}
	return all
}

// unquote returns the text of a JSON string; "" for any other value. It does not copy strings
// without escapes.
func unquote(raw string) string {
	if len(raw) < 2 || raw[0] != '"' {
		return ""
	}
	inner := raw[1 : len(raw)-1]
	if !strings.Contains(inner, `\`) && utf8.ValidString(inner) {
		return inner
	}
	var text string
	_ = json.Unmarshal([]byte(raw), &text) // cannot fail: it was checked when it came
	return text
}

// shortestOrigin is the least length of a word that may be an origin id.
const shortestOrigin = 16

// OriginID returns the id of the event that the record carries: originId, else
// [OriginUserField], else the last word of sourceDescription, or of a comment on a card, that looks
// like an id: 16 or more letters, digits, dashes and underscores, with at least one digit.
func (c Record) OriginID() string {
	var user, description string
	for v := range c.each {
		switch v.name {
		case "originId":
			if id := unquote(v.raw); id != "" {
				return id
			}
		case OriginUserField:
			user = unquote(v.raw)
		case "sourceDescription", "comment":
			description = unquote(v.raw)
		}
	}
	if user != "" || description == "" {
		return user
	}
	return lastOrigin(description)
}

func lastOrigin(text string) string {
	words := strings.FieldsFunc(text, func(r rune) bool {
		return r != '-' && r != '_' && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
	})
	for _, w := range slices.Backward(words) {
		if len(w) >= shortestOrigin && strings.ContainsAny(w, "0123456789") {
			return w
		}
	}
	return ""
}

// MarshalJSON returns the record as the simulator holds it: the id, times that are not rounded, and
// every field that was given.
func (c Record) MarshalJSON() ([]byte, error) {
	b := []byte(`{"id":`)
	b = appendInt(b, c.ID)
	b = append(b, `,"createdTime":`...)
	b = appendTime(b, c.Created, time.RFC3339Nano)
	b = append(b, `,"updatedTime":`...)
	b = appendTime(b, c.Updated, time.RFC3339Nano)
	for v := range c.each {
		b = append(b, ',', '"')
		b = append(b, v.name...)
		b = append(b, '"', ':')
		b = append(b, v.raw...)
	}
	return append(b, '}'), nil
}

// UnmarshalJSON is the inverse of MarshalJSON. It reads the records in the answer of /_sim/contacts.
func (c *Record) UnmarshalJSON(text []byte) error {
	var known struct {
		ID      int64     `json:"id"`
		Created time.Time `json:"createdTime"`
		Updated time.Time `json:"updatedTime"`
	}
	var all map[string]json.RawMessage
	if err := errors.Join(json.Unmarshal(text, &known), json.Unmarshal(text, &all)); err != nil {
		return err
	}
	var values []fieldValue
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if name != "id" && name != "createdTime" && name != "updatedTime" {
			values = append(values, fieldValue{name, string(all[name])})
		}
	}
	*c = Record{ID: known.ID, Created: known.Created, Updated: known.Updated, data: pack(values)}
	return nil
}
