package broker

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"strconv"
	"time"

	"github.com/testcontainers/testcontainers-go"
)

// Who may come in by a password.
const (
	User     = "lead"
	Password = "not-a-secret" // only ever of a broker that lives for one test
)

// Security is how clients reach the listeners of a Secure cluster. All
// certificates and keys are PEM.
type Security struct {
	CA         []byte // of the brokers' certificate and of the client's
	ClientCert []byte
	ClientKey  []byte

	TLS      []string // brokers with TLS
	Mutual   []string // brokers with TLS that ask for ClientCert
	SCRAM    []string // brokers with TLS and SCRAM-SHA-256 or SCRAM-SHA-512
	Password []string // brokers without TLS, with PLAIN or SCRAM-SHA-256

	// Brokers with OAUTHBEARER, whose sessions end with their tokens: without TLS, for tokens that nobody signed, and
	// with TLS, for those of Tokens.
	Unsecured, OIDC []string
	Tokens          *TokenServer

	server []byte // the brokers' key and certificate
}

// Where a broker finds its certificates.
const (
	serverFile = "/tmp/leadbridge-server.pem"
	caFile     = "/tmp/leadbridge-ca.pem"
)

// sessionLife is the longest session of the listener SCRAM: clients log in again while a test runs.
const sessionLife = 12 * time.Second

// env are a broker's settings of the listeners.
func (s *Security) env() map[string]string {
	const (
		scramLogin = "org.apache.kafka.common.security.scram.ScramLoginModule required;"
		plainLogin = "org.apache.kafka.common.security.plain.PlainLoginModule required user_" + User + `="` + Password + `";`
	)
	const (
		tokenLogin = "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required;"
		verifier   = "org.apache.kafka.common.security.oauthbearer.OAuthBearerValidatorCallbackHandler"
		longest    = "3600000" // so that tokens end sessions
	)
	life := strconv.FormatInt(sessionLife.Milliseconds(), 10)
	return map[string]string{ //nolint:gosec // G101: the password opens nothing but a broker of a test
		"KAFKA_SSL_KEYSTORE_TYPE":                                                 "PEM",
		"KAFKA_SSL_KEYSTORE_LOCATION":                                             serverFile,
		"KAFKA_SSL_TRUSTSTORE_TYPE":                                               "PEM",
		"KAFKA_SSL_TRUSTSTORE_LOCATION":                                           caFile,
		"KAFKA_LISTENER_NAME_MUTUAL_SSL_CLIENT_AUTH":                              "required",
		"KAFKA_LISTENER_NAME_SCRAM_SASL_ENABLED_MECHANISMS":                       "SCRAM-SHA-256,SCRAM-SHA-512",
		"KAFKA_LISTENER_NAME_SCRAM_SCRAM___SHA___256_SASL_JAAS_CONFIG":            scramLogin,
		"KAFKA_LISTENER_NAME_SCRAM_SCRAM___SHA___512_SASL_JAAS_CONFIG":            scramLogin,
		"KAFKA_LISTENER_NAME_SCRAM_SCRAM___SHA___256_CONNECTIONS_MAX_REAUTH_MS":   life,
		"KAFKA_LISTENER_NAME_SCRAM_SCRAM___SHA___512_CONNECTIONS_MAX_REAUTH_MS":   life,
		"KAFKA_LISTENER_NAME_UNSECURED_SASL_ENABLED_MECHANISMS":                   "OAUTHBEARER",
		"KAFKA_LISTENER_NAME_UNSECURED_OAUTHBEARER_SASL_JAAS_CONFIG":              tokenLogin,
		"KAFKA_LISTENER_NAME_UNSECURED_OAUTHBEARER_CONNECTIONS_MAX_REAUTH_MS":     longest,
		"KAFKA_LISTENER_NAME_OIDC_SASL_ENABLED_MECHANISMS":                        "OAUTHBEARER",
		"KAFKA_LISTENER_NAME_OIDC_OAUTHBEARER_SASL_JAAS_CONFIG":                   tokenLogin,
		"KAFKA_LISTENER_NAME_OIDC_OAUTHBEARER_CONNECTIONS_MAX_REAUTH_MS":          longest,
		"KAFKA_LISTENER_NAME_OIDC_OAUTHBEARER_SASL_SERVER_CALLBACK_HANDLER_CLASS": verifier,
		"KAFKA_SASL_OAUTHBEARER_JWKS_ENDPOINT_URL":                                s.Tokens.keysURL(),
		"KAFKA_SASL_OAUTHBEARER_EXPECTED_AUDIENCE":                                Audience,
		"KAFKA_SASL_OAUTHBEARER_EXPECTED_ISSUER":                                  issuer,
		"KAFKA_SASL_OAUTHBEARER_CLOCK_SKEW_SECONDS":                               "1",
		"KAFKA_LISTENER_NAME_PASSWORD_SASL_ENABLED_MECHANISMS":                    "PLAIN,SCRAM-SHA-256",
		"KAFKA_LISTENER_NAME_PASSWORD_PLAIN_SASL_JAAS_CONFIG":                     plainLogin,
		// Who is not logged in may do everything, and so may everybody with what no ACL names.
		"KAFKA_AUTHORIZER_CLASS_NAME":                                     "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
		"KAFKA_SUPER_USERS":                                               "User:ANONYMOUS",
		"KAFKA_ALLOW_EVERYONE_IF_NO_ACL_FOUND":                            "true",
		"KAFKA_LISTENER_NAME_PASSWORD_SCRAM___SHA___256_SASL_JAAS_CONFIG": scramLogin,
	}
}

