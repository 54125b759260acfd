package kafkaauth

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"github.com/leadbridge/leadbridge/internal/freshconn"
)

// ClientCredentials says how a token server is asked for tokens, by the grant client_credentials (RFC 6749, section 4.4).
type ClientCredentials struct {
	TokenURL string
	ClientID string
	// One of these proves who we are. Files are read at each request.
	Secret        string
	SecretFile    string
	AssertionFile string // of a JSON Web Token, sent as client_assertion (RFC 7523), as Azure's workload identity asks for

	Scopes      []string
	Audience    string                // "": none is named
	Authorities func() *x509.CertPool // of the token server's certificate; nil, or a nil pool: the system's
}

// NewClientCredentials returns a source of tokens that asks a token server. A token is used for all connections until three
// quarters of its life are over.
func NewClientCredentials(c ClientCredentials) TokenSource {
	return newRenewed(newTokenServer(c).fetch)
}

func newTokenServer(c ClientCredentials) *tokenServer {
	s := &tokenServer{credentials: c, host: hostOf(c.TokenURL), client: newTokenClient(c.Authorities)}
	s.request = clientcredentials.Config{ClientID: c.ClientID, TokenURL: c.TokenURL, Scopes: c.Scopes, EndpointParams: url.Values{}, AuthStyle: oauth2.AuthStyleInHeader}
	if c.Audience != "" {
		s.request.EndpointParams.Set("audience", c.Audience)
	}
	return s
}

// tokenServer is used by one goroutine at a time.
type tokenServer struct {
	credentials ClientCredentials
	host        string
	client      *http.Client
	request     clientcredentials.Config
}

