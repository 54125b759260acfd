// Package oidc signs in to the page at a real OpenID Connect server, github.com/zitadel/oidc, which runs in the process of
// the tests. They need no browser: a client with cookies does what one would do. What a server never gives, such as tokens
// of a stranger, is tested in the package admin with an issuer made for it.
package oidc
