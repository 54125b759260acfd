package settings

import (
	"net"
	"net/url"
	"os"
	"strings"

	"github.com/segmentio/kafka-go/sasl"

	"github.com/leadbridge/leadbridge/crmclient"
	"github.com/leadbridge/leadbridge/internal/kafkaauth"
)

// OAuth are the settings of logins by tokens.
type OAuth struct {
	TokenURL         string `name:"kafka-oauth-token-url" env:"KAFKA_OAUTH_TOKEN_URL" placeholder:"URL" help:"Token endpoint that gives tokens for OAUTHBEARER by client credentials. Default: none."`
	ClientID         string `name:"kafka-oauth-client-id" env:"KAFKA_OAUTH_CLIENT_ID" placeholder:"ID" help:"Client that asks for tokens. Default: none."`
	ClientSecret     string `name:"kafka-oauth-client-secret" env:"KAFKA_OAUTH_CLIENT_SECRET" placeholder:"SECRET" help:"Its secret; better given by the file. Default: none."`
	ClientSecretFile string `name:"kafka-oauth-client-secret-file" env:"KAFKA_OAUTH_CLIENT_SECRET_FILE" placeholder:"FILE" help:"File that holds the secret; read for each token. Default: none."`
	AssertionFile    string `name:"kafka-oauth-client-assertion-file" env:"KAFKA_OAUTH_CLIENT_ASSERTION_FILE" placeholder:"FILE" help:"File of a token that proves who the client is instead of a secret, such as that of Azure's workload identity; read for each token. Default: none."`
	Scope            string `name:"kafka-oauth-scope" env:"KAFKA_OAUTH_SCOPE" placeholder:"SCOPE" help:"Scopes to ask for, separated by blanks. Default: none."`
	Audience         string `name:"kafka-oauth-audience" env:"KAFKA_OAUTH_AUDIENCE" placeholder:"NAME" help:"Audience to ask for. Default: none."`
	Extensions       string `name:"kafka-oauth-extensions" env:"KAFKA_OAUTH_EXTENSIONS" placeholder:"NAME=VALUE,…" help:"What brokers want to know beside the token, such as Confluent Cloud's logicalCluster=lkc-…,identityPoolId=pool-…. Default: none."`
	TokenFile        string `name:"kafka-oauth-token-file" env:"KAFKA_OAUTH_TOKEN_FILE" placeholder:"FILE" help:"File that holds the token itself instead, such as a projected service-account token; read at each login. Default: none."`
	CAFile           string `name:"kafka-oauth-ca-file" env:"KAFKA_OAUTH_CA_FILE" placeholder:"FILE" help:"PEM file of the certificate authorities to trust for the token endpoint. Default: those of the system."`
	AWSRegion        string `name:"kafka-aws-region" env:"KAFKA_AWS_REGION" placeholder:"REGION" help:"Region of the brokers for AWS_MSK_IAM. Default: AWS_REGION, else what the brokers' names say."`
}

// Mechanisms that log in by tokens. In Kafka's protocol both are OAUTHBEARER.
const (
	mechanismOAuth = "OAUTHBEARER"
	mechanismAWS   = "AWS_MSK_IAM"
)

// givenBeside returns the variables that have a value although they are not settings of the mechanism.
func (o OAuth) givenBeside(mechanism string) (variables []string) {
	for _, s := range []struct {
		variable, value, mechanism string
	}{
		{"KAFKA_OAUTH_TOKEN_URL", o.TokenURL, mechanismOAuth},
		{"KAFKA_OAUTH_CLIENT_ID", o.ClientID, mechanismOAuth},
		{"KAFKA_OAUTH_CLIENT_SECRET", o.ClientSecret, mechanismOAuth},
		{"KAFKA_OAUTH_CLIENT_SECRET_FILE", o.ClientSecretFile, mechanismOAuth},
		{"KAFKA_OAUTH_CLIENT_ASSERTION_FILE", o.AssertionFile, mechanismOAuth},
		{"KAFKA_OAUTH_SCOPE", o.Scope, mechanismOAuth},
		{"KAFKA_OAUTH_AUDIENCE", o.Audience, mechanismOAuth},
		{"KAFKA_OAUTH_EXTENSIONS", o.Extensions, mechanismOAuth},
		{"KAFKA_OAUTH_TOKEN_FILE", o.TokenFile, mechanismOAuth},
		{"KAFKA_OAUTH_CA_FILE", o.CAFile, mechanismOAuth},
		{"KAFKA_AWS_REGION", o.AWSRegion, mechanismAWS},
	} {
		if s.value != "" && s.mechanism != mechanism {
			variables = append(variables, s.variable)
		}
	}
	return variables
}

// unused records settings of other mechanisms as faults: somebody believes that they have an effect.
func (o OAuth) unused(p *parser, mechanism string) {
	for _, variable := range o.givenBeside(mechanism) {
		wanted := mechanismOAuth
		if variable == "KAFKA_AWS_REGION" {
			wanted = mechanismAWS
		}
		p.fault(variable, "is given, but KAFKA_SASL_MECHANISM is not "+wanted, "set KAFKA_SASL_MECHANISM="+wanted+", or remove it")
	}
}

