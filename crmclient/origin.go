package crmclient

import (
	"bytes"
	"encoding/json"
	"math"
	"strings"
	"unicode/utf8"

	"github.com/leadbridge/leadbridge/internal/jsontext"
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

// maxFieldName is longer than any field's name.
const maxFieldName = 100

// CanBeOriginField tells whether contacts can carry ids in a field of that name, as far
// as the name tells: "none", the native field, or a user field.
func CanBeOriginField(name string) bool {
	return name == originNone || name == nativeField || likeUserField(name) && len(name) <= maxFieldName
}

// tagOf is the text that marks a contact as an event's. The brackets end the id, so that
// none is the beginning of another.
func tagOf(originator, id string) string { return "[" + originator + ":" + id + "]" }

// mark puts the event's id into a contact's body, which refers to it.
func (w way) mark(b body, p *portal, originator, id *string) body {
	if w.tag() {
		tag := tagOf(*originator, *id)
		if given := b.text(tagField); given != "" {
			tag = given + " " + tag
		}
		return b.set(tagField, tag)
	}
	b = b.set(w.field, id)
	if w.owned(p) {
		b = b.set(nativeOwner, originator)
	}
	return b
}

// owned tells whether the originator stands beside the id.
func (w way) owned(p *portal) bool { return w.field == nativeField && p.writable(nativeOwner) }

// row is a contact as the CRM answers it, or another object of a list.
type row json.RawMessage

// get reads a field under any of its spellings; nil says that it is not there.
func (r row) get(name string) json.RawMessage { return r.pick([3]string{name})[0] }

// pick reads three fields in one pass.
func (r row) pick(names [3]string) (values [3]json.RawMessage) {
	if !jsontext.IsObject(json.RawMessage(r)) {
		return values
	}
	for i, name := range names {
		names[i] = foldField(name)
	}
	var room [maxFieldName]byte
	for key, value := range jsontext.Members(json.RawMessage(r)) {
		if likeUserField(key) {
			key = appendFolded(room[:0], key)
		}
		for i, name := range names {
			if string(key) == name {
				values[i] = value
			}
		}
	}
	return values
}

// text reads a field: a string, or the only one of an array.
func (r row) text(name string) string { return textIn(r.get(name)) }

func textIn(raw json.RawMessage) string {
	if len(raw) == 0 || raw[0] != '[' {
		return jsontext.Text(raw)
	}
	var list []string
	if json.Unmarshal(raw, &list) == nil && len(list) == 1 {
		return list[0]
	}
	return ""
}

// maxContactID is the largest that a JSON number tells exactly.
const maxContactID = 1 << 53

// contactIn is a contact's id, 0 for what can be none.
func contactIn(raw json.RawMessage) int64 {
	var n number
	_ = n.UnmarshalJSON(raw) // never fails
	if n < 1 || n > maxContactID || n != number(math.Trunc(float64(n))) {
		return 0
	}
	return int64(n)
}

// identified is what tells which event's contact a row is.
type identified struct{ mark, owner json.RawMessage }

// identify reads a contact's own id, 0 for none, and what it has where the way puts ours.
func (w way) identify(r row) (contact int64, marks identified) {
	field := w.field
	if w.tag() {
		field = tagField
	}
	found := r.pick([3]string{"id", field, nativeOwner})
	return contactIn(found[0]), identified{found[1], found[2]}
}

// carries tells whether a contact is the event's. One of another originator is not,
// whatever its id.
func (w way) carries(marks identified, originator, id string) bool {
	if w.tag() {
		return strings.Contains(textIn(marks.mark), tagOf(originator, id))
	}
	if !isText(marks.mark, id) {
		return false
	}
	return w.field != nativeField || isText(marks.owner, "") || isText(marks.owner, originator)
}

// isText tells whether textIn gives a text, without making one in the usual case.
func isText(raw json.RawMessage, want string) bool {
	if len(raw) == 0 || raw[0] != '[' {
		return string(jsontext.Bytes(raw)) == want
	}
	return textIn(raw) == want
}

// foldField makes the spellings of a user field the same: UF_CRM_X, ufCrm_X, ufCrmX.
// Other names count as they are.
func foldField(name string) string {
	if !likeUserField(name) {
		return name
	}
	return string(appendFolded(nil, []byte(name)))
}

// appendFolded appends a user field's name in lower case, without underlines.
func appendFolded(dst, name []byte) []byte {
	for i, c := range name {
		switch {
		case c == '_':
		case c >= 'A' && c <= 'Z':
			dst = append(dst, c-'A'+'a')
		case c >= utf8.RuneSelf:
			return append(dst, bytes.ToLower(bytes.ReplaceAll(name[i:], []byte("_"), nil))...)
		default:
			dst = append(dst, c)
		}
	}
	return dst
}

// likeUserField tells whether a name is a user field's in any spelling.
func likeUserField[T string | []byte](name T) bool {
	const prefix = "ufcrm"
	n := 0
	for i := 0; i < len(name) && n < len(prefix); i++ {
		switch name[i] {
		case '_':
		case prefix[n], prefix[n] - 'a' + 'A':
			n++
		default:
			return false
		}
	}
	return n == len(prefix)
}
