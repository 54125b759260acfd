package crmtest_test

import (
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leadbridge/leadbridge/crmclient/crmtest"
)

func TestKeys(t *testing.T) {
	tests := []struct {
		name    string
		key     string
		session string
		path    string
		opts    crmtest.Options
		status  int
		code    string
	}{
		{name: "none", path: "/v1/contacts", status: 401, code: "MISSING_API_KEY"},
		{name: "none for me", path: "/v1/me", status: 401, code: "MISSING_API_KEY"},
		{name: "personal", key: "vibe_api_1", path: "/v1/contacts", status: 200},
		{name: "any other", key: "YOUR_API_KEY", path: "/v1/contacts", status: 200},
		{name: "app without session", key: "vibe_app_1", path: "/v1/contacts", status: 401, code: "TOKEN_MISSING"},
		{name: "app with session", key: "vibe_app_1", session: "Bearer s", path: "/v1/contacts", status: 200},
		{name: "app with something else", key: "vibe_app_1", session: "Basic s", path: "/v1/contacts", status: 401, code: "INVALID_APP_KEY"},
		{name: "app without session for me", key: "vibe_app_1", path: "/v1/me", status: 200},
		{name: "management", key: "vibe_live_1", path: "/v1/contacts", status: 403, code: "MANAGEMENT_KEY_NO_ENTITY_ACCESS"},
		{name: "management for me", key: "vibe_live_1", path: "/v1/me", status: 401, code: "WRONG_KEY_TYPE"},
		{name: "revoked", key: "old", path: "/v1/contacts", opts: crmtest.Options{Keys: []string{"new"}}, status: 401, code: "INVALID_API_KEY"},
		{name: "kept", key: "new", path: "/v1/contacts", opts: crmtest.Options{Keys: []string{"new"}}, status: 200},
		{name: "session over", key: "vibe_app_1", session: "Bearer a", path: "/v1/contacts", opts: crmtest.Options{Sessions: []string{"b"}}, status: 401, code: "TOKEN_EXPIRED"},
		{name: "session good", key: "vibe_app_1", session: "Bearer b", path: "/v1/contacts", opts: crmtest.Options{Sessions: []string{"b"}}, status: 200},
		{name: "no scope", key: "k", path: "/v1/contacts", opts: crmtest.Options{NoScope: true}, status: 403, code: "SCOPE_DENIED"},
		{name: "no scope for me", key: "k", path: "/v1/me", opts: crmtest.Options{NoScope: true}, status: 200},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			bubble(t, test.opts, func(p *portal) {
				t := p.t
				p.key = test.key
				var headers []string
				if test.session != "" {
					headers = append(headers, "Authorization: "+test.session)
				}
				p.do("GET "+test.path, "", headers...).want(t, test.status, test.code)
			})
		})
	}
}

func TestFaultRevokesOneKey(t *testing.T) {
	bubble(t, crmtest.Options{}, func(p *portal) {
		t := p.t
		p.set("revoked=old+older")
		p.key = "old"
		p.do("GET /v1/contacts", "").want(t, http.StatusUnauthorized, "INVALID_API_KEY")
		p.key = "new"
		p.do("GET /v1/contacts", "").want(t, http.StatusOK, "")
	})
}

func TestKeyRevokedWhileRunning(t *testing.T) {
	bubble(t, crmtest.Options{}, func(p *portal) {
		t := p.t
		p.create(`{"name":"A"}`)
		p.Update(func(o *crmtest.Options) { o.Keys = []string{"another"} })
		p.do("POST /v1/contacts", `{"name":"B"}`).want(t, http.StatusUnauthorized, "INVALID_API_KEY")
		p.Update(func(o *crmtest.Options) { o.Keys = nil })
		p.create(`{"name":"C"}`)
		if p.Count() != 2 {
			t.Errorf("%d contacts, want 2", p.Count())
		}
	})
}

func TestMe(t *testing.T) {
	bubble(t, crmtest.Options{PerSecond: 7, Portal: "acme.bitrix24.ru"}, func(p *portal) {
		t := p.t
		me := p.do("GET /v1/me", "").want(t, http.StatusOK, "").object(t)
		delete(me, "expiresAt")
		want := map[string]any{
			"type": "personal", "portal": "acme.bitrix24.ru", "scopes": []any{"crm"},
			"rateLimit": map[string]any{"requestsPerSecond": 7.0},
		}
		if diff := cmp.Diff(want, me); diff != "" {
			t.Errorf("me differs (-want +got):\n%s", diff)
		}
		if got := p.Stats().PortalRequests; got != 0 {
			t.Errorf("me took %d portal requests, want 0", got)
		}
		p.key = "vibe_app_1"
		if got := p.do("GET /v1/me", "").object(t)["type"]; got != "oauth_app" {
			t.Errorf("an app key is a %v, want oauth_app", got)
		}
	})
}
