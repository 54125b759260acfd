package crm

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// Actions of calls. The first five are those of a batch too.
const (
	actionCreate     = "create"
	actionList       = "list"
	actionSearch     = "search"
	actionGet        = "get"
	actionFields     = "fields"
	actionMe         = "me"
	actionStatuses   = "statuses"
	actionUserFields = "userfields"
	actionMakeField  = "make a user field"
)

// call is one operation: a request of its own, or a call of a batch.
type call struct {
	ID       string          `json:"id"`
	Entity   string          `json:"entity"`
	Action   string          `json:"action"`
	EntityID json.Number     `json:"entityId"`
	Params   json.RawMessage `json:"params"`

	query url.Values // of a request of its own
}

// reads reports whether the call looks contacts up.
func (c call) reads() bool { return c.Action == actionList || c.Action == actionSearch }

// request is what one HTTP request asks for.
type request struct {
	batch bool
	calls []call // one, unless it is a batch
}

// maxCalls of a batch, and longest page that is joined with other calls.
const (
	maxCalls   = 50
	joinedPage = 50
)

// portalRequests is how many requests the portal gets: calls of a batch are joined into
// one, but for searches and long pages.
func (r request) portalRequests() int {
	apart, joined := 0, 0
	for _, c := range r.calls {
		var page struct{ Limit int }
		_ = json.Unmarshal(c.Params, &page) // what is not valid is refused later
		if r.batch && (c.Action == actionSearch || c.Action == actionList && page.Limit > joinedPage) {
			apart++
		} else {
			joined = 1
		}
	}
	return apart + joined
}

// route finds out what a request asks for, or the answer when that is nothing.
func route(r *http.Request, body []byte) (request, *answer) {
	single := func(action string) (request, *answer) {
		return request{calls: []call{{Entity: "contacts", Action: action, Params: body, query: r.URL.Query()}}}, nil
	}
	switch r.Method + " " + strings.TrimSuffix(r.URL.Path, "/") {
	case "GET /v1/me":
		return single(actionMe)
	case "GET /v1/contacts/fields":
		return single(actionFields)
	case "POST /v1/contacts":
		return single(actionCreate)
	case "POST /v1/contacts/search":
		return single(actionSearch)
	case "GET /v1/statuses":
		return single(actionStatuses)
	case "GET /v1/userfields/contacts":
		return single(actionUserFields)
	case "POST /v1/userfields/contacts":
		return single(actionMakeField)
	case "POST /v1/batch":
		return parseBatch(body)
	}
	return request{}, new(failure(http.StatusNotFound, "NOT_FOUND", "there is nothing at "+r.Method+" "+r.URL.Path))
}

// parseBatch reads the calls of a batch.
func parseBatch(body []byte) (request, *answer) {
	var batch struct{ Calls []call }
	err := json.Unmarshal(body, &batch)
	ids := map[string]bool{}
	for _, c := range batch.Calls {
		ids[c.ID] = true
		if c.ID == "" || len(c.ID) > 64 {
			err = fmt.Errorf("the call id %q is not valid", c.ID)
		}
	}
	switch n := len(batch.Calls); {
	case err != nil:
	case n == 0 || n > maxCalls:
		err = fmt.Errorf("calls must hold 1 to %d", maxCalls)
	case len(ids) < n:
		err = fmt.Errorf("two calls have one id")
	}
	if err != nil {
		return request{}, new(failure(http.StatusBadRequest, "INVALID_REQUEST", err.Error()))
	}
	return request{batch: true, calls: batch.Calls}, nil
}

// count adds a request's calls to the statistics.
func (p *Portal) count(req request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range req.calls {
		switch {
		case c.Action == actionCreate:
			p.stats.Creates++
		case c.reads():
			p.stats.Lookups++
		}
	}
}

// runBatch carries calls out one after another.
func (p *Portal) runBatch(calls []call) answer {
	results, errs := map[string]any{}, map[string]failureBody{}
	totals, meta := map[string]int{}, map[string]pageMeta{}
	invalid := 0
	for _, c := range calls {
		pause(p.config.Item)
		a := p.perform(c)
		if a.failed() {
			errs[c.ID] = a.failure()
			if a.status == http.StatusBadRequest {
				invalid++
			}
			continue
		}
		results[c.ID] = a.data
		if a.meta != nil {
			totals[c.ID], meta[c.ID] = a.meta.Total, *a.meta
		}
	}
	data := map[string]any{
		"results": results, "errors": errs,
		"summary": map[string]int{"total": len(calls), "succeeded": len(results), "failed": len(errs)},
	}
	if len(totals) > 0 {
		data["totals"], data["meta"] = totals, meta
	}
	if invalid == len(calls) {
		a := failure(http.StatusBadRequest, "INVALID_REQUEST", "every call failed validation")
		a.data = map[string]any{"errors": errs}
		return a
	}
	return success(http.StatusOK, data)
}

// perform carries one call out, unless a fault befalls it.
func (p *Portal) perform(c call) answer {
	if c.Entity != "contacts" {
		return failure(http.StatusBadRequest, "INVALID_REQUEST", fmt.Sprintf("the entity %q is not known", c.Entity))
	}
	if f := p.befalls(c); f != nil {
		return f.answer()
	}
	switch c.Action {
	case actionCreate:
		return p.create(c.Params)
	case actionList, actionSearch:
		return p.search(c.Params)
	case actionGet:
		return p.get(c.EntityID)
	case actionFields:
		return success(http.StatusOK, map[string]any{"fields": p.fields()})
	case actionMe:
		return p.me()
	case actionStatuses:
		return statuses(c.query.Get("filter[entityId]"))
	case actionUserFields:
		return p.listUserFields(c.query.Get("fieldName"))
	case actionMakeField:
		return p.makeUserField(c.Params)
	}
	return failure(http.StatusBadRequest, "INVALID_REQUEST", fmt.Sprintf("the action %q is not known", c.Action))
}
