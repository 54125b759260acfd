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
	// NameClaim names the claim with the person's name for the audit, RolesClaim the claim with the text or texts to
	// which Roles gives roles. A name with dots can name a claim in a claim (realm_access.roles). A name that begins with
	// a slash is a JSON pointer, for claims whose names have dots (/resource_access/my.client/roles). The claim email
	// counts only if it is verified.
	NameClaim  string
	RolesClaim string
	Roles      OIDCRoles
	Title      string                // of the issuer, for people
	Session    time.Duration         // after which a person must sign in again
	Authority  func() *x509.CertPool // of the issuer's certificate; nil, or a nil pool, for the system's authorities
}

// OIDCRoles maps values of a claim to roles. A person without one of the values gets no role.
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
