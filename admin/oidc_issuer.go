package admin

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/rs/zerolog"
	"golang.org/x/oauth2"

	"github.com/leadbridge/leadbridge/crmclient"
	"github.com/leadbridge/leadbridge/internal/freshconn"
	"github.com/leadbridge/leadbridge/internal/human"
	"github.com/leadbridge/leadbridge/internal/loopback"
)

const (
	// issuerTime bounds one request to the issuer.
	issuerTime = 5 * time.Second
	// discoveredFor is how long a discovery is used. After that, the next sign-in discovers the issuer again, with new keys.
	discoveredFor = time.Hour
	// maxIssuerAnswer is how many bytes of an answer of the issuer are read.
	maxIssuerAnswer = 1 << 20
)

// The pause after a failed discovery doubles from firstIssuerPause to lastIssuerPause.
const (
	firstIssuerPause = time.Second
	lastIssuerPause  = 30 * time.Second
)

// issuer is an OpenID Connect server. It is discovered until that succeeds, and again at most once an hour. While it does
// not answer, the last discovery stays in force.
type issuer struct {
	cfg    *OIDC
	host   string
	client *http.Client
	log    zerolog.Logger
	turn   chan struct{} // a lock: holds one element, and whoever has received it may discover

	mu    sync.Mutex
	state issuerState
}

// issuerState is what is known of an issuer.
type issuerState struct {
	found   *relyingParty // nil until it is discovered
	foundAt time.Time
	fault   string        // why the last discovery failed, for people; "" if it did not
	pause   time.Duration // after the last failed discovery
	retryAt time.Time     // when the next discovery may be made
}

// due reports whether the issuer should be discovered now.
func (s issuerState) due(now time.Time) bool {
	fresh := s.found != nil && now.Sub(s.foundAt) < discoveredFor
	return !fresh && !now.Before(s.retryAt)
}

// relyingParty holds what sign-ins need from the discovery of an issuer.
type relyingParty struct {
	oauth    oauth2.Config
	verifier *oidc.IDTokenVerifier
}

func newIssuer(cfg *OIDC, log zerolog.Logger) *issuer {
	i := &issuer{cfg: cfg, host: cfg.Issuer, log: log, turn: make(chan struct{}, 1)}
	if u, err := url.Parse(cfg.Issuer); err == nil {
		i.host = u.Host
	}
	i.client = &http.Client{
		Transport: boundedAnswers{freshconn.Transport{Authorities: cfg.Authority, HeaderTimeout: issuerTime}},
		Timeout:   issuerTime,
		// A redirect would take the secret and the code along.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	i.turn <- struct{}{}
	return i
}

// boundedAnswers cuts answers after maxIssuerAnswer bytes.
type boundedAnswers struct{ http.RoundTripper }

// RoundTrip implements [http.RoundTripper].
func (b boundedAnswers) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := b.RoundTripper.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	res.Body = struct {
		io.Reader
		io.Closer
	}{io.LimitReader(res.Body, maxIssuerAnswer), res.Body}
	return res, nil
}

// watch tries to discover the issuer, before anybody signs in, until that succeeds or ctx ends.
func (i *issuer) watch(ctx context.Context) {
	for {
		if _, err := i.relyingParty(ctx); err == nil {
			return
		}
		i.mu.Lock()
		wait := time.Until(i.state.retryAt)
		i.mu.Unlock()
		select {
		case <-ctx.Done():
			return
		case <-time.After(max(wait, firstIssuerPause)):
		}
	}
}

// errIssuerAway is the error while the issuer has never been discovered.
var errIssuerAway = errors.New("the issuer of OpenID Connect has not been discovered")

// relyingParty returns what sign-ins need. It discovers the issuer first if that is due.
func (i *issuer) relyingParty(ctx context.Context) (*relyingParty, error) {
	select {
	case <-i.turn:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer func() { i.turn <- struct{}{} }()
		i.discoverIfDue(ctx)
	}()
	select {
	case <-done:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if found := i.current().found; found != nil {
		return found, nil
	}
	return nil, errIssuerAway
}

// discoverIfDue discovers the issuer if that is due. It does not end with ctx: otherwise somebody who begins sign-ins and
// leaves could make us ask the issuer again and again, without a result and without a pause.
func (i *issuer) discoverIfDue(ctx context.Context) {
	if !i.current().due(time.Now()) {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), exchangeTime)
	defer cancel()
	found, err := i.discover(ctx)
	i.take(found, err, time.Now())
}

