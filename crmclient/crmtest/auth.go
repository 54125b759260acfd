package crmtest

import (
	"net/http"
	"slices"
	"strings"
)

func unauthorized(code, message string) *failure {
	return &failure{Status: http.StatusUnauthorized, Code: code, Message: message}
}

// authenticate checks the key of a call.
func (e *exchange) authenticate() *failure {
	o := e.s.options()
	key := e.r.Header.Get("X-Api-Key")
	me := e.call.Path == "/v1/me"
	switch {
	case key == "":
		return unauthorized("MISSING_API_KEY", "The X-Api-Key header is required")
	case strings.HasPrefix(key, "vibe_live_"):
		return refuseManagement(me)
	case len(o.Keys) > 0 && !slices.Contains(o.Keys, key), slices.Contains(e.s.Faults().Revoked, key):
		return unauthorized("INVALID_API_KEY", "The API key is not valid")
	case me: // works without a session and names the scopes
		return nil
	}
	if strings.HasPrefix(key, "vibe_app_") {
		if f := checkSession(e.r.Header.Get("Authorization"), o.Sessions); f != nil {
			return f
		}
	}
	if o.NoScope {
		return &failure{Status: http.StatusForbidden, Code: "SCOPE_DENIED", Message: "This endpoint requires 'crm' scope"}
	}
	return nil
}

func refuseManagement(me bool) *failure {
	if me {
		return unauthorized("WRONG_KEY_TYPE", "Management keys are not accepted here")
	}
	return &failure{Status: http.StatusForbidden, Code: "MANAGEMENT_KEY_NO_ENTITY_ACCESS",
		Message: "Management keys have no access to entities"}
}

// checkSession checks that an Authorization header has a bearer token. If good is not empty, the token
// must be one of good.
func checkSession(header string, good []string) *failure {
	if header == "" {
		return unauthorized("TOKEN_MISSING", "API key has no configured tokens")
	}
	scheme, token, _ := strings.Cut(header, " ")
	if !strings.EqualFold(scheme, "Bearer") || strings.TrimSpace(token) == "" {
		return unauthorized("INVALID_APP_KEY", "The Authorization header holds no session")
	}
	if len(good) > 0 && !slices.Contains(good, strings.TrimSpace(token)) {
		return unauthorized("TOKEN_EXPIRED", "The session has expired")
	}
	return nil
}