// newTokenClient returns a client that follows no redirect: the secret would be sent to wherever it points.
func newTokenClient(authorities func() *x509.CertPool) *http.Client {
	return &http.Client{
		Transport:     jsonAnswers{freshconn.Transport{Authorities: authorities, HeaderTimeout: fetchTime}},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// jsonAnswers calls an answer JSON that is a JSON object and is called plain text, as servers call it that leave the type to
// a library. The OAuth library takes plain text for a form.
type jsonAnswers struct{ http.RoundTripper }

func (j jsonAnswers) RoundTrip(r *http.Request) (*http.Response, error) {
	answer, err := j.RoundTripper.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	if kind, _, _ := mime.ParseMediaType(answer.Header.Get("Content-Type")); kind == "text/plain" {
		text := bufio.NewReader(answer.Body)
		if first, err := text.Peek(1); err == nil && first[0] == '{' {
			answer.Header.Set("Content-Type", "application/json")
		}
		answer.Body = struct {
			io.Reader
			io.Closer
		}{text, answer.Body}
	}
	return answer, nil
}

// assertionType says that a client_assertion is a JSON Web Token (RFC 7523, section 2.2).
const assertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

// fetch asks for a token, which expires when the server or the token itself says so, whichever is earlier: a server that keeps
// tokens may tell the life of a new one with each. A token that has expired by our clock shows that the clocks differ.
func (s *tokenServer) fetch(ctx context.Context) (Token, error) {
	if err := s.prove(); err != nil {
		return Token{}, err
	}
	answer, err := s.ask(context.WithValue(ctx, oauth2.HTTPClient, s.client))
	if err != nil {
		return Token{}, s.explain(err)
	}
	token := Token{Value: answer.AccessToken, Expires: answer.Expiry}
	if own := expiry(token.Value); token.Expires.IsZero() || own.After(time.Now()) && own.Before(token.Expires) {
		token.Expires = own
	}
	if token.Expires.IsZero() {
		token.Expires = time.Now().Add(unknownLife)
	}
	return token, nil
}

// ask sends the secret in the header, which RFC 6749 has every server understand. If the server does not know the client
// then, ask sends the secret in the body. The library would do that after any refusal, and return the second error, not
// the first.
func (s *tokenServer) ask(ctx context.Context) (*oauth2.Token, error) {
	answer, err := s.request.Token(ctx)
	refused, ok := errors.AsType[*oauth2.RetrieveError](err)
	if !ok || s.request.AuthStyle == oauth2.AuthStyleInParams || refused.Response.StatusCode != http.StatusUnauthorized && refused.ErrorCode != "invalid_client" {
		return answer, err
	}
	s.request.AuthStyle = oauth2.AuthStyleInParams
	if answer, again := s.request.Token(ctx); again == nil {
		return answer, nil
	}
	s.request.AuthStyle = oauth2.AuthStyleInHeader
	return nil, err
}

// unknownLife is how long a token is used when nobody says when it expires.
const unknownLife = 5 * time.Minute

// prove puts the secret or the assertion, as its file has it now, into the request.
func (s *tokenServer) prove() (err error) {
	switch c := s.credentials; {
	case c.AssertionFile != "":
		assertion, err := readSecret(c.AssertionFile, "KAFKA_OAUTH_CLIENT_ASSERTION_FILE")
		s.request.EndpointParams.Set("client_assertion_type", assertionType)
		s.request.EndpointParams.Set("client_assertion", assertion)
		s.request.AuthStyle = oauth2.AuthStyleInParams
		return err
	case c.SecretFile != "":
		s.request.ClientSecret, err = readSecret(c.SecretFile, "KAFKA_OAUTH_CLIENT_SECRET_FILE")
	default:
		s.request.ClientSecret = c.Secret
	}
	return err
}

// errorCode matches the codes with which a token server refuses a request (RFC 6749, section 5.2).
var errorCode = regexp.MustCompile(`^[a-z_]{1,40}$`)

// explain returns what to do about a request that failed. It repeats only the status and the code of the answer.
func (s *tokenServer) explain(err error) error {
	refused, ok := errors.AsType[*oauth2.RetrieveError](err)
	if !ok {
		return s.unanswered(err)
	}
	status := refused.Response.StatusCode
	text := fmt.Sprintf("%d", status)
	if errorCode.MatchString(refused.ErrorCode) {
		text += " " + refused.ErrorCode
	}
	p := &Problem{What: fmt.Sprintf("the token server %s refuses the request (%s)", s.host, text)}
	switch {
	case refused.ErrorCode == "invalid_scope":
		p.Remedy = "look at KAFKA_OAUTH_SCOPE"
	case refused.ErrorCode == "invalid_target" || refused.ErrorCode == "access_denied":
		p.Remedy = "look at KAFKA_OAUTH_AUDIENCE, and at what the client is allowed"
	case refused.ErrorCode == "invalid_client" || refused.ErrorCode == "unauthorized_client" || status == http.StatusUnauthorized || status == http.StatusForbidden:
		p.Remedy = "look at KAFKA_OAUTH_CLIENT_ID and at its secret, and that the client may use the grant client_credentials"
	case status >= 500 || status == http.StatusTooManyRequests:
		p.What = fmt.Sprintf("the token server %s has no token for us (%s)", s.host, text)
		p.Remedy = "look at the token server; it is asked again"
	case status >= 300 && status < 400:
		p.Remedy = "it redirects, which would send the secret elsewhere: set KAFKA_OAUTH_TOKEN_URL to its final address"
	case status == http.StatusNotFound || status == http.StatusMethodNotAllowed:
		p.Remedy = "look at KAFKA_OAUTH_TOKEN_URL: it is to be the token endpoint"
	default:
		p.Remedy = "look at KAFKA_OAUTH_TOKEN_URL, _CLIENT_ID, _SCOPE and _AUDIENCE"
	}
	return p
}

// unanswered returns what to do about a request without a usable answer. It leaves out the library's text, which may hold
// parts of the answer.
func (s *tokenServer) unanswered(err error) error {
	if failed, ok := errors.AsType[*url.Error](err); ok {
		return &Problem{
			What:   fmt.Sprintf("the token server %s does not answer (%s)", s.host, reason(failed.Err)),
			Remedy: "look at KAFKA_OAUTH_TOKEN_URL, the server and the way there; it is asked again",
			Err:    failed.Err,
		}
	}
	return &Problem{
		What:   fmt.Sprintf("the token server %s answers with something that is not a token", s.host),
		Remedy: "look at KAFKA_OAUTH_TOKEN_URL: it is to be the token endpoint",
	}
}

// reason returns why there is no answer, in few words.
func reason(err error) string {
	if errors.Is(err, context.DeadlineExceeded) {
		return "no answer within " + fetchTime.String()
	}
	if n, ok := errors.AsType[net.Error](err); ok && n.Timeout() {
		return "no answer in time"
	}
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return "its certificate is not trusted: KAFKA_OAUTH_CA_FILE names whom to trust"
	}
	return plainly(err.Error())
}

// hostOf returns the host of an address: the part that may be shown.
func hostOf(address string) string {
	u, err := url.Parse(strings.TrimSpace(address))
	if err != nil {
		return "of KAFKA_OAUTH_TOKEN_URL"
	}
	return u.Host
}
