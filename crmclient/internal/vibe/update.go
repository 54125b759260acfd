package vibe

import (
	"net/http"
	"strconv"
)

// Fills are updates that add to the cards of contacts. The API has no such objects, but metrics and holds treat them as a
// kind of their own.
const Fills Entity = "fills"

// Update changes one object: PATCH /v1/{entity}/{id}, with the changed fields as JSON. The vendor does not document what it
// does to the phones and e-mails that the object has: some portals add, others replace.
func Update(entity Entity, id int64, body []byte, lease func() error) Call {
	return Call{Operation: OpUpdate, Lease: lease, method: http.MethodPatch, path: pathOf(entity, id), body: body}
}

// Change is an update of an object: the changed fields as JSON.
type Change struct {
	ID   int64
	Body []byte
}

// UpdateBatch makes up to [BatchLimit] changes to objects of a kind in one request: POST /v1/batch. Outcome.Items has their
// outcomes in the same order.
func UpdateBatch(entity Entity, changes []Change, lease func() error) Call {
	return Call{Operation: OpUpdate, Calls: len(changes), Lease: lease, method: http.MethodPost, path: "/batch", body: batchByID(entity, "update", changes)}
}

// GetBatch asks for up to [BatchLimit] objects of a kind by their ids in one request, as [Get] does for one: POST /v1/batch.
func GetBatch(entity Entity, ids []int64) Call {
	wanted := make([]Change, len(ids))
	for i, id := range ids {
		wanted[i].ID = id
	}
	return Call{Operation: OpLookUp, Calls: len(ids), method: http.MethodPost, path: "/batch", body: batchByID(entity, "get", wanted)}
}

func pathOf(entity Entity, id int64) string {
	return "/" + string(entity) + "/" + strconv.FormatInt(id, 10)
}

// batchByID writes the body of a batch of calls about single objects. The id of a call is its index.
func batchByID(entity Entity, action string, changes []Change) []byte {
	b := []byte(`{"calls":[`)
	for i, c := range changes {
		b = appendCall(b, i, entity, action)
		b = append(b, `,"entityId":`...)
		b = strconv.AppendInt(b, c.ID, 10)
		if c.Body != nil {
			b = append(b, `,"params":`...)
			b = append(b, c.Body...)
		}
		b = append(b, '}')
	}
	return append(b, `]}`...)
}
