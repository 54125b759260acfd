package vibe

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"

	"github.com/leadbridge/leadbridge/internal/jsonscan"
)

// Held is what the card of a contact holds, for a change that only adds to it. It never changes.
type Held struct {
	filled  map[string]bool // by folded name: the answer tells the field; false: it is empty
	empties bool            // the answer tells empty fields: of one that it does not tell nothing is known

	Known          Known        // the person
	Phones, Emails []Multifield // in the portal's spelling; TypeID is "" where it is not told, and of a piece of a text
}

// Held reads the card of a contact, as [Get] answers it. Phones and e-mails are read as [Row.Known] does.
func (r Row) Held() Held {
	h := Held{filled: map[string]bool{}, Known: r.Known()}
	if !jsonscan.IsObject(json.RawMessage(r)) {
		return h
	}
	for key, raw := range jsonscan.Members(json.RawMessage(r)) {
		name := foldName(string(key))
		blank := empty(raw) || strings.HasSuffix(name, "id") && isZero(raw)
		h.filled[name] = h.filled[name] || !blank
		h.empties = h.empties || blank
		var told points
		switch {
		case name == "fm":
			told.read(raw, "", "")
		case strings.HasPrefix(name, "phone"):
			told.read(raw, "phone", strings.ToUpper(strings.TrimPrefix(name, "phone"))) // phoneWork
		case strings.HasPrefix(name, "email"):
			told.read(raw, "email", strings.ToUpper(strings.TrimPrefix(name, "email")))
		}
		h.Phones, h.Emails = united(h.Phones, told.phones), united(h.Emails, told.emails)
	}
	return h
}

// united are those of two fields of one answer that tell the same values, or a part of them: each as often as one of the
// two tells it, with its kind where one does.
func united(a, b []Multifield) []Multifield {
	all := slices.Clone(a)
	taken := make([]bool, len(a))
	for _, m := range b {
		i := -1
		for n, other := range a {
			if !taken[n] && other.Value == m.Value && (i < 0 || other.TypeID == m.TypeID) {
				i = n
			}
		}
		if i < 0 {
			all = append(all, m)
			continue
		}
		taken[i] = true
		if m.TypeID != "" {
			all[i].TypeID = m.TypeID
		}
	}
	return all
}

// Empty reports whether the card is known to have nothing in a field. A field that the answer does not tell is empty only
// where answers leave out what is empty.
func (h Held) Empty(name string) bool {
	filled, told := h.filled[foldName(name)]
	if !told {
		return !h.empties
	}
	return !filled
}

// TellsPoints reports whether the phones, or the e-mails, are all that the card has: name is the field.
func (h Held) TellsPoints(name string) bool {
	for field := range h.filled {
		if field == "fm" || strings.HasPrefix(field, foldName(name)) {
			return true
		}
	}
	return !h.empties
}

// HasAny reports whether one of the fields that f chooses by their names is filled.
func (h Held) HasAny(f func(name string) bool) bool {
	for name, filled := range h.filled {
		if filled && f(name) {
			return true
		}
	}
	return false
}

// empty reports whether a value says nothing. A number and a boolean always say something, save [isZero].
func empty(raw json.RawMessage) bool {
	raw = bytes.TrimSpace(raw)
	switch string(raw) {
	case "", "null", `""`, "[]", "{}":
		return true
	}
	if raw[0] == '"' {
		return strings.TrimSpace(jsonscan.Text(raw)) == ""
	}
	return false
}

// isZero reports whether a value is the number 0, as portals write the id of nothing.
func isZero(raw json.RawMessage) bool { return strings.Trim(string(raw), `" `) == "0" }

// points are the phones and e-mails that one field tells.
type points struct{ phones, emails []Multifield }

// read takes those of a value. field is "" in a list of both, where each names its own.
func (p *points) read(raw json.RawMessage, field, kind string) {
	raw = bytes.TrimSpace(raw)
	if len(raw) == 0 {
		return
	}
	switch raw[0] {
	case '[':
		var list []json.RawMessage
		_ = json.Unmarshal(raw, &list) // what cannot be read holds nothing
		for _, one := range list {
			p.read(one, field, kind)
		}
	case '{':
		p.readObject(raw, field, kind)
	case '"':
		text := jsonscan.Text(raw)
		all := strings.FieldsFunc(text, func(r rune) bool { return r == ';' || r == '\n' || r == ',' })
		if len(all) > 0 && all[0] != text { // a piece is for comparison: what the portal has may be another value
			kind = ""
		}
		for _, one := range all {
			p.add(field, one, kind)
		}
	case '-', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9':
		p.add(field, string(raw), kind)
	}
}

// readObject takes an object: one phone or e-mail, or lists of them by their field.
func (p *points) readObject(raw json.RawMessage, field, kind string) {
	members := map[string]json.RawMessage{}
	for key, value := range jsonscan.Members(raw) {
		members[foldName(string(key))] = value
	}
	value, one := members["value"]
	if !one {
		for name, some := range members {
			if field == "" && (name == "phone" || name == "email") {
				p.read(some, name, kind)
			}
		}
		return
	}
	for _, name := range [...]string{"typeid", "valuetype"} {
		text := strings.ToUpper(jsonscan.Text(members[name]))
		switch {
		case text == "":
		case field == "" && name == "typeid": // in a list of both it names the field
			field = strings.ToLower(text)
		default:
			kind = text
		}
	}
	text := jsonscan.Text(value)
	if text == "" {
		text = strings.Trim(string(value), `"`)
	}
	p.add(field, text, kind)
}

func (p *points) add(field, text, kind string) {
	m := Multifield{Value: strings.TrimSpace(text), TypeID: kind}
	switch {
	case m.Value == "", m.Value == "null":
	case field == "email", field == "" && strings.Contains(m.Value, "@"):
		p.emails = append(p.emails, m)
	case field == "phone", field == "":
		p.phones = append(p.phones, m)
	}
}

// Takes reports whether the API takes a kind of phone, or of e-mail: name is the field.
func Takes(name, kind string) bool {
	switch kind {
	case "WORK", "HOME", "OTHER":
		return true
	case "MOBILE":
		return name == "phone"
	case "MAILING":
		return name == "email"
	}
	return false
}

// foldName is a field's name without what portals spell differently: lastName and LAST_NAME are one.
func foldName(name string) string { return strings.ToLower(strings.ReplaceAll(name, "_", "")) }

// TellsOfVisit reports whether a field tells where a visit came from, as folded names of [Held.HasAny] have it too: a
// UTM value, or a user field of [TrackingField].
func TellsOfVisit(name string) bool {
	name = foldName(name)
	ours := foldName(UserFieldPrefix + trackingPrefix)
	return strings.HasPrefix(name, "utm") || strings.HasPrefix(name, ours) && name != ours+"eventid"
}
