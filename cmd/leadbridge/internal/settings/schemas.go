package settings

import (
	"crypto/tls"
	"fmt"
	"net"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/leadbridge/leadbridge/crmclient"
	"github.com/leadbridge/leadbridge/schemas"
	"github.com/leadbridge/leadbridge/transform"
)

// Schemas are the settings of the schema registry.
type Schemas struct {
	RegistryURL          string `name:"schema-registry-url" env:"SCHEMA_REGISTRY_URL" placeholder:"URL,…" help:"Schema registry with Confluent's interface, by whose schemas Avro and Protobuf values are read; several addresses of one registry are separated by commas. Default: none."`
	RegistryUsername     string `name:"schema-registry-username" env:"SCHEMA_REGISTRY_USERNAME" placeholder:"NAME" help:"User name for the registry. Default: none."`
	RegistryPassword     string `name:"schema-registry-password" env:"SCHEMA_REGISTRY_PASSWORD" placeholder:"SECRET" help:"Its password; better given by the file. Default: none."`
	RegistryPasswordFile string `name:"schema-registry-password-file" env:"SCHEMA_REGISTRY_PASSWORD_FILE" placeholder:"FILE" help:"File that holds the password; read for each request. Default: none."`
	RegistryToken        string `name:"schema-registry-token" env:"SCHEMA_REGISTRY_TOKEN" placeholder:"SECRET" help:"Bearer token for the registry, instead of user name and password; better given by the file. Default: none."`
	RegistryTokenFile    string `name:"schema-registry-token-file" env:"SCHEMA_REGISTRY_TOKEN_FILE" placeholder:"FILE" help:"File that holds the token; read for each request. Default: none."`
	RegistryCAFile       string `name:"schema-registry-ca-file" env:"SCHEMA_REGISTRY_CA_FILE" placeholder:"FILE" help:"PEM file of the certificate authorities to trust for the registry. Default: those of the system."`
	RegistryCertFile     string `name:"schema-registry-cert-file" env:"SCHEMA_REGISTRY_CERT_FILE" placeholder:"FILE" help:"PEM file of our own certificate, for a registry that asks for one. Default: none."`
	RegistryKeyFile      string `name:"schema-registry-key-file" env:"SCHEMA_REGISTRY_KEY_FILE" placeholder:"FILE" help:"PEM file of its private key. Default: none."`
}

// How long a read waits for its schema: Patience of [schemas.Config].
const (
	forDelivery = 0                // what package schemas has for the delivery
	forTools    = 15 * time.Second // for commands, where nobody else waits
)

// reader makes t read framed values, and also returns what it reads them with. patience is that of [schemas.Config]. Both
// are nil after a fault.
func (s Schemas) reader(p *parser, t *transform.Transformer, patience time.Duration) (*schemas.Transformer, *schemas.Reader) {
	before := len(p.faults)
	c := s.parse(p)
	c.Patience = patience
	if len(p.faults) > before {
		return nil, nil
	}
	r, err := schemas.New(c)
	if err != nil {
		p.fault("SCHEMA_REGISTRY_URL", err.Error(), "write one such as https://registry.example.com")
		return nil, nil
	}
	if t == nil {
		return nil, nil // after a fault of the transformer's settings
	}
	return schemas.NewTransformer(t, r), r
}

