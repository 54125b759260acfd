package settings

import (
	"net"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/leadbridge/leadbridge/admin"
)

// AdminOIDC are the settings of signing in to the page by OpenID Connect.
type AdminOIDC struct {
	Issuer           string `name:"admin-oidc-issuer" env:"ADMIN_OIDC_ISSUER" placeholder:"URL" help:"Issuer of OpenID Connect at which people sign in to the page, besides tokens or without them; see docs/page.md. Default: off."`
	ClientID         string `name:"admin-oidc-client-id" env:"ADMIN_OIDC_CLIENT_ID" placeholder:"ID" help:"Client that the page is at the issuer. Default: none."`
	ClientSecret     string `name:"admin-oidc-client-secret" env:"ADMIN_OIDC_CLIENT_SECRET" placeholder:"SECRET" help:"Its secret; better given by the file. Default: none, for a public client."`
	ClientSecretFile string `name:"admin-oidc-client-secret-file" env:"ADMIN_OIDC_CLIENT_SECRET_FILE" placeholder:"FILE" help:"File that holds the secret; read at each sign-in. Default: none."`
	RedirectURL      string `name:"admin-oidc-redirect-url" env:"ADMIN_OIDC_REDIRECT_URL" placeholder:"URL" help:"Address of the page in browsers with the path /oidc/callback, as it is registered at the issuer. Default: none."`
	Scopes           string `name:"admin-oidc-scopes" env:"ADMIN_OIDC_SCOPES" default:"openid profile email" placeholder:"SCOPES" help:"Scopes to ask for, separated by blanks. Default: ${default}."`
	NameClaim        string `name:"admin-oidc-name-claim" env:"ADMIN_OIDC_NAME_CLAIM" default:"preferred_username" placeholder:"CLAIM" help:"Claim of the ID token with the name for the audit. Default: ${default}."`
	RolesClaim       string `name:"admin-oidc-roles-claim" env:"ADMIN_OIDC_ROLES_CLAIM" default:"groups" placeholder:"CLAIM" help:"Claim of the ID token with the groups or roles that ADMIN_OIDC_ROLES is about; realm_access.roles is a claim in a claim, /resource_access/my.client/roles a JSON pointer. Default: ${default}."`
	Roles            string `name:"admin-oidc-roles" env:"ADMIN_OIDC_ROLES" placeholder:"ROLE=GROUP,…" help:"Who gets which role, such as look=leads-readers,act=leads-oncall; the highest counts, and nobody else is let in. Default: none."`
	Title            string `name:"admin-oidc-title" env:"ADMIN_OIDC_TITLE" placeholder:"NAME" help:"Name of the issuer on the button to sign in. Default: its host."`
	Session          string `name:"admin-oidc-session" env:"ADMIN_OIDC_SESSION" default:"4h" placeholder:"DURATION" help:"After which time people sign in again; until then they keep their role. Default: ${default}."`
	CAFile           string `name:"admin-oidc-ca-file" env:"ADMIN_OIDC_CA_FILE" placeholder:"FILE" help:"PEM file of the certificate authorities to trust for the issuer. Default: those of the system."`
}

// longestSession is the longest time for which somebody stays signed in.
const longestSession = 24 * time.Hour

// longestTitle is the longest name of an issuer, in bytes.
const longestTitle = 64

// parse reads the settings; nil: people do not sign in by OpenID Connect.
func (o AdminOIDC) parse(p *parser) *admin.OIDC {
	if strings.TrimSpace(o.Issuer) == "" {
		o.unused(p)
		return nil
	}
	c := &admin.OIDC{
		Issuer: p.issuer(o.Issuer), ClientID: strings.TrimSpace(o.ClientID),
		ClientSecret: p.secret("ADMIN_OIDC_CLIENT_SECRET", o.ClientSecret, o.ClientSecretFile),
		RedirectURL:  p.redirectURL(o.RedirectURL), Scopes: strings.Fields(o.Scopes),
		NameClaim: p.claim("ADMIN_OIDC_NAME_CLAIM", o.NameClaim), RolesClaim: p.claim("ADMIN_OIDC_ROLES_CLAIM", o.RolesClaim),
		Authority: p.authorities("ADMIN_OIDC_CA_FILE", o.CAFile),
	}
	if c.ClientID == "" || strings.ContainsFunc(c.ClientID, isControl) {
		p.fault("ADMIN_OIDC_CLIENT_ID", "is missing, or has control characters", "write the id that the issuer has given to the client")
	}
	if !slices.Contains(c.Scopes, "openid") {
		p.fault("ADMIN_OIDC_SCOPES", "lacks openid", "begin with openid: without it the issuer does not say who signs in")
	}
	c.Title = o.title(p, c.Issuer)
	c.Session = p.duration("ADMIN_OIDC_SESSION", o.Session, time.Minute)
	if c.Session > longestSession {
		p.fault("ADMIN_OIDC_SESSION", quote(o.Session)+" is too long", "write at most "+longestSession.String()+": until then nobody sees that somebody has left")
	}
	const example = "write such as look=leads-readers,act=leads-oncall, with the groups of the issuer"
	var err error
	if c.Roles, err = admin.ParseOIDCRoles(o.Roles); strings.TrimSpace(o.Roles) == "" {
		p.fault("ADMIN_OIDC_ROLES", "is missing, and nobody gets a role without it", example)
	} else if err != nil {
		p.fault("ADMIN_OIDC_ROLES", err.Error(), example+"; the roles are look, reveal and act")
	}
	return c
}

