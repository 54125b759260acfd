// Package issuer is a real OpenID Connect server for tests: the one of github.com/zitadel/oidc, with its example of a storage
// in memory and a form to sign in, and with the claim groups, which that lacks.
package issuer

import (
	"context"
	"log/slog"
	"net/http"

	"github.com/zitadel/oidc/v3/example/server/exampleop"
	"github.com/zitadel/oidc/v3/example/server/storage"
	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"
)

// Those who have an account, and their password.
const (
	OnCall   = "test-user@example.com" // of the groups sales and oncall, with the e-mail address test-user@zitadel.ch
	Stranger = "test-user2"            // of no group
	Password = "verysecure"
)

// New returns a server that knows one client, with new keys. Without a secret the client is a public one.
func New(address, clientID, secret, redirectURL string) http.Handler {
	c := storage.WebClient(clientID, secret, redirectURL)
	if secret == "" {
		c = storage.NativeClient(clientID, redirectURL)
	}
	store := storage.NewStorageWithClients(storage.NewUserStore("http://example.com"), map[string]*storage.Client{clientID: c})
	return exampleop.SetupServer(address, server{store}, slog.New(slog.DiscardHandler), false)
}

type server struct{ *storage.Storage }

// GetClientByClientID has the claims of scopes put into ID tokens.
func (s server) GetClientByClientID(ctx context.Context, id string) (op.Client, error) {
	c, err := s.Storage.GetClientByClientID(ctx, id)
	return client{c}, err
}

type client struct{ op.Client }

func (client) IDTokenUserinfoClaimsAssertion() bool { return true }

// SetUserinfoFromRequest adds the groups of the user.
func (s server) SetUserinfoFromRequest(ctx context.Context, info *oidc.UserInfo, request op.IDTokenRequest, scopes []string) error {
	if err := s.Storage.SetUserinfoFromRequest(ctx, info, request, scopes); err != nil {
		return err
	}
	groups := []string{}
	if info.PreferredUsername == OnCall {
		groups = []string{"sales", "oncall"}
	}
	info.AppendClaims("groups", groups)
	return nil
}
