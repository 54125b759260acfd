package probe

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"
)

// call is one call of a batch.
type call struct {
	ID       string `json:"id"`
	Entity   string `json:"entity"`
	Action   string `json:"action"`
	EntityID int64  `json:"entityId,omitempty"`
	Params   any    `json:"params,omitempty"`
}

// batch sends up to 50 calls in one request. each has a reply for each call, in their order; whole is the reply to the
// request.
func (c *client) batch(ctx context.Context, op string, calls []call) (each []reply, whole reply) {
	for i := range calls {
		calls[i].ID = "c" + strconv.Itoa(i)
	}
	whole = c.do(ctx, op, http.MethodPost, "/batch", map[string]any{"calls": calls})
	var data struct {
		Results map[string]json.RawMessage       `json:"results"`
		Errors  map[string]struct{ Code string } `json:"errors"`
	}
	_ = json.Unmarshal(whole.data, &data) // without it, the answer says nothing of any call
	for _, one := range calls {
		r := reply{missing: true, err: whole.err}
		if result, ok := data.Results[one.ID]; ok {
			r = reply{status: http.StatusOK, data: result, took: whole.took}
		} else if fault, ok := data.Errors[one.ID]; ok {
			r = reply{code: plainID(fault.Code)}
			if r.code == "" {
				r.code = "NO_CODE"
			}
		} else if whole.err == nil && whole.status >= 400 && whole.status < 500 {
			r = reply{status: whole.status, code: whole.code}
		}
		each = append(each, r)
	}
	return each, whole
}
