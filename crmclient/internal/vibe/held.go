package vibe

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"

	"github.com/leadbridge/leadbridge/internal/jsonscan"
)

// Held is what the card of a contact holds. It is read before an update that must only add to the card. A value is never
// modified.
type Held struct {
	filled  map[string]bool // by folded name, for each field in the answer: whether the field has a value
	empties bool            // the answer has empty fields, too, so that nothing is known of a field that it lacks; false: such a field is empty

	Known          Known        // the person
	Phones, Emails []Multifield // in the portal's spelling; TypeID is "" if it is not known, or the value is a part of a text
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

// united returns the values of two lists of phones, or of e-mails, which may have the same values because an answer repeats
// them in several fields. A value that both lists have is returned once, with its type if one of them has it.
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

// Empty reports whether a field of the card is known to be empty. A field that the answer lacks is empty only if answers leave
// out empty fields.
func (h Held) Empty(name string) bool {
	filled, isShown := h.filled[foldName(name)]
	if !isShown {
		return !h.empties
	}
	return !filled
}

// ShowsPoints reports whether Phones, or Emails, are all that the card has. name is "phone" or "email".
func (h Held) ShowsPoints(name string) bool {
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

// empty reports whether a value is null, a blank text, or an empty list or object. Numbers and booleans are never empty.
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

// isZero reports whether a value is the number 0, which portals write as the id of no object.
func isZero(raw json.RawMessage) bool { return strings.Trim(string(raw), `" `) == "0" }

// points are the phones and e-mails in one field of an answer.
type points struct{ phones, emails []Multifield }

// read adds the phones and e-mails in a value. field is "phone" or "email"; "" if the value has both, each with its field.
func (p *points) read(raw json.RawMessage, field, kind string) {
	raw = bytes.TrimSpace(raw)
	if len(raw) == 0 {
		return
	}
	switch raw[0] {
	case '[':
		var list []json.RawMessage
		_ = json.Unmarshal(raw, &list) // a list that cannot be read counts as empty
		for _, one := range list {
			p.read(one, field, kind)
		}
	case '{':
		p.readObject(raw, field, kind)
	case '"':
		text := jsonscan.Text(raw)
		all := strings.FieldsFunc(text, func(r rune) bool { return r == ';' || r == '\n' || r == ',' })
		isSplit := len(all) > 0 && all[0] != text
		if isSplit { // without a type a part is used for comparison only, as the portal holds another value: the whole text
			kind = ""
		}
		for _, one := range all {
			p.add(field, one, kind)
		}
	case '-', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9':
		p.add(field, string(raw), kind)
	}
}

// readObject adds the phones and e-mails in an object, which is either one of them, or has lists of them by field.
func (p *points) readObject(raw json.RawMessage, field, kind string) {
	members := map[string]json.RawMessage{}
	for key, value := range jsonscan.Members(raw) {
		members[foldName(string(key))] = value
	}
	value, isSingle := members["value"]
	if !isSingle {
		for name, list := range members {
			if field == "" && (name == "phone" || name == "email") {
				p.read(list, name, kind)
			}
		}
		return
	}
	for _, name := range [...]string{"typeid", "valuetype"} {
		text := strings.ToUpper(jsonscan.Text(members[name]))
		switch {
		case text == "":
		case field == "" && name == "typeid": // in a list of phones and e-mails it names the field
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

// add adds one phone or e-mail.
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

// Takes reports whether the API accepts a type for phones or e-mails. name is "phone" or "email".
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

// foldName makes the spellings of a field's name equal: lastName and LAST_NAME.
func foldName(name string) string { return strings.ToLower(strings.ReplaceAll(name, "_", "")) }

// IsTrackingField reports whether a field is for tracking values: a UTM field, or a user field of [TrackingField]. The name
// may be folded.
func IsTrackingField(name string) bool {
	name = foldName(name)
	ours := foldName(UserFieldPrefix + trackingPrefix)
	return strings.HasPrefix(name, "utm") || strings.HasPrefix(name, ours) && name != ours+"eventid"
}
