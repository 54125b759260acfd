package settings

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// newPair writes a certificate, which is its own authority, and its key.
func newPair(t *testing.T, dir, name string) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalECPrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	write := func(suffix, kind string, bytes []byte) string {
		path := filepath.Join(dir, name+suffix)
		if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: bytes}), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	return write(".crt", "CERTIFICATE", der), write(".key", "EC PRIVATE KEY", keyDER)
}

func TestSecurity(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	cert, key := newPair(t, dir, "one")
	_, otherKey := newPair(t, dir, "other")
	for name, c := range map[string]struct {
		change func(*Kafka)
		want   []string
	}{
		"nothing":             {func(k *Kafka) {}, nil},
		"TLS":                 {func(k *Kafka) { k.TLS = "on" }, nil},
		"TLS with all":        {func(k *Kafka) { k.TLS, k.TLSCAFile, k.TLSCertFile, k.TLSKeyFile = "yes", cert, cert, key }, nil},
		"neither on nor off":  {func(k *Kafka) { k.TLS = "maybe" }, []string{"KAFKA_TLS"}},
		"files without TLS":   {func(k *Kafka) { k.TLSCAFile, k.TLSKeyFile = cert, key }, []string{"KAFKA_TLS_CA_FILE", "KAFKA_TLS_KEY_FILE"}},
		"no authority inside": {func(k *Kafka) { k.TLS, k.TLSCAFile = "1", key }, []string{"KAFKA_TLS_CA_FILE"}},
		"authority missing":   {func(k *Kafka) { k.TLS, k.TLSCAFile = "1", dir+"/none" }, []string{"KAFKA_TLS_CA_FILE"}},
		"certificate alone":   {func(k *Kafka) { k.TLS, k.TLSCertFile = "1", cert }, []string{"KAFKA_TLS_KEY_FILE"}},
		"key alone":           {func(k *Kafka) { k.TLS, k.TLSKeyFile = "1", key }, []string{"KAFKA_TLS_CERT_FILE"}},
		"key of another":      {func(k *Kafka) { k.TLS, k.TLSCertFile, k.TLSKeyFile = "1", cert, otherKey }, []string{"KAFKA_TLS_CERT_FILE"}},
		"mechanism alone":     {func(k *Kafka) { k.SASLMechanism = "SCRAM-SHA-256" }, []string{"KAFKA_SASL_USERNAME", "KAFKA_SASL_PASSWORD"}},
		"mechanism unknown":   {func(k *Kafka) { k.SASLMechanism, k.SASLUsername, k.SASLPassword = "GSSAPI", "a", "b" }, []string{"KAFKA_SASL_MECHANISM"}},
		"mechanism misspelt":  {func(k *Kafka) { k.SASLMechanism = "OAUTHBEARRER" }, []string{"KAFKA_SASL_MECHANISM"}},
		"user alone":          {func(k *Kafka) { k.SASLUsername = "a" }, []string{"KAFKA_SASL_MECHANISM"}},
		"password twice": {
			func(k *Kafka) {
				k.SASLMechanism, k.SASLUsername, k.SASLPassword, k.SASLPasswordFile = "PLAIN", "a", "b", cert
			},
			[]string{"KAFKA_SASL_PASSWORD"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c2, err := service(t, func(s *Service) { c.change(&s.Kafka) }).Parse()
			if diff := cmp.Diff(c.want, variables(t, err)); diff != "" {
				t.Errorf("faults (-want +got):\n%s", diff)
			}
			if name == "TLS with all" && c2.Consumer.Brokers.Dial == nil {
				t.Error("the brokers are spoken to in plain text")
			}
		})
	}
}

// tlsBroker is a server that shows one certificate and asks for another.
type tlsBroker struct {
	address string
	shows   chan tls.Certificate // the server's certificate of each connection
	seen    chan []byte          // the client's, nil for none
}

func newTLSBroker(t *testing.T) *tlsBroker {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	b := &tlsBroker{address: l.Addr().String(), shows: make(chan tls.Certificate, 1), seen: make(chan []byte)}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			b.seen <- b.handshake(conn)
		}
	}()
	t.Cleanup(func() {
		l.Close()
		<-done
	})
	return b
}

func (b *tlsBroker) handshake(conn net.Conn) []byte {
	defer conn.Close()
	server := tls.Server(conn, &tls.Config{Certificates: []tls.Certificate{<-b.shows}, ClientAuth: tls.RequestClientCert, MinVersion: tls.VersionTLS12})
	if err := server.Handshake(); err != nil || len(server.ConnectionState().PeerCertificates) == 0 {
		return nil
	}
	return server.ConnectionState().PeerCertificates[0].Raw
}