func (i *issuer) current() issuerState {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.state
}

// take notes how a discovery ended, and logs a new fault, or the end of one.
func (i *issuer) take(found *relyingParty, err error, now time.Time) {
	fault := ""
	if err != nil {
		fault = err.Error()
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	s := &i.state
	switch {
	case fault != "" && fault != s.fault:
		i.log.Warn().Str("issuer", i.host).Str("fault", fault).Msg("page: the issuer of OpenID Connect cannot be used; it is asked again")
	case fault == "" && s.fault != "":
		i.log.Info().Str("issuer", i.host).Msg("page: the issuer of OpenID Connect can be used again")
	}
	if fault != "" {
		s.fault, s.pause = fault, min(max(2*s.pause, firstIssuerPause), lastIssuerPause)
		s.retryAt = now.Add(s.pause)
		return
	}
	*s = issuerState{found: found, foundAt: now}
}

// away reports whether nobody can sign in because the issuer has never been discovered, and the last try has failed.
func (i *issuer) away() bool {
	s := i.current()
	return s.found == nil && s.fault != ""
}

// discover reads the issuer's discovery document. Its error can be shown to people, and repeats nothing of the answer but
// the issuer.
func (i *issuer) discover(ctx context.Context) (*relyingParty, error) {
	ctx = oidc.ClientContext(ctx, i.client)
	provider, err := oidc.NewProvider(ctx, i.cfg.Issuer)
	if err != nil {
		return nil, errors.New(discoveryFault(err))
	}
	var more struct {
		Keys    string   `json:"jwks_uri"`
		Methods []string `json:"token_endpoint_auth_methods_supported"`
	}
	if err := provider.Claims(&more); err != nil {
		return nil, errors.New(faultNoDocument)
	}
	endpoint := provider.Endpoint()
	for _, address := range []string{endpoint.AuthURL, endpoint.TokenURL, more.Keys} {
		if !safeURL(address) {
			return nil, errors.New("its discovery document has an address that is missing or not https://")
		}
	}
	endpoint.AuthStyle = oauth2.AuthStyleInHeader // the default of OpenID Connect
	if i.cfg.ClientSecret == (crmclient.Secret{}) || len(more.Methods) > 0 && !slices.Contains(more.Methods, "client_secret_basic") {
		endpoint.AuthStyle = oauth2.AuthStyleInParams
	}
	return &relyingParty{
		oauth:    oauth2.Config{ClientID: i.cfg.ClientID, Endpoint: endpoint, RedirectURL: i.cfg.RedirectURL, Scopes: i.cfg.Scopes},
		verifier: provider.VerifierContext(ctx, &oidc.Config{ClientID: i.cfg.ClientID}),
	}, nil
}

const faultNoDocument = "it has no discovery document: look at ADMIN_OIDC_ISSUER, below which /.well-known/openid-configuration is to be"

// discoveryFault says why the issuer could not be discovered, and what to do.
func discoveryFault(err error) string {
	if other, ok := errors.AsType[*oidc.IssuerMismatchError](err); ok {
		return "its discovery document names another issuer, " + human.Quote(other.Discovered) + ": set ADMIN_OIDC_ISSUER to the one that is right, to the last slash"
	}
	if failed, ok := errors.AsType[*url.Error](err); ok {
		return "it does not answer (" + unanswered(failed.Err) + ")"
	}
	return faultNoDocument
}

// unanswered says in a few words why there is no answer.
func unanswered(err error) string {
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return "its certificate is not trusted: ADMIN_OIDC_CA_FILE names whom to trust"
	}
	if n, ok := errors.AsType[net.Error](err); ok && n.Timeout() {
		return "no answer in time"
	}
	return strings.ToValidUTF8(err.Error(), "?")
}

