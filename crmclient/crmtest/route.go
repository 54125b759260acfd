package crmtest

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// methodsOf are the methods of a path that the simulator knows, else none.
func methodsOf(path string) []string {
	switch path {
	case "/v1/me", "/v1/contacts/fields", "/v1/statuses":
		return []string{"GET"}
	case "/v1/contacts", "/v1/userfields/contacts":
		return []string{"GET", "POST"}
	case "/v1/contacts/search", "/v1/batch":
		return []string{"POST"}
	case "/v1/contacts/{id}":
		return []string{"GET", "PATCH", "PUT", "DELETE"}
	}
	return nil
}

// routeOf names the route of a call; "GET /v1/?" stands for all unknown ones.
func routeOf(method, path string) (route string, id int64) {
	if text, ok := strings.CutPrefix(path, "/v1/contacts/"); ok {
		if n, err := strconv.ParseInt(text, 10, 64); err == nil {
			path, id = "/v1/contacts/{id}", n
		}
	}
	if methodsOf(path) == nil {
		path = "/v1/?"
	}
	return method + " " + path, id
}

// plan understands the call.
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

// withheld tells whether the portal does not offer the path.
func (s *Simulator) withheld(path string) bool {
	o := s.options()
	return path == "/v1/batch" && o.NoBatch || path == "/v1/userfields/contacts" && o.NoUserFields
}

func notFound(message string) *failure {
	return &failure{Status: http.StatusNotFound, Code: "NOT_FOUND", Message: message}
}

// planRoute plans a call of a known route. The lock is held.
func (s *Simulator) planRoute(route string, id int64, query url.Values, body []byte) (*plan, *failure) {
	switch route {
	case "POST /v1/batch":
		return s.planBatch(string(body))
	case "POST /v1/contacts":
		it, fail := s.planCreate(string(body))
		if fail != nil {
			return nil, fail
		}
		return planOf(http.StatusCreated, it), nil
	case "GET /v1/userfields/contacts":
		return s.planUserFields(query)
	case "POST /v1/userfields/contacts":
		return s.planNewUserField(body)
	case "GET /v1/statuses":
		return planStatuses(query)
	}
	action, params, fail := actionOf(route, id, query, body)
	if fail != nil {
		return nil, fail
	}
	it, fail := s.planAction(action, params)
	if fail != nil {
		return nil, fail
	}
	return planOf(http.StatusOK, it), nil
}

// actionOf gives a call on contacts the form that it has in a batch.
func actionOf(route string, id int64, query url.Values, body []byte) (string, params, *failure) {
	ps, fail := readObject(body)
	switch route {
	case "POST /v1/contacts/search":
		return "search", ps, fail
	case "GET /v1/contacts":
		ps, fail = queryParams(query)
		return "list", ps, fail
	case "GET /v1/contacts/fields":
		return "fields", params{}, nil
	case "GET /v1/contacts/{id}":
		return "get", idParams(params{}, id), nil
	case "DELETE /v1/contacts/{id}":
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

// describeKey is GET /v1/me.
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
