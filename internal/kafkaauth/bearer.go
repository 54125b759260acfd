package kafkaauth

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/segmentio/kafka-go/sasl"
)

// A Token shows brokers who we are.
type Token struct {
	Value   string
	Expires time.Time // zero: not known
}

// A TokenSource returns a token for each login. It must be safe for concurrent use.
type TokenSource interface {
	Token(ctx context.Context) (Token, error)
}

// Bearer returns the mechanism OAUTHBEARER. Extensions are sent with the token, such as Confluent
// Cloud's logicalCluster; [CheckExtension] says which ones are valid.
func Bearer(tokens TokenSource, extensions map[string]string) sasl.Mechanism {
	return bearer{tokens, maps.Clone(extensions)}
}

type bearer struct {
	tokens     TokenSource
	extensions map[string]string
}

// Name implements [sasl.Mechanism].
func (bearer) Name() string { return "OAUTHBEARER" }

// tokenText matches the texts that a token may be (RFC 6750, section 2.1).
var tokenText = regexp.MustCompile(`^[A-Za-z0-9._~+/-]+=*$`)

// Start implements [sasl.Mechanism].
func (b bearer) Start(ctx context.Context) (sasl.StateMachine, []byte, error) {
	token, err := b.tokens.Token(ctx)
	if err != nil {
		return nil, nil, err
	}
	if !tokenText.MatchString(token.Value) {
		return nil, nil, &Problem{What: "the token holds characters that bearer tokens cannot have", Remedy: "look at where it comes from: it is to be the token alone"}
	}
	return &bearerLogin{token: token, tokens: b.tokens}, b.message(token.Value), nil
}

// separator stands between the parts of the client's message, and alone is its answer to a refusal (RFC 7628, section 3.1).
const separator = "\x01"

func (b bearer) message(token string) []byte {
	var m strings.Builder
	m.WriteString("n,," + separator + "auth=Bearer " + token + separator)
	for _, name := range slices.Sorted(maps.Keys(b.extensions)) {
		m.WriteString(name + "=" + b.extensions[name] + separator)
	}
	m.WriteString(separator)
	return []byte(m.String())
}

// bearerLogin is one login.
type bearerLogin struct {
	token   Token
	tokens  TokenSource
	refusal *Problem // nil: the broker has not refused the token
}

// Next implements [sasl.StateMachine]. Brokers answer a good token with nothing, and a bad one with
// JSON; then they wait for a last message before they end the login.
func (l *bearerLogin) Next(_ context.Context, challenge []byte) (bool, []byte, error) {
	switch {
	case l.refusal != nil:
		return false, nil, l.refusal
	case len(challenge) == 0:
		return true, nil, nil
	}
	l.refusal = l.refused(challenge)
	return false, []byte(separator), nil
}

// status matches the words with which a broker refuses a token (RFC 7628, section 3.2.2).
var status = regexp.MustCompile(`^[a-z_]{1,40}$`)

func (l *bearerLogin) refused(challenge []byte) *Problem {
	var answer struct{ Status string }
	what := "the broker refuses the token"
	if json.Unmarshal(challenge, &answer) == nil && status.MatchString(answer.Status) {
		what += " (" + answer.Status + ")"
	}
	if e := l.token.Expires; !e.IsZero() && e.Before(time.Now()) {
		return &Problem{What: fmt.Sprintf("%s, which expired at %s", what, e.UTC().Format(time.RFC3339)), Remedy: "see that whoever issues it renews it, and that clocks agree"}
	}
	return &Problem{What: what, Remedy: "look at its issuer, audience and scope, and at what the brokers expect"}
}

// Refusal returns why the broker refused the token; nil: it has not.
func (l *bearerLogin) Refusal() error {
	if l.refusal == nil {
		return nil
	}
	return l.refusal
}

// Failed tells the source of the token that a broker refused it, if the source wants to know.
func (l *bearerLogin) Failed(ctx context.Context) {
	if s, ok := l.tokens.(interface{ refused(context.Context, Token) }); ok {
		s.refused(ctx, l.token)
	}
}

// Expires returns when the token expires.
func (l *bearerLogin) Expires() time.Time { return l.token.Expires }

var (
	extensionName  = regexp.MustCompile(`^[A-Za-z]+$`)
	extensionValue = regexp.MustCompile(`^[\x21-\x7E \t\r\n]+$`)
)

// CheckExtension returns an error for what is not a valid extension (RFC 7628, section 3.1; KIP-342).
func CheckExtension(name, value string) error {
	switch {
	case !extensionName.MatchString(name):
		return fmt.Errorf("%.40q is not the name of an extension: it consists of letters", name)
	case name == "auth":
		return fmt.Errorf("the extension %q is the token itself", name)
	case !extensionValue.MatchString(value):
		return fmt.Errorf("the extension %s has no value, or one with unprintable characters", name)
	}
	return nil
}