// unused records settings that have no effect without ADMIN_OIDC_ISSUER as faults: somebody believes that they have one.
func (o AdminOIDC) unused(p *parser) {
	for _, s := range []struct{ variable, value string }{
		{"ADMIN_OIDC_CLIENT_ID", o.ClientID},
		{"ADMIN_OIDC_CLIENT_SECRET", o.ClientSecret},
		{"ADMIN_OIDC_CLIENT_SECRET_FILE", o.ClientSecretFile},
		{"ADMIN_OIDC_REDIRECT_URL", o.RedirectURL},
		{"ADMIN_OIDC_ROLES", o.Roles},
		{"ADMIN_OIDC_TITLE", o.Title},
		{"ADMIN_OIDC_CA_FILE", o.CAFile},
	} {
		if strings.TrimSpace(s.value) != "" {
			p.fault(s.variable, "is given, but ADMIN_OIDC_ISSUER is not", "set ADMIN_OIDC_ISSUER, or remove it")
		}
	}
}

// issuer reads the address of the issuer. Faults do not repeat it: it may hold a password.
func (p *parser) issuer(text string) string {
	const variable = "ADMIN_OIDC_ISSUER"
	text = strings.TrimSpace(text)
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "":
		p.fault(variable, "is not an address", "write one such as https://login.example.com/realms/staff, without /.well-known")
	case u.User != nil:
		p.fault(variable, "holds a user name", "remove what stands before the @; the client is ADMIN_OIDC_CLIENT_ID")
	case u.RawQuery != "" || u.Fragment != "":
		p.fault(variable, "holds a query or a fragment", "remove what stands from the ? or # on")
	case !isProtected(u):
		p.fault(variable, "is http:// to another machine", "use https://: whoever is on the way could sign in as anybody")
	}
	return text
}

// redirectURL reads the address to which the issuer sends people back.
func (p *parser) redirectURL(text string) string {
	const variable, remedy = "ADMIN_OIDC_REDIRECT_URL", "write the address of the page in browsers with " + admin.OIDCPath + ", such as https://leads.example.com" + admin.OIDCPath + ", and register the same at the issuer"
	text = strings.TrimSpace(text)
	u, err := url.Parse(text)
	switch {
	case text == "":
		p.fault(variable, "is missing", remedy)
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || u.User != nil:
		p.fault(variable, "is not an address", remedy)
	case u.Path != admin.OIDCPath || u.RawQuery != "" || u.Fragment != "":
		p.fault(variable, "does not end with the path "+admin.OIDCPath+" right behind the host", remedy)
	case !isProtected(u):
		p.fault(variable, "is http:// to another machine", "put a proxy that speaks TLS before the page, and write its https:// address")
	}
	return text
}

// isProtected reports whether nobody on the way can read or change what goes to an address.
func isProtected(u *url.URL) bool {
	return u.Scheme == "https" || isLoopback(net.JoinHostPort(u.Hostname(), "80"))
}

// claim reads the name of a claim.
func (p *parser) claim(variable, text string) string {
	text = strings.TrimSpace(text)
	if text == "" || strings.ContainsFunc(text, isControl) {
		p.fault(variable, "is empty, or has control characters", "write the name of a claim of the ID token, such as groups or preferred_username")
	}
	return text
}

// title returns the name of the issuer for people: the one that is set, else its host.
func (o AdminOIDC) title(p *parser, issuer string) string {
	title := strings.TrimSpace(o.Title)
	if len(title) > longestTitle || strings.ContainsFunc(title, func(r rune) bool { return !unicode.IsPrint(r) }) {
		p.fault("ADMIN_OIDC_TITLE", "is longer than 64 bytes, or has characters that cannot be printed", "write a short name, such as Example ID")
	}
	if u, err := url.Parse(issuer); title == "" && err == nil {
		return u.Host
	}
	return title
}
