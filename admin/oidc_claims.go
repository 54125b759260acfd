package admin

import (
	"fmt"
	"slices"
	"strings"
)

// claims are the claims of a verified ID token.
type claims map[string]any

// find returns the claim with a name. If there is none, a name that begins with a slash is read as a JSON pointer (RFC
// 6901), and a name with dots as a path of claims in claims.
func (c claims) find(name string) (value any, ok bool) {
	if value, ok = c[name]; ok {
		return value, true
	}
	if pointer, is := strings.CutPrefix(name, "/"); is {
		return c.at(strings.Split(pointer, "/"))
	}
	outer, inner, dotted := strings.Cut(name, ".")
	within, isObject := c[outer].(map[string]any)
	if !dotted || !isObject {
		return nil, false
	}
	return claims(within).find(inner)
}

// at returns the claim at the end of a path of claims, whose names are escaped as in RFC 6901.
func (c claims) at(path []string) (value any, ok bool) {
	name := strings.ReplaceAll(strings.ReplaceAll(path[0], "~1", "/"), "~0", "~")
	value, ok = c[name]
	if len(path) == 1 || !ok {
		return value, ok
	}
	within, _ := value.(map[string]any)
	return claims(within).at(path[1:])
}

// texts returns the texts of a claim, which is one text or a list of them.
func (c claims) texts(name string) (all []string, ok bool) {
	value, ok := c.find(name)
	switch value := value.(type) {
	case string:
		return []string{value}, true
	case []any:
		for _, one := range value {
			if text, isText := one.(string); isText {
				all = append(all, text)
			}
		}
	}
	return all, ok
}

// claimEmail is a claim that people may set to anything, unless the issuer has verified it.
const claimEmail = "email"

// isEmail reports whether a setting names claimEmail, with or without the slash of a JSON pointer.
func isEmail(name string) bool { return strings.TrimPrefix(name, "/") == claimEmail }

// emailVerified reports whether the issuer has verified the e-mail address. Some issuers write the value as a text.
func (c claims) emailVerified() bool {
	return c["email_verified"] == true || c["email_verified"] == "true"
}

// person returns who signed in, and with which role.
func (c claims) person(o *OIDC) (holder, *refusal) {
	if (isEmail(o.NameClaim) || isEmail(o.RolesClaim)) && !c.emailVerified() {
		return holder{}, &refusal{code: refusedIssuer, why: "the issuer does not say that the e-mail address is verified"}
	}
	value, _ := c.find(o.NameClaim)
	name, _ := value.(string)
	if !isHolderName(name) {
		return holder{}, &refusal{code: refusedIssuer, why: fmt.Sprintf(
			"the claim %s of ADMIN_OIDC_NAME_CLAIM is missing, longer than %d bytes, or has characters that cannot be printed", o.NameClaim, maxHolderName)}
	}
	values, ok := c.texts(o.RolesClaim)
	if !ok {
		return holder{}, &refusal{code: refusedRole, who: oidcNames + name, why: "the ID token has no claim " + o.RolesClaim + ", which ADMIN_OIDC_ROLES_CLAIM names"}
	}
	role := o.Roles.of(values)
	if role == roleNone {
		return holder{}, &refusal{code: refusedRole, who: oidcNames + name, why: "no value of the claim " + o.RolesClaim + " has a role in ADMIN_OIDC_ROLES"}
	}
	return holder{name: oidcNames + name, role: role}, nil
}

// isForClient reports whether a token was made for this client, by its claim azp or, without that, because it has no
// other audience (OpenID Connect Core, section 3.1.3.7). The client must be known to be among the audiences.
func (c claims) isForClient(audience []string, client string) bool {
	party, named := c["azp"]
	if named {
		return party == client
	}
	return len(slices.Compact(slices.Sorted(slices.Values(audience)))) == 1
}
