package settings

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"sync/atomic"

	"github.com/segmentio/kafka-go/sasl"
	"github.com/segmentio/kafka-go/sasl/plain"
	"github.com/segmentio/kafka-go/sasl/scram"

	"github.com/leadbridge/leadbridge/crmclient"
)

// dial returns a function that opens connections to the brokers by TLS; nil when KAFKA_TLS is off.
func (k Kafka) dial(p *parser) func(ctx context.Context, network, address string) (net.Conn, error) {
	if !p.boolean("KAFKA_TLS", string(k.TLS)) {
		p.unusedWithoutTLS("KAFKA_TLS_CA_FILE", k.TLSCAFile)
		p.unusedWithoutTLS("KAFKA_TLS_CERT_FILE", k.TLSCertFile)
		p.unusedWithoutTLS("KAFKA_TLS_KEY_FILE", k.TLSKeyFile)
		return nil
	}
	authorities, certificate := p.authorities("KAFKA_TLS_CA_FILE", k.TLSCAFile), p.certificate("KAFKA_TLS_CERT_FILE", k.TLSCertFile, "KAFKA_TLS_KEY_FILE", k.TLSKeyFile)
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		// Each connection has its own settings: authorities too are renewed while the process runs.
		dialer := tls.Dialer{Config: &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: authorities(), GetClientCertificate: certificate}}
		return dialer.DialContext(ctx, network, address)
	}
}

// unusedWithoutTLS records a fault when a setting of TLS is given and TLS is off. It is not a warning, as somebody
// believes that the connection is protected.
func (p *parser) unusedWithoutTLS(variable, file string) {
	if file != "" {
		p.fault(variable, "is given, but KAFKA_TLS is off", "set KAFKA_TLS=true, or remove it")
	}
}

// authorities returns a function that reads the file of trusted authorities again at each call, and returns nil for those of
// the system when no file is given.
func (p *parser) authorities(variable, file string) func() *x509.CertPool {
	if file == "" {
		return func() *x509.CertPool { return nil }
	}
	r := &renewed[x509.CertPool]{load: func() (*x509.CertPool, error) {
		content, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		return poolOf(content)
	}}
	if content := p.file(variable, file); content != nil {
		pool, err := poolOf(content)
		if err != nil {
			p.fault(variable, err.Error(), "name a PEM file with BEGIN CERTIFICATE in it")
		}
		r.last.Store(pool)
	}
	return r.read
}

func poolOf(content []byte) (*x509.CertPool, error) {
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(content) {
		return nil, errors.New("holds no certificate")
	}
	return pool, nil
}

// renewed is the content of files that may change while the process runs. While
// they cannot be used, as in the middle of a renewal, their last content stays in force.
type renewed[T any] struct {
	load func() (*T, error)
	last atomic.Pointer[T] // what load last returned without an error
}

// read loads the content again.
func (r *renewed[T]) read() *T {
	if now, err := r.load(); err == nil {
		r.last.Store(now)
	}
	return r.last.Load()
}

// certificate returns the value of [tls.Config.GetClientCertificate], nil when there is no certificate.
func (p *parser) certificate(certVariable, cert, keyVariable, key string) func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
	switch {
	case cert == "" && key == "":
		return nil
	case key == "":
		p.fault(keyVariable, "is missing", "name the private key that belongs to "+certVariable)
		return nil
	case cert == "":
		p.fault(certVariable, "is missing", "name the certificate that belongs to "+keyVariable)
		return nil
	}
	before := len(p.faults)
	certPEM, keyPEM := p.file(certVariable, cert), p.file(keyVariable, key)
	if len(p.faults) > before {
		return nil
	}
	pair, err := tls.X509KeyPair(certPEM, keyPEM)
	if err != nil {
		p.fault(certVariable, "does not fit "+keyVariable+" ("+err.Error()+")", "name a PEM certificate and its own private key")
		return nil
	}
	r := &renewed[tls.Certificate]{load: func() (*tls.Certificate, error) {
		pair, err := tls.LoadX509KeyPair(cert, key)
		return &pair, err
	}}
	r.last.Store(&pair)
	return func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return r.read(), nil }
}