func (s Schemas) parse(p *parser) schemas.Config {
	c := schemas.Config{Username: strings.TrimSpace(s.RegistryUsername)}
	for one := range strings.SplitSeq(s.RegistryURL, ",") {
		if one = strings.TrimSpace(one); one != "" {
			c.URLs = append(c.URLs, p.registryURL(one, s.hasLogin()))
		}
	}
	if len(c.URLs) == 0 {
		s.unused(p)
		return c
	}
	password := p.secret("SCHEMA_REGISTRY_PASSWORD", s.RegistryPassword, s.RegistryPasswordFile)
	token := p.secret("SCHEMA_REGISTRY_TOKEN", s.RegistryToken, s.RegistryTokenFile)
	none := crmclient.Secret{}
	switch {
	case token != none && (password != none || c.Username != ""):
		p.fault("SCHEMA_REGISTRY_TOKEN", "is given, and so is a user name or a password", "give only one of them")
	case password != none && c.Username == "":
		p.fault("SCHEMA_REGISTRY_USERNAME", "is missing, though a password is given", "set the user name")
	case c.Username != "" && password == none:
		p.fault("SCHEMA_REGISTRY_PASSWORD", "is missing, though a user name is given", "name its file by SCHEMA_REGISTRY_PASSWORD_FILE")
	}
	c.Password, c.Token = reading("SCHEMA_REGISTRY_PASSWORD", password), reading("SCHEMA_REGISTRY_TOKEN", token)
	authorities := p.authorities("SCHEMA_REGISTRY_CA_FILE", s.RegistryCAFile)
	certificate := p.certificate("SCHEMA_REGISTRY_CERT_FILE", s.RegistryCertFile, "SCHEMA_REGISTRY_KEY_FILE", s.RegistryKeyFile)
	c.TLS = func() *tls.Config {
		return &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: authorities(), GetClientCertificate: certificate}
	}
	return c
}

// hasLogin reports whether requests to the registry carry a login.
func (s Schemas) hasLogin() bool {
	return s.RegistryUsername+s.RegistryPassword+s.RegistryPasswordFile+s.RegistryToken+s.RegistryTokenFile != ""
}

// unused records settings that have no effect without SCHEMA_REGISTRY_URL as faults: somebody believes that they have one.
func (s Schemas) unused(p *parser) {
	for _, one := range []struct{ variable, value string }{
		{"SCHEMA_REGISTRY_USERNAME", s.RegistryUsername},
		{"SCHEMA_REGISTRY_PASSWORD", s.RegistryPassword}, {"SCHEMA_REGISTRY_PASSWORD_FILE", s.RegistryPasswordFile},
		{"SCHEMA_REGISTRY_TOKEN", s.RegistryToken}, {"SCHEMA_REGISTRY_TOKEN_FILE", s.RegistryTokenFile},
		{"SCHEMA_REGISTRY_CA_FILE", s.RegistryCAFile}, {"SCHEMA_REGISTRY_CERT_FILE", s.RegistryCertFile}, {"SCHEMA_REGISTRY_KEY_FILE", s.RegistryKeyFile},
	} {
		if one.value != "" {
			p.fault(one.variable, "is given, but SCHEMA_REGISTRY_URL is not", "set SCHEMA_REGISTRY_URL, or remove it")
		}
	}
}

// registryURL reads an address of the registry. Faults do not repeat it: it may hold a password. hasLogin says that requests
// to it carry a login.
func (p *parser) registryURL(text string, hasLogin bool) string {
	const variable = "SCHEMA_REGISTRY_URL"
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "":
		p.fault(variable, "is not an address", "write one such as https://registry.example.com, several separated by commas")
	case u.User != nil:
		p.fault(variable, "holds a user name", "put it into SCHEMA_REGISTRY_USERNAME and SCHEMA_REGISTRY_PASSWORD_FILE, and remove what stands before the @")
	case u.RawQuery != "" || u.Fragment != "":
		p.fault(variable, "holds more than an address", "remove what stands from the ? or # on")
	case hasLogin && u.Scheme == "http" && !isLoopback(net.JoinHostPort(u.Hostname(), "80")):
		p.warn("SCHEMA_REGISTRY_URL is http:// to another machine: the login can be read on the way; use https://")
	}
	return text
}

// reading returns a function that returns the secret, and reads its file each time; nil when there is none.
func reading(variable string, s crmclient.Secret) func() (string, error) {
	if s == (crmclient.Secret{}) {
		return nil
	}
	return func() (string, error) {
		if s.File == "" {
			return s.Value, nil
		}
		content, err := os.ReadFile(s.File)
		if err != nil {
			return "", fmt.Errorf("%s_FILE cannot be read (%s): name a file that this user may read", variable, reason(err))
		}
		return strings.TrimSpace(string(content)), nil
	}
}
