package webhook

import (
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/segmentio/kafka-go/sasl/scram"
	"github.com/twmb/franz-go/pkg/kfake"
)

// TestTLSAndSASL writes to brokers that ask for both, and answers 503 without the login.
func TestTLSAndSASL(t *testing.T) {
	t.Parallel()
	certified := httptest.NewTLSServer(http.NotFoundHandler())
	defer certified.Close()
	roots := x509.NewCertPool()
	roots.AddCert(certified.Certificate())
	client := tls.Dialer{Config: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}}
	login, err := scram.Mechanism(scram.SHA512, "gate", "secret")
	if err != nil {
		t.Fatal(err)
	}
	secured, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, testTopic), kfake.EnableSASL(), kfake.Superuser("SCRAM-SHA-512", "gate", "secret"),
		kfake.TLS(&tls.Config{Certificates: certified.TLS.Certificates, MinVersion: tls.VersionTLS12}))
	if err != nil {
		t.Fatal(err)
	}
	defer secured.Close()
	for name, c := range map[string]struct {
		login  bool
		status int
	}{"with": {true, http.StatusAccepted}, "without": {false, http.StatusServiceUnavailable}} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, open, func(c *Config) {
				c.Brokers.Addresses, c.Brokers.Dial = secured.ListenAddrs(), client.DialContext
			}, func(cfg *Config) {
				if c.login {
					cfg.Brokers.SASL = login
				} else {
					cfg.AckTimeout = 300 * time.Millisecond
				}
			})
			if a := r.post("/hooks/form", mediaJSON, testLead); a.status != c.status {
				t.Errorf("%d %s\n%s", a.status, a.body, r.logs)
			}
		})
	}
	if n := secured.PartitionInfos(testTopic)[0].HighWatermark; n != 1 {
		t.Errorf("%d records, want 1", n)
	}
}
