package admin

import (
	"crypto/x509"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/leadbridge/leadbridge/crmclient"
)

// OIDCPath is where the issuer sends people back to: the path of every redirect URL.
const OIDCPath = "/oidc/callback"

// OIDC says how people sign in by OpenID Connect, with the authorization code flow, PKCE, state and nonce.
type OIDC struct {
	Issuer   string // its address, exactly as its tokens name it
	ClientID string
	// ClientSecret proves to the issuer who we are; its file is read at each sign-in. Zero: a public client, by PKCE alone.
	ClientSecret crmclient.Secret
	RedirectURL  string   // address of the page with [OIDCPath], as the issuer knows it
	Scopes       []string // openid among them
	// NameClaim names the claim with the name for the audit, RolesClaim the one whose text or list of texts Roles is about.
	// A name with dots also names a claim in a claim: realm_access.roles; one that begins with a slash is a JSON pointer, for
	// names that have dots themselves: /resource_access/my.client/roles. The claim email counts when it is verified.
	NameClaim  string
	RolesClaim string
	Roles      OIDCRoles
	Title      string                // of the issuer, for people
	Session    time.Duration         // after which a person has to sign in again
	Authority  func() *x509.CertPool // of the issuer's certificate; nil, or a nil pool: the system's
}

// OIDCRoles say which role whoever has a value of a claim gets. Nobody else gets one.
type OIDCRoles struct{ byValue map[string]role }

// ParseOIDCRoles reads a comma list of role=value, such as look=leads-readers,act=leads-oncall. Its error says which part is
// wrong, and repeats nothing of the text.
func ParseOIDCRoles(text string) (OIDCRoles, error) {
	all := OIDCRoles{byValue: map[string]role{}}
	for i, part := range strings.Split(text, ",") {
		name, value, ok := strings.Cut(part, "=")
		value = strings.TrimSpace(value)
		if !ok || value == "" {
			return OIDCRoles{}, fmt.Errorf("part %d is not ROLE=VALUE", i+1)
		}
		r, err := parseRole(strings.TrimSpace(name))
		if err == nil && all.byValue[value] != roleNone {
			err = errors.New("an earlier part is about the same value")
		}
		if err != nil {
			return OIDCRoles{}, fmt.Errorf("part %d is wrong: %w", i+1, err)
		}
		all.byValue[value] = r
	}
	return all, nil
}

// of returns the highest role that one of the values has.
func (o OIDCRoles) of(values []string) (highest role) {
	for _, v := range values {
		highest = max(highest, o.byValue[v])
	}
	return highest
}
