package settings

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestOIDCSettings(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(file, []byte("hunter2\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	whole := func(s *Service) {
		s.AdminAddr = ":8081"
		o := &s.OIDC
		o.Issuer, o.ClientID, o.ClientSecretFile, o.RedirectURL, o.Roles = "https://login.example.com/realms/staff", "page", file, "https://leads.example.com/oidc/callback", "look=readers,act=oncall"
	}
	with := func(change func(*AdminOIDC)) func(*Service) {
		return func(s *Service) { whole(s); change(&s.OIDC) }
	}
	for name, c := range map[string]struct {
		change func(*Service)
		want   []string
	}{
		"whole":           {whole, nil},
		"beside a token":  {func(s *Service) { whole(s); s.AdminToken = "0123456789abcdef" }, nil},
		"a public client": {with(func(o *AdminOIDC) { o.ClientSecretFile = "" }), nil},
		"on this machine": {with(func(o *AdminOIDC) {
			o.Issuer, o.RedirectURL = "http://[::1]:9000", "http://localhost:8081/oidc/callback"
		}), nil},
		"a tenant's issuer":         {with(func(o *AdminOIDC) { o.Issuer = "https://login.example.com/0000-11/v2.0/" }), nil},
		"no address":                {with(func(o *AdminOIDC) { o.Issuer = "login.example.com" }), []string{"ADMIN_OIDC_ISSUER"}},
		"a password in the address": {with(func(o *AdminOIDC) { o.Issuer = "https://a:hunter2@login.example.com" }), []string{"ADMIN_OIDC_ISSUER"}},
		"a query":                   {with(func(o *AdminOIDC) { o.Issuer += "?a=hunter2" }), []string{"ADMIN_OIDC_ISSUER"}},
		"an issuer in plain":        {with(func(o *AdminOIDC) { o.Issuer = "http://login.example.com" }), []string{"ADMIN_OIDC_ISSUER"}},
		"no client":                 {with(func(o *AdminOIDC) { o.ClientID = " " }), []string{"ADMIN_OIDC_CLIENT_ID"}},
		"a secret twice":            {with(func(o *AdminOIDC) { o.ClientSecret = "hunter2" }), []string{"ADMIN_OIDC_CLIENT_SECRET"}},
		"no file":                   {with(func(o *AdminOIDC) { o.ClientSecretFile += ".none" }), []string{"ADMIN_OIDC_CLIENT_SECRET_FILE"}},
		"nowhere to come back":      {with(func(o *AdminOIDC) { o.RedirectURL = "" }), []string{"ADMIN_OIDC_REDIRECT_URL"}},
		"back to another path":      {with(func(o *AdminOIDC) { o.RedirectURL = "https://leads.example.com/" }), []string{"ADMIN_OIDC_REDIRECT_URL"}},
		"back below a path":         {with(func(o *AdminOIDC) { o.RedirectURL = "https://example.com/leads/oidc/callback" }), []string{"ADMIN_OIDC_REDIRECT_URL"}},
		"back with a query":         {with(func(o *AdminOIDC) { o.RedirectURL += "?next=/" }), []string{"ADMIN_OIDC_REDIRECT_URL"}},
		"back in plain":             {with(func(o *AdminOIDC) { o.RedirectURL = "http://leads.example.com/oidc/callback" }), []string{"ADMIN_OIDC_REDIRECT_URL"}},
		"scopes without openid":     {with(func(o *AdminOIDC) { o.Scopes = "profile" }), []string{"ADMIN_OIDC_SCOPES"}},
		"no claims":                 {with(func(o *AdminOIDC) { o.NameClaim, o.RolesClaim = "", " " }), []string{"ADMIN_OIDC_NAME_CLAIM", "ADMIN_OIDC_ROLES_CLAIM"}},
		"no roles":                  {with(func(o *AdminOIDC) { o.Roles = "" }), []string{"ADMIN_OIDC_ROLES"}},
		"no such role":              {with(func(o *AdminOIDC) { o.Roles = "root=hunter2" }), []string{"ADMIN_OIDC_ROLES"}},
		"a long title":              {with(func(o *AdminOIDC) { o.Title = strings.Repeat("a", 65) }), []string{"ADMIN_OIDC_TITLE"}},
		"an endless session":        {with(func(o *AdminOIDC) { o.Session = "25h" }), []string{"ADMIN_OIDC_SESSION"}},
		"no session":                {with(func(o *AdminOIDC) { o.Session = "10s" }), []string{"ADMIN_OIDC_SESSION"}},
		"no authority":              {with(func(o *AdminOIDC) { o.CAFile = file }), []string{"ADMIN_OIDC_CA_FILE"}},
		"without an issuer": {
			with(func(o *AdminOIDC) { o.Issuer, o.ClientSecret, o.Title, o.CAFile = "", "hunter2", "Example", file }),
			[]string{"ADMIN_OIDC_CLIENT_ID", "ADMIN_OIDC_CLIENT_SECRET", "ADMIN_OIDC_CLIENT_SECRET_FILE", "ADMIN_OIDC_REDIRECT_URL", "ADMIN_OIDC_ROLES", "ADMIN_OIDC_TITLE", "ADMIN_OIDC_CA_FILE", "ADMIN_TOKEN"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg, err := service(t, c.change).Parse()
			if diff := cmp.Diff(c.want, variables(t, err)); diff != "" {
				t.Errorf("faults (-want +got):\n%s\n%v", diff, err)
			}
			if err != nil && strings.Contains(err.Error(), "hunter2") {
				t.Errorf("the fault repeats a secret: %v", err)
			}
			if err == nil && len(cfg.Warnings) > 0 {
				t.Errorf("warnings %q", cfg.Warnings)
			}
		})
	}
	cfg, err := service(t, whole).Parse()
	if err != nil {
		t.Fatal(err)
	}
	if o := cfg.Admin.OIDC; o.Title != "login.example.com" || o.Session != 4*time.Hour || o.NameClaim != "preferred_username" || o.RolesClaim != "groups" ||
		cmp.Diff([]string{"openid", "profile", "email"}, o.Scopes) != "" || o.ClientSecret.File != file {
		t.Errorf("%+v", o)
	}
	if cfg, err := service(t, nil).Parse(); err != nil || cfg.Admin.OIDC != nil {
		t.Errorf("it is on by default: %+v %v", cfg.Admin.OIDC, err)
	}
}