// mechanism returns the mechanism of that name, which logs in by a token.
func (o OAuth) mechanism(p *parser, name string) sasl.Mechanism {
	if name == mechanismAWS {
		region := strings.TrimSpace(o.AWSRegion)
		if region == "" {
			region = strings.TrimSpace(os.Getenv("AWS_REGION"))
		}
		if strings.ContainsFunc(region, func(r rune) bool { return !isRegionRune(r) }) {
			p.fault("KAFKA_AWS_REGION", quote(region)+" is not a region", "write one such as eu-central-1")
		}
		return kafkaauth.Bearer(kafkaauth.NewAWS(region, os.Getenv), nil)
	}
	return kafkaauth.Bearer(o.tokens(p), o.extensions(p))
}

func isRegionRune(r rune) bool { return r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '-' }

// tokens returns where tokens come from: a file, or a token server.
func (o OAuth) tokens(p *parser) kafkaauth.TokenSource {
	if o.TokenFile == "" {
		return o.clientCredentials(p)
	}
	if o.TokenURL != "" {
		p.fault("KAFKA_OAUTH_TOKEN_FILE", "is given, and so is KAFKA_OAUTH_TOKEN_URL", "give only one of them; a file that proves who asks for a token is KAFKA_OAUTH_CLIENT_ASSERTION_FILE")
	}
	p.secretFile("KAFKA_OAUTH_TOKEN_FILE", o.TokenFile)
	return kafkaauth.TokenFile(o.TokenFile)
}

// clientCredentials returns the source that asks a token server; nil after some faults.
func (o OAuth) clientCredentials(p *parser) kafkaauth.TokenSource {
	if o.TokenURL == "" {
		p.fault("KAFKA_OAUTH_TOKEN_URL", "is missing", "name the token endpoint, or a file of the token by KAFKA_OAUTH_TOKEN_FILE")
		return nil
	}
	if o.ClientID == "" {
		p.fault("KAFKA_OAUTH_CLIENT_ID", "is missing", "set the client that asks for tokens")
	}
	secret := p.secret("KAFKA_OAUTH_CLIENT_SECRET", o.ClientSecret, o.ClientSecretFile)
	switch given := secret != (crmclient.Secret{}); {
	case given && o.AssertionFile != "":
		p.fault("KAFKA_OAUTH_CLIENT_ASSERTION_FILE", "is given, and so is a client secret", "give only one of them")
	case o.AssertionFile != "":
		p.secretFile("KAFKA_OAUTH_CLIENT_ASSERTION_FILE", o.AssertionFile)
	case !given:
		p.fault("KAFKA_OAUTH_CLIENT_SECRET", "is missing", "name its file by KAFKA_OAUTH_CLIENT_SECRET_FILE, or that of an assertion by KAFKA_OAUTH_CLIENT_ASSERTION_FILE")
	}
	return kafkaauth.NewClientCredentials(kafkaauth.ClientCredentials{
		TokenURL: p.tokenURL(o.TokenURL), ClientID: strings.TrimSpace(o.ClientID),
		Secret: secret.Value, SecretFile: secret.File, AssertionFile: o.AssertionFile,
		Scopes: strings.Fields(o.Scope), Audience: strings.TrimSpace(o.Audience),
		Authorities: p.authorities("KAFKA_OAUTH_CA_FILE", o.CAFile),
	})
}

// tokenURL reads the address of a token endpoint, which is not repeated: it may hold a password.
func (p *parser) tokenURL(text string) string {
	const variable = "KAFKA_OAUTH_TOKEN_URL"
	text = strings.TrimSpace(text)
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "":
		p.fault(variable, "is not an address", "write one such as https://login.example.com/oauth2/token")
	case u.User != nil:
		p.fault(variable, "holds a user name", "put it into KAFKA_OAUTH_CLIENT_ID and KAFKA_OAUTH_CLIENT_SECRET_FILE, and remove what stands before the @")
	case u.Fragment != "":
		p.fault(variable, "holds a fragment", "remove what stands from the # on")
	case u.Scheme == "http" && !isLoopback(net.JoinHostPort(u.Hostname(), "80")):
		p.warn("KAFKA_OAUTH_TOKEN_URL is http:// to another machine: the client's secret and the tokens can be read on the way; use https://")
	}
	return text
}

// extensions reads a comma list of name=value. A value may be a list itself, such as pool-a,pool-b: what has no equals sign and
// cannot be a name belongs to the value before.
func (o OAuth) extensions(p *parser) map[string]string {
	const variable, remedy = "KAFKA_OAUTH_EXTENSIONS", "write name=value, several separated by commas, such as logicalCluster=lkc-abc123,identityPoolId=pool-xyz"
	found := map[string]string{}
	last := ""
	for one := range strings.SplitSeq(o.Extensions, ",") {
		if one = strings.TrimSpace(one); one == "" {
			continue
		}
		name, value, ok := strings.Cut(one, "=")
		name, value = strings.TrimSpace(name), strings.TrimSpace(value)
		if !ok && found[last] != "" && kafkaauth.CheckExtension(name, "any") != nil {
			found[last] += "," + name
			continue
		}
		if !ok {
			p.fault(variable, quote(one)+" has no value", remedy)
			continue
		}
		if err := kafkaauth.CheckExtension(name, value); err != nil {
			p.fault(variable, err.Error(), remedy)
		}
		if _, twice := found[name]; twice {
			p.fault(variable, "names "+quote(name)+" twice", remedy)
		}
		found[name], last = value, name
	}
	return found
}
