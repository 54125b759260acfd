package transform

import (
	"slices"
	"strconv"
	"strings"

	"github.com/leadbridge/leadbridge/internal/jsonscan"
)

// maxBodyDepth is the depth to which objects are searched for persons.
const maxBodyDepth = 12

// A fieldValue is a value of an event and the field of a lead that it is for, or an object inside of the event.
type fieldValue struct {
	field field
	path  string // its name in the event, with the names of the objects around it
	value any
	inner *bodyObject // an object that may hold a person; then field and value are not set
}

// A bodyObject is an object of an event that may hold a person.
type bodyObject struct {
	path   string       // "" for the event's data as a whole
	key    string       // the last name of the path
	values []fieldValue // in the order of the event
	named  bool         // an answer of the form in it is the person's name
}

// readBodyObjects reads the data of an event into objects that may be persons. It decodes JSON that is given as a text, and
// unwraps the envelopes of Kafka Connect and Debezium. ok is false for data that is neither an object nor a list of objects.
func readBodyObjects(data any) (root *bodyObject, ok bool) {
	root = &bodyObject{}
	data, root.path = withoutEnvelopes(decodedText(data), "")
	switch v := data.(type) {
	case object:
		root.read(v, 0)
		return root, true
	case []any:
		if len(v) == 0 {
			return nil, false
		}
		for _, e := range v {
			if _, isObject := e.(object); !isObject {
				return nil, false
			}
		}
		root.member("", v, 0)
		return root, true
	}
	return nil, false
}

// decodedText decodes a text that is a JSON object or list; it returns any other value as it is.
func decodedText(value any) any {
	text, ok := value.(string)
	if !ok {
		return value
	}
	text = strings.TrimSpace(text)
	if len(text) < 2 || text[0] != '{' && text[0] != '[' || !jsonscan.Valid([]byte(text), nil) {
		return value
	}
	r := jsonReader{b: []byte(text)}
	return r.value()
}

// withoutEnvelopes unwraps a row from the envelopes of Kafka Connect's JsonConverter ({schema, payload}) and Debezium
// ({before, after, op, source}), and returns its path. A row that was deleted becomes an empty object.
func withoutEnvelopes(data any, path string) (inner any, at string) {
	for range maxBodyDepth {
		o, ok := data.(object)
		if !ok {
			break
		}
		payload, hasPayload := o.get("payload")
		after, hasAfter := o.get("after")
		switch _, hasSchema := o.get("schema"); {
		case hasSchema && hasPayload && len(o) == 2:
			data, path = decodedText(payload), joinPath(path, "payload")
		case hasAfter && o.has("op") && (o.has("before") || o.has("source")):
			if data, path = decodedText(after), joinPath(path, "after"); data == nil {
				data = object{}
			}
		default:
			return data, path
		}
	}
	return data, path
}

// get returns the value of a member; of several members with this name, the last one counts.
func (o object) get(key string) (value any, ok bool) {
	for _, m := range o {
		if m.key == key {
			value, ok = m.value, true
		}
	}
	return value, ok
}

func (o object) has(key string) bool {
	_, ok := o.get(key)
	return ok
}

func joinPath(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

// read collects the members of an object.
func (e *bodyObject) read(o object, depth int) {
	members := nested(o)
	e.values = slices.Grow(e.values, len(members))
	for _, m := range members {
		e.member(m.key, m.value, depth)
	}
}

// member collects a value, either as a field of this object, or as an object of its own if it may describe a person.
func (e *bodyObject) member(key string, value any, depth int) {
	f := fieldOf(key)
	if f == fieldName && e.named {
		f = fieldUnknown
	}
	if f == fieldUnknown && isVisit(key) && e.visit(key, value) {
		return
	}
	if depth < maxBodyDepth && (f == fieldUnknown || f == fieldContactPoint) {
		if e.structure(key, decodedText(value), depth) {
			return
		}
	}
	e.add(f, joinPath(e.path, key), value)
}

// visit collects what an object or a text of cookies says about a visit. It reports whether that is all; the text of
// cookies is to be noted as well.
func (e *bodyObject) visit(key string, value any) bool {
	path := joinPath(e.path, key)
	switch v := value.(type) {
	case object:
		of := visitOf
		if strings.EqualFold(key, "campaign") {
			of = campaignOf
		}
		e.addMembers(path, v, of)
		return true
	case string:
		e.addCookies(path, v)
	}
	return false
}

// structure reads the pairs, object or list that a form or an envelope nests under a name that is not a field's. It reports
// whether the value was one of these.
func (e *bodyObject) structure(key string, value any, depth int) bool {
	if pairs, ok := readPairs(value); ok {
		for _, p := range pairs {
			e.pair(key, p, depth)
		}
		return true
	}
	switch v := value.(type) {
	case object:
		if isContainer(key) {
			e.enter(key, v, depth)
			return true
		}
	case []any:
		return isContainer(key) && e.enterList(key, v, depth)
	}
	return false
}

// pair collects the answer to one question.
func (e *bodyObject) pair(key string, p pair, depth int) {
	path := p.label // the label alone, as people read it in the comments
	if p.field == fieldUnknown && depth < maxBodyDepth {
		if value := decodedText(p.value); isContainer(p.label) && e.structure(p.label, value, depth+1) {
			return
		}
	}
	if p.label == "" {
		path = joinPath(e.path, key)
	}
	switch p.field {
	case fieldName, fieldFullName, fieldFirstName:
		e.answersName()
	}
	e.add(p.field, path, p.value)
}

// answersName notes that an answer of the form is the person's name. A field called name in the same object is then the
// name of the form.
func (e *bodyObject) answersName() {
	if e.named || isPerson(e.key) {
		return
	}
	e.named = true
	for i := range e.values {
		if e.values[i].field == fieldName {
			e.values[i].field = fieldUnknown
		}
	}
}

// enter collects an object inside of this one.
func (e *bodyObject) enter(key string, o object, depth int) {
	inner := &bodyObject{path: joinPath(e.path, key), key: key}
	e.values = append(e.values, fieldValue{path: inner.path, inner: inner})
	inner.read(o, depth+1)
	if isAddressKey(inner.path) {
		e.addCountry(inner.path, o) // an address's country is also that of the phones beside the address
	}
}

// enterList enters each object of a list. It returns false, and enters none, if the list has other elements or is empty.
func (e *bodyObject) enterList(key string, list []any, depth int) bool {
	for _, v := range list {
		if _, ok := v.(object); !ok {
			return false
		}
	}
	for i, v := range list {
		name := strings.TrimPrefix(key+"."+strconv.Itoa(i), ".")
		if len(list) == 1 {
			name = key
		}
		e.enter(name, v.(object), depth)
	}
	return len(list) > 0
}