// authority makes certificates.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pem  []byte
}

func newAuthority() (*authority, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make the authority's key: %w", err)
	}
	template := certificate("leadbridge test authority")
	template.IsCA, template.BasicConstraintsValid = true, true
	template.KeyUsage = x509.KeyUsageCertSign
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, fmt.Errorf("make the authority's certificate: %w", err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("read the authority's certificate: %w", err)
	}
	return &authority{cert, key, block("CERTIFICATE", der)}, nil
}

// issue makes a certificate for this machine's address.
func (a *authority) issue(name string) (cert, key []byte, err error) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, fmt.Errorf("make a key for %s: %w", name, err)
	}
	template := certificate(name)
	template.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1)}
	template.DNSNames = []string{"localhost"}
	template.KeyUsage = x509.KeyUsageDigitalSignature
	template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, private.Public(), a.key)
	if err != nil {
		return nil, nil, fmt.Errorf("make a certificate for %s: %w", name, err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return nil, nil, fmt.Errorf("write the key of %s: %w", name, err)
	}
	return block("CERTIFICATE", der), block("PRIVATE KEY", pkcs8), nil
}

func certificate(name string) *x509.Certificate {
	return &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()),
		Subject:      pkix.Name{CommonName: name},
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().Add(24 * time.Hour),
	}
}

func block(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}

// newSecurity makes the certificates of a cluster.
func newSecurity(ctx context.Context) (*Security, error) {
	ca, err := newAuthority()
	if err != nil {
		return nil, err
	}
	cert, key, err := ca.issue("localhost")
	if err != nil {
		return nil, err
	}
	tokens, err := newTokenServer(ctx)
	if err != nil {
		return nil, err
	}
	s := &Security{CA: ca.pem, Tokens: tokens, server: bytes.Join([][]byte{key, cert}, nil)}
	if s.ClientCert, s.ClientKey, err = ca.issue(User); err != nil {
		return nil, err
	}
	return s, nil
}

// files are a broker's certificates; nil has none.
func (s *Security) files() []testcontainers.ContainerFile {
	if s == nil {
		return nil
	}
	file := func(path string, text []byte) testcontainers.ContainerFile {
		return testcontainers.ContainerFile{Reader: bytes.NewReader(text), ContainerFilePath: path, FileMode: 0o644}
	}
	return []testcontainers.ContainerFile{file(serverFile, s.server), file(caFile, s.CA)}
}

// note takes a broker's listeners up.
func (s *Security) note(n *Node) {
	if s == nil {
		return
	}
	s.TLS = append(s.TLS, n.addr(tlsOnly))
	s.Mutual = append(s.Mutual, n.addr(mutual))
	s.SCRAM = append(s.SCRAM, n.addr(scramTLS))
	s.Password = append(s.Password, n.addr(password))
	s.Unsecured = append(s.Unsecured, n.addr(unsecured))
	s.OIDC = append(s.OIDC, n.addr(oidc))
}
