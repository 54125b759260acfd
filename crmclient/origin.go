package crmclient

import (
	"encoding/json"
	"strings"
)

const (
	nativeField     = "originId"
	nativeOwner     = "originatorId"
	ourUserField    = "LEADBRIDGE_EVENT_ID"
	userFieldPrefix = "UF_CRM_"
	tagField        = "sourceDescription"

	originAuto = "auto"
	originNone = "none"
)

// way is how a contact carries the id of its event: in a field, or, when
// field is "", in a tag that ends its source description.
type way struct{ field string }

func (w way) tag() bool { return w.field == "" }

// String is the way's name, a value that CRM_ORIGIN_FIELD takes.
func (w way) String() string {
	if w.tag() {
		return originNone
	}
	return w.field
}

// parseWay is the inverse of String.
func parseWay(name string) way {
	if name == originNone {
		return way{}
	}
	return way{field: name}
}

// tagOf is the text that marks a contact as an event's. The brackets end the id, so that
// none is the beginning of another.
func tagOf(originator, id string) string { return "[" + originator + ":" + id + "]" }

// mark puts the event's id into a contact's body.
func (w way) mark(body map[string]any, p *portal, originator, id string) {
	if w.tag() {
		tag := tagOf(originator, id)
		if given, _ := body[tagField].(string); given != "" {
			tag = given + " " + tag
		}
		body[tagField] = tag
		return
	}
	body[w.field] = id
	if w.owned(p) {
		body[nativeOwner] = originator
	}
}

// owned tells whether the originator stands beside the id.
func (w way) owned(p *portal) bool { return w.field == nativeField && p.writable(nativeOwner) }

// row is a contact as the CRM answers it, its names folded.
type row map[string]json.RawMessage

func parseRow(raw json.RawMessage) row {
	if !isObject(raw) {
		return nil
	}
	r := make(row, 16)
	for name, value := range entries(raw) {
		r[foldField(name)] = value
	}
	return r
}

// text reads a field: a string, or the only one of an array.
func (r row) text(name string) string {
	raw := r[foldField(name)]
	var s string
	if json.Unmarshal(raw, &s) == nil {
		return s
	}
	var list []string
	if json.Unmarshal(raw, &list) == nil && len(list) == 1 {
		return list[0]
	}
	return ""
}

func (r row) id() int64 {
	var n number
	if json.Unmarshal(r["id"], &n) != nil {
		return 0
	}
	return int64(n)
}

// carries tells whether a row is the contact of the event. A row of another
// originator is not, whatever its id.
func (w way) carries(r row, originator, id string) bool {
	if w.tag() {
		return strings.Contains(r.text(tagField), tagOf(originator, id))
	}
	if r.text(w.field) != id {
		return false
	}
	owner := r.text(nativeOwner)
	return w.field != nativeField || owner == "" || owner == originator
}

// foldField makes the spellings of a user field the same: UF_CRM_X, ufCrm_X, ufCrmX.
// Other names count as they are.
func foldField(name string) string {
	if name == "" || strings.IndexByte("uU_", name[0]) < 0 {
		return name
	}
	folded := strings.ToLower(strings.ReplaceAll(name, "_", ""))
	if strings.HasPrefix(folded, "ufcrm") {
		return folded
	}
	return name
}
