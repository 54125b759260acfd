package vibe

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
)

// Entity is a kind of object in the CRM, as paths and batches name it.
type Entity string

// The kinds of objects.
const (
	Contacts Entity = "contacts"
	Leads    Entity = "leads"
	Deals    Entity = "deals"
)

// Operation is what a call does, by its name in metrics and logs.
type Operation string

// The operations.
const (
	OpCreate     Operation = "create"
	OpBatch      Operation = "batch" // of creates
	OpUpdate     Operation = "update"
	OpLookUp     Operation = "lookup"
	OpFields     Operation = "fields"
	OpMe         Operation = "me"
	OpUserFields Operation = "userfields"
	OpStatuses   Operation = "statuses"
)

// Call is one request to the CRM, made by one of the functions below.
type Call struct {
	Operation Operation
	Calls     int // how many calls a batch has; 0: the request is not a batch
	// Lease is asked at each write to the connection, so right before the request leaves. An error
	// stops the request (LeaseLost). Nil: the lease is always held.
	Lease func() error

	method string
	path   string // without /v1, with its query
	body   []byte // JSON; nil: none
}

// Me asks what kind of key is in use and what it may do: GET /v1/me, read by [Outcome.Me].
func Me() Call { return get(OpMe, "/me") }

// ListFields asks for the fields of an entity: GET /v1/{entity}/fields, read by
// [Outcome.Fields].
func ListFields(entity Entity) Call { return get(OpFields, "/"+string(entity)+"/fields") }

// UserFields asks for the user field of an entity with a name, such as
// UF_CRM_LEADBRIDGE_EVENT_ID: GET /v1/userfields/{entity}, read by [Outcome.Rows] (fieldName).
func UserFields(entity Entity, name string) Call {
	return get(OpUserFields, "/userfields/"+string(entity)+"?"+url.Values{"fieldName": {name}}.Encode())
}

// MakeUserField makes a user field of an entity for texts, by which people can filter:
// POST /v1/userfields/{entity}. The portal puts UF_CRM_ before the name. The label is for people.
func MakeUserField(entity Entity, name, label string) Call {
	return post(OpUserFields, "/userfields/"+string(entity), map[string]string{
		"userTypeId": "string", "fieldName": name, "label": label, "showFilter": "Y",
	})
}

// Statuses asks for the values of a directory of the portal such as SOURCE: GET /v1/statuses,
// read by [Outcome.Rows] (entityId, statusId).
func Statuses(entityID string) Call {
	return get(OpStatuses, "/statuses?"+url.Values{"filter[entityId]": {entityID}}.Encode())
}

// CreateOne makes one object: POST /v1/{entity}. Its body is the object as JSON. The answer is
// read by [Outcome.Created].
func CreateOne(entity Entity, body []byte, lease func() error) Call {
	return Call{Operation: OpCreate, Lease: lease, method: http.MethodPost, path: "/" + string(entity), body: body}
}

// Object is an object for a create: its kind, and its fields as JSON.
type Object struct {
	Entity Entity
	Body   []byte
}

// CreateBatch makes up to [BatchLimit] objects, of any kinds, in one request: POST /v1/batch.
// Outcome.Items has their outcomes in the same order.
func CreateBatch(objects []Object, lease func() error) Call {
	return Call{Operation: OpBatch, Calls: len(objects), Lease: lease,
		method: http.MethodPost, path: "/batch", body: batchBody("create", objects)}
}

// Search looks for objects: POST /v1/{entity}/search, read by [Outcome.Page]. The answer has at most
// limit rows, with the fields in selected.
func Search(entity Entity, filter Filter, selected []string, limit int) Call {
	return post(OpLookUp, "/"+string(entity)+"/search", query{filter, selected, limit})
}

// ListBatch looks for objects by up to [BatchLimit] filters in one request: POST /v1/batch.
// Outcome.Items has an outcome for each filter, in the same order, read by [Outcome.Page]. The batch
// has lists rather than searches, because a portal counts all lists as one request if limit is at most
// [PageLimit].
func ListBatch(entity Entity, selected []string, limit int, filters ...Filter) Call {
	params := make([]Object, len(filters))
	for i, f := range filters {
		params[i] = Object{entity, encode(query{f, selected, limit})}
	}
	return Call{Operation: OpLookUp, Calls: len(filters),
		method: http.MethodPost, path: "/batch", body: batchBody("list", params)}
}

// Get asks for one object by its id: GET /v1/{entity}/{id}, read by [IDField.Identify]. 404 means that
// it does not exist.
func Get(entity Entity, id int64) Call {
	return get(OpLookUp, pathOf(entity, id))
}

func get(op Operation, path string) Call {
	return Call{Operation: op, method: http.MethodGet, path: path}
}

func post(op Operation, path string, body any) Call {
	return Call{Operation: op, method: http.MethodPost, path: path, body: encode(body)}
}

// encode writes a value of texts and numbers, which cannot fail.
func encode(v any) []byte {
	text, _ := json.Marshal(v)
	return text
}

// batchBody writes the body of a batch. The id of a call is its index.
func batchBody(action string, params []Object) []byte {
	size := 0
	for _, p := range params {
		size += callSize + len(p.Body)
	}
	b := append(make([]byte, 0, callSize+size), `{"calls":[`...)
	for i, p := range params {
		b = appendCall(b, i, p.Entity, action)
		b = append(b, `,"params":`...)
		b = append(b, p.Body...)
		b = append(b, '}')
	}
	return append(b, `]}`...)
}

// callSize is the largest size in bytes of a batch's call without its parameters.
const callSize = 100

// appendCall appends the beginning of a batch's i-th call.
func appendCall(b []byte, i int, entity Entity, action string) []byte {
	if i > 0 {
		b = append(b, ',')
	}
	b = append(b, `{"id":"`...)
	b = strconv.AppendInt(b, int64(i), 10)
	b = append(b, `","entity":"`...)
	b = append(b, entity...)
	b = append(b, `","action":"`...)
	b = append(b, action...)
	return append(b, '"')
}
