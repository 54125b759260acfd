package crmtest

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// methodsOf returns the methods of a path; nil for a path that the simulator does not know.
func methodsOf(path string) []string {
	switch path {
	case "/v1/me", "/v1/statuses", "/v1/deal-categories":
		return []string{"GET"}
	case "/v1/batch":
		return []string{"POST"}
	}
	if _, rest, ok := userFieldsIn(path); ok {
		switch rest {
		case "":
			return []string{"GET", "POST"}
		case "{id}":
			return []string{"DELETE"}
		}
		return nil
	}
	_, rest, ok := entityIn(path)
	switch {
	case !ok:
	case rest == "":
		return []string{"GET", "POST"}
	case rest == "fields":
		return []string{"GET"}
	case rest == "search":
		return []string{"POST"}
	case rest == "{id}":
		return []string{"GET", "PATCH", "PUT", "DELETE"}
	}
	return nil
}

// entityIn returns the kind of object that a path is about, and the rest of the path.
func entityIn(path string) (entity, rest string, ok bool) {
	entity, rest, _ = strings.Cut(strings.TrimPrefix(path, "/v1/"), "/")
	return entity, rest, slices.Contains(entities(), entity)
}

// userFieldsIn returns the kind of object whose user fields a path is about, and the rest of the path.
func userFieldsIn(path string) (entity, rest string, ok bool) {
	path, ok = strings.CutPrefix(path, "/v1/userfields/")
	entity, rest, _ = strings.Cut(path, "/")
	return entity, rest, ok && slices.Contains([]string{Contacts, Leads, Deals}, entity)
}

// routeOf returns the route of a call, such as "GET /v1/contacts/{id}", and the id in its path. "GET /v1/?" stands for
// all unknown paths.
func routeOf(method, path string) (route string, id int64) {
	if entity, text, ok := entityIn(path); ok && text != "" {
		if n, err := strconv.ParseInt(text, 10, 64); err == nil {
			path, id = "/v1/"+entity+"/{id}", n
		}
	}
	if entity, text, ok := userFieldsIn(path); ok {
		if n, err := strconv.ParseInt(text, 10, 64); err == nil {
			path, id = "/v1/userfields/"+entity+"/{id}", n
		}
	}
	if methodsOf(path) == nil {
		path = "/v1/?"
	}
	return method + " " + path, id
}

// plan returns the plan of the call.
func (e *exchange) plan() *plan {
	route, id := routeOf(e.call.Method, e.call.Path)
	_, path, _ := strings.Cut(route, " ")
	allowed := methodsOf(path)
	if allowed == nil || e.s.withheld(path) {
		return refusal(notFound("No such endpoint"))
	}
	if !slices.Contains(allowed, e.call.Method) {
		e.w.Header().Set("Allow", strings.Join(allowed, ", "))
		return refusal(&failure{Status: http.StatusMethodNotAllowed, Code: "METHOD_NOT_ALLOWED", Message: "Method not allowed"})
	}
	if path == "/v1/me" {
		return local(e.describeKey)
	}
	e.s.mu.Lock()
	defer e.s.mu.Unlock()
	p, fail := e.s.planRoute(route, id, e.r.URL.Query(), e.call.Body)
	if fail != nil {
		return refusal(fail)
	}
	return p
}

// withheld reports whether the portal does not offer the path.
func (s *Simulator) withheld(path string) bool {
	o := s.options()
	return path == "/v1/batch" && o.NoBatch || strings.HasPrefix(path, "/v1/userfields/") && o.NoUserFields
}

func notFound(message string) *failure {
	return &failure{Status: http.StatusNotFound, Code: "NOT_FOUND", Message: message}
}

// planRoute plans a call of a known route. The lock is held.
func (s *Simulator) planRoute(route string, id int64, query url.Values, body []byte) (*plan, *failure) {
	method, path, _ := strings.Cut(route, " ")
	switch path {
	case "/v1/batch":
		return s.planBatch(string(body))
	case "/v1/statuses":
		return planStatuses(query)
	case "/v1/deal-categories":
		return planCategories(), nil
	}
	if entity, _, ok := userFieldsIn(path); ok {
		switch method {
		case http.MethodDelete:
			return s.planDeleteUserField(s.tables[entity], id)
		case http.MethodPost:
			return s.planNewUserField(s.tables[entity], body)
		}
		return s.planUserFields(s.tables[entity], query)
	}
	entity, rest, _ := entityIn(path)
	if method == http.MethodPost && rest == "" {
		it, fail := s.planCreate(s.tables[entity], string(body))
		if fail != nil {
			return nil, fail
		}
		return planOf(http.StatusCreated, it), nil
	}
	action, params, fail := actionOf(method, rest, id, query, body)
	if fail != nil {
		return nil, fail
	}
	it, fail := s.planAction(s.tables[entity], action, params)
	if fail != nil {
		return nil, fail
	}
	return planOf(http.StatusOK, it), nil
}

// actionOf returns the action and the parameters that a call on a kind of object would have in a batch.
func actionOf(method, rest string, id int64, query url.Values, body []byte) (string, params, *failure) {
	ps, fail := readObject(body)
	switch method + " " + rest {
	case "POST search":
		return "search", ps, fail
	case "GET ":
		ps, fail = queryParams(query)
		return "list", ps, fail
	case "GET fields":
		return "fields", params{}, nil
	case "GET {id}":
		return "get", idParams(params{}, id), nil
	case "DELETE {id}":
		return "delete", idParams(params{}, id), nil
	default: // PATCH, PUT
		return "update", idParams(ps, id), fail
	}
}

func idParams(ps params, id int64) params {
	if ps != nil {
		ps["id"] = strconv.AppendInt(nil, id, 10)
	}
	return ps
}

// describeKey does the work of GET /v1/me.
func (e *exchange) describeKey(now time.Time) (data, meta any, fail *failure) {
	type rateLimit struct {
		RequestsPerSecond int `json:"requestsPerSecond"`
	}
	o := &e.s.opts
	me := struct {
		Type      string    `json:"type"`
		Portal    string    `json:"portal,omitempty"`
		Scopes    []string  `json:"scopes"`
		RateLimit rateLimit `json:"rateLimit"`
		ExpiresAt time.Time `json:"expiresAt"`
	}{"personal", o.Portal, []string{"crm"}, rateLimit{o.PerSecond}, now.AddDate(1, 0, 0).Truncate(time.Second)}
	if strings.HasPrefix(e.r.Header.Get("X-Api-Key"), "vibe_app_") {
		me.Type = "oauth_app"
	}
	if o.NoScope {
		me.Scopes = []string{}
	}
	return me, nil, nil
}
