package consumer

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/sasl/scram"
	"github.com/twmb/franz-go/pkg/kfake"
)

// Every connection to the brokers uses TLS and logs in: that of the group, those of fetches and commits, and those of dead
// letters.
func TestTLSAndSASL(t *testing.T) {
	server, roots := certificate(t)
	login, err := scram.Mechanism(scram.SHA512, "bridge", "secret")
	if err != nil {
		t.Fatal(err)
	}
	bubble(t, 0, func(t *testing.T, r *rig) {
		for _, topic := range []string{testTopic, testLetters} {
			if err := r.cluster.CreateTopic(topic, 2, nil); err != nil {
				t.Fatal(err)
			}
		}
		r.client.Transport.(*kafka.Transport).TLS = &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
		r.client.Transport.(*kafka.Transport).SASL = login
		secure := func(c *Config) {
			c.Brokers.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
				conn, err := r.network.DialContext(ctx, network, address)
				if err != nil {
					return nil, err
				}
				return tls.Client(conn, &tls.Config{RootCAs: roots, ServerName: "localhost", MinVersion: tls.VersionTLS12}), nil
			}
			c.Brokers.SASL = login
		}
		p := r.start(secure)
		r.await("the assignment", func() bool { return p.Status().Ready })
		r.produce(event("a"), message{value: "no json"}, event("b"))
		r.awaitCreated("a", "b")
		r.await("the letter", func() bool {
			return counterValue(t, p.deps.metrics.deadLetters.WithLabelValues("MALFORMED_EVENT")) == 1
		})
		p.shutdown(t)

		plain := r.start()
		r.await("the hold", func() bool { return hasHold(plain.Status(), HoldBrokers) })
		plain.shutdown(t)
		synctest.Wait()
	}, kfake.TLS(server), kfake.EnableSASL(), kfake.Superuser("SCRAM-SHA-512", "bridge", "secret"))
}

// certificate makes a server certificate for localhost, which is valid in the bubble's time too, and a pool that trusts it.
func certificate(t *testing.T) (*tls.Config, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "localhost"}, DNSNames: []string{"localhost"},
		NotBefore: time.Date(1990, 1, 1, 0, 0, 0, 0, time.UTC), NotAfter: time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(parsed)
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}, MinVersion: tls.VersionTLS12}, roots
}