// meet has the service connect to the broker while it shows a certificate. It tells which one
// the service showed, and the service's error.
func (b *tlsBroker) meet(t *testing.T, c Config, cert, key string) ([]byte, error) {
	t.Helper()
	pair, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	b.shows <- pair
	conn, err := c.Consumer.Brokers.Dial(t.Context(), "tcp", b.address)
	if err == nil {
		defer conn.Close()
	}
	return <-b.seen, err
}

func move(t *testing.T, from, to string) {
	t.Helper()
	if err := os.Rename(from, to); err != nil {
		t.Fatal(err)
	}
}

// TestCertificateIsReadAtEachHandshake renews a certificate while the service runs.
func TestCertificateIsReadAtEachHandshake(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	brokerCert, brokerKey := newPair(t, dir, "broker")
	cert, key := newPair(t, dir, "ours")
	c, err := service(t, func(s *Service) {
		s.TLS, s.TLSCAFile, s.TLSCertFile, s.TLSKeyFile = "true", brokerCert, cert, key
	}).Parse()
	if err != nil {
		t.Fatal(err)
	}
	b := newTLSBroker(t)
	shown := func() []byte {
		seen, err := b.meet(t, c, brokerCert, brokerKey)
		if err != nil || seen == nil {
			t.Fatalf("%v, the broker sees %d bytes", err, len(seen))
		}
		return seen
	}
	first := shown()
	otherCert, otherKey := newPair(t, dir, "renewed")
	move(t, otherCert, cert)
	if !bytes.Equal(shown(), first) {
		t.Error("a certificate is shown whose key is not there yet")
	}
	move(t, otherKey, key)
	second := shown()
	if bytes.Equal(second, first) {
		t.Error("the renewed certificate is not shown")
	}
	if err := os.Remove(cert); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(shown(), second) {
		t.Error("without its file the last certificate is gone")
	}
}

// TestAuthoritiesAreReadAtEachHandshake renews the authority of the brokers while the service runs.
func TestAuthoritiesAreReadAtEachHandshake(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	oldCert, oldKey := newPair(t, dir, "old")
	newCert, newKey := newPair(t, dir, "new")
	file := filepath.Join(dir, "ca.pem")
	trust := func(content string) {
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	text := func(name string) string {
		content, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		return string(content)
	}
	trust(text(oldCert))
	c, err := service(t, func(s *Service) { s.TLS, s.TLSCAFile = "true", file }).Parse()
	if err != nil {
		t.Fatal(err)
	}
	b := newTLSBroker(t)
	trusts := func(when string, wantOld, wantNew bool) {
		t.Helper()
		_, oldErr := b.meet(t, c, oldCert, oldKey)
		_, newErr := b.meet(t, c, newCert, newKey)
		for err, want := range map[*error]bool{&oldErr: wantOld, &newErr: wantNew} {
			if _, unknown := errors.AsType[x509.UnknownAuthorityError](*err); (*err == nil) != want || *err != nil && !unknown {
				t.Errorf("%s: %v for the old one, %v for the new one", when, oldErr, newErr)
			}
		}
	}
	trusts("at first", true, false)
	trust(text(oldCert) + text(newCert))
	trusts("both", true, true)
	trust(text(newCert))
	trusts("the new one", false, true)
	trust("half a certif")
	trusts("a broken file", false, true)
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	trusts("no file", false, true)

	b.address = strings.Replace(b.address, "127.0.0.1", "localhost", 1)
	if _, err := b.meet(t, c, newCert, newKey); err == nil {
		t.Error("a certificate of another name is good enough")
	}
}

// TestPasswordFileIsReadAtEachLogin changes a password while the service runs.
func TestPasswordFileIsReadAtEachLogin(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(t.TempDir(), "password")
			write := func(text string) {
				if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			write("first\n")
			c, err := service(t, func(s *Service) {
				s.SASLMechanism, s.SASLUsername, s.SASLPasswordFile = name, "me", file
			}).Parse()
			if err != nil {
				t.Fatal(err)
			}
			if got := c.Consumer.Brokers.SASL.Name(); got != name {
				t.Errorf("mechanism %q, want %q", got, name)
			}
			write("second")
			_, first, err := c.Consumer.Brokers.SASL.Start(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if name == "PLAIN" && !strings.HasSuffix(string(first), "\x00second") {
				t.Error("the login does not use the new password")
			}
			if err := os.Remove(file); err != nil {
				t.Fatal(err)
			}
			if _, _, err := c.Consumer.Brokers.SASL.Start(t.Context()); err == nil {
				t.Error("a login without its file succeeds")
			}
		})
	}
}