// sasl returns the mechanism to log in with; nil when none is set, or after a fault.
func (k Kafka) sasl(p *parser) sasl.Mechanism {
	if strings.TrimSpace(k.SASLMechanism) == "" {
		k.withoutMechanism(p)
		return nil
	}
	before := len(p.faults)
	name := p.choice("KAFKA_SASL_MECHANISM", k.SASLMechanism, "PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", mechanismOAuth, mechanismAWS)
	if len(p.faults) > before {
		// Which settings are needed depends on the mechanism. That a password and its file exclude each other does not.
		p.secret("KAFKA_SASL_PASSWORD", k.SASLPassword, k.SASLPasswordFile)
		return nil
	}
	k.OAuth.unused(p, name)
	if name == mechanismOAuth || name == mechanismAWS {
		return k.byToken(p, name)
	}
	return k.byPassword(p, name)
}

// byToken returns a mechanism that logs in by a token, and records settings of passwords as faults.
func (k Kafka) byToken(p *parser, name string) sasl.Mechanism {
	for _, s := range []struct{ variable, value string }{
		{"KAFKA_SASL_USERNAME", k.SASLUsername}, {"KAFKA_SASL_PASSWORD", k.SASLPassword}, {"KAFKA_SASL_PASSWORD_FILE", k.SASLPasswordFile},
	} {
		if s.value != "" {
			p.fault(s.variable, "is given, but "+name+" takes no user name and no password", "remove it; docs/brokers.md says what "+name+" needs")
		}
	}
	if !k.tlsOn() {
		p.warn("KAFKA_SASL_MECHANISM=%s without KAFKA_TLS sends tokens readable over the network: set KAFKA_TLS=true", name)
	}
	return k.OAuth.mechanism(p, name)
}

// tlsOn reports whether TLS is on. It does not record a fault for a value that is neither on nor off: dial does.
func (k Kafka) tlsOn() bool { return (&parser{}).boolean("", string(k.TLS)) }

// byPassword returns a mechanism that logs in by user name and password.
func (k Kafka) byPassword(p *parser, name string) sasl.Mechanism {
	secret := p.secret("KAFKA_SASL_PASSWORD", k.SASLPassword, k.SASLPasswordFile)
	if k.SASLUsername == "" {
		p.fault("KAFKA_SASL_USERNAME", "is missing", "set the user name for "+name)
	}
	if secret == (crmclient.Secret{}) {
		p.fault("KAFKA_SASL_PASSWORD", "is missing", "set it, or name a file by KAFKA_SASL_PASSWORD_FILE")
	}
	switch {
	case k.tlsOn():
	case name == "PLAIN":
		p.warn("KAFKA_SASL_MECHANISM=PLAIN without KAFKA_TLS sends the password readable over the network: set KAFKA_TLS=true")
	default:
		p.warn("KAFKA_SASL_MECHANISM=%s without KAFKA_TLS: the events can be read and changed on the way, and a password that can be guessed is found out from the login; set KAFKA_TLS=true", name)
	}
	return login{name: name, username: k.SASLUsername, password: secret}
}

// withoutMechanism records settings of a login as faults: without a mechanism they have no effect.
func (k Kafka) withoutMechanism(p *parser) {
	k.OAuth.unused(p, "")
	if k.SASLUsername != "" || k.SASLPassword != "" || k.SASLPasswordFile != "" {
		p.fault("KAFKA_SASL_MECHANISM", "is missing, though a user name or password is given",
			"set PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512, or remove the others")
	}
}

// login is a mechanism that reads the password's file at each login, so that a
// new password needs no restart.
type login struct {
	name     string
	username string
	password crmclient.Secret
}

func (l login) Name() string { return l.name }

func (l login) Start(ctx context.Context) (sasl.StateMachine, []byte, error) {
	m, err := l.mechanism()
	if err != nil {
		return nil, nil, err
	}
	return m.Start(ctx)
}

func (l login) mechanism() (sasl.Mechanism, error) {
	password := l.password.Value
	if l.password.File != "" {
		content, err := os.ReadFile(l.password.File)
		if err != nil {
			return nil, fmt.Errorf("KAFKA_SASL_PASSWORD_FILE: %w", err)
		}
		password = strings.TrimSpace(string(content))
	}
	switch l.name {
	case "SCRAM-SHA-256":
		return scram.Mechanism(scram.SHA256, l.username, password)
	case "SCRAM-SHA-512":
		return scram.Mechanism(scram.SHA512, l.username, password)
	}
	return plain.Mechanism{Username: l.username, Password: password}, nil
}
