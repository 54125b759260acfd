package settings

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// newPair writes a certificate and its key.
func newPair(t *testing.T, dir, name string) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
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
			if name == "TLS with all" && (c2.Consumer.TLS == nil || c2.Consumer.TLS.RootCAs == nil || c2.Consumer.TLS.GetClientCertificate == nil) {
				t.Errorf("TLS %+v", c2.Consumer.TLS)
			}
		})
	}
}

// TestCertificateIsReadAtEachHandshake renews a certificate while the service runs.
func TestCertificateIsReadAtEachHandshake(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	cert, key := newPair(t, dir, "ours")
	c, err := service(t, func(s *Service) { s.TLS, s.TLSCertFile, s.TLSKeyFile = "true", cert, key }).Parse()
	if err != nil {
		t.Fatal(err)
	}
	shown := func() []byte {
		pair, err := c.Consumer.TLS.GetClientCertificate(nil)
		if err != nil {
			t.Fatal(err)
		}
		return pair.Certificate[0]
	}
	first := shown()
	otherCert, otherKey := newPair(t, dir, "renewed")
	if err := os.Rename(otherCert, cert); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(shown(), first) {
		t.Error("a certificate is shown whose key is not there yet")
	}
	if err := os.Rename(otherKey, key); err != nil {
		t.Fatal(err)
	}
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
			if got := c.Consumer.SASL.Name(); got != name {
				t.Errorf("mechanism %q, want %q", got, name)
			}
			write("second")
			_, first, err := c.Consumer.SASL.Start(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if name == "PLAIN" && !strings.HasSuffix(string(first), "\x00second") {
				t.Error("the login does not use the new password")
			}
			if err := os.Remove(file); err != nil {
				t.Fatal(err)
			}
			if _, _, err := c.Consumer.SASL.Start(t.Context()); err == nil {
				t.Error("a login without its file succeeds")
			}
		})
	}
}