// safeURL reports whether an address is https://, or http:// on this machine, so that nobody can read or change requests
// on the way.
func safeURL(address string) bool {
	u, err := url.Parse(address)
	return err == nil && u.Host != "" && (u.Scheme == "https" || u.Scheme == "http" && loopback.Host(u.Host))
}

// exchange redeems a code for the claims of an ID token that the issuer has signed for this client and this attempt.
func (i *issuer) exchange(ctx context.Context, code string, a attempt) (claims, *refusal) {
	party, err := i.relyingParty(ctx)
	if err != nil {
		return nil, &refusal{code: refusedIssuer, why: "the issuer is away"}
	}
	oauth := party.oauth
	if oauth.ClientSecret, err = readSecret(i.cfg.ClientSecret); err != nil {
		return nil, &refusal{code: refusedIssuer, why: err.Error()}
	}
	token, err := oauth.Exchange(context.WithValue(ctx, oauth2.HTTPClient, i.client), code, oauth2.VerifierOption(a.verifier))
	if err != nil {
		return nil, &refusal{code: refusedIssuer, why: exchangeFault(err)}
	}
	text, _ := token.Extra("id_token").(string)
	if text == "" {
		return nil, &refusal{code: refusedIssuer, why: "the issuer gave no ID token: look at ADMIN_OIDC_SCOPES"}
	}
	idToken, err := party.verifier.Verify(ctx, text)
	if err != nil {
		return nil, &refusal{code: refusedIssuer, why: "the ID token " + tokenFault(err)}
	}
	var all claims
	switch {
	case !sameText(idToken.Nonce, a.nonce):
		return nil, &refusal{code: refusedIssuer, why: "the ID token is of another sign-in: its nonce is not ours"}
	case idToken.Claims(&all) != nil || !all.isForClient(idToken.Audience, i.cfg.ClientID):
		return nil, &refusal{code: refusedIssuer, why: "the ID token " + faultOtherClient}
	}
	return all, nil
}

// exchangeFault says why the issuer gave no token. It repeats nothing of the answer but its status and error code.
func exchangeFault(err error) string {
	if refused, ok := errors.AsType[*oauth2.RetrieveError](err); ok {
		text := fmt.Sprintf("the issuer does not take the code (%d", refused.Response.StatusCode)
		if oauthCode.MatchString(refused.ErrorCode) {
			text += " " + refused.ErrorCode
		}
		return text + "): look at ADMIN_OIDC_CLIENT_ID, at its secret, and at what the issuer has as its redirect URL"
	}
	if failed, ok := errors.AsType[*url.Error](err); ok {
		return "the issuer does not answer (" + unanswered(failed.Err) + ")"
	}
	return "the issuer answers with something that is not a token"
}

const faultOtherClient = "is for another client: look at ADMIN_OIDC_CLIENT_ID"

// tokenFault says why an ID token is not accepted. It does not repeat the library's text, which contains claims.
func tokenFault(err error) string {
	if _, ok := errors.AsType[*oidc.TokenExpiredError](err); ok {
		return "has expired: compare this machine's clock with the issuer's"
	}
	for part, fault := range map[string]string{
		"fetching keys":                       "cannot be checked, as the issuer's keys cannot be read",
		"failed to verify id token signature": "is not signed by a key of the issuer",
		"malformed jwt":                       "is not signed in a way that is accepted",
		"expected audience":                   faultOtherClient,
		"different provider":                  "is of another issuer",
		"(not before)":                        "is not valid yet: compare this machine's clock with the issuer's",
	} {
		if strings.Contains(err.Error(), part) {
			return fault
		}
	}
	return "is not valid"
}

// readSecret returns the current secret of the client; "" for a public client.
func readSecret(s crmclient.Secret) (string, error) {
	if s.File == "" {
		return s.Value, nil
	}
	content, err := os.ReadFile(s.File)
	text := strings.TrimSpace(string(content))
	if err != nil || text == "" {
		return "", errors.New("the file of ADMIN_OIDC_CLIENT_SECRET_FILE cannot be read, or is empty")
	}
	return text, nil
}
