//go:build integration

package integration

import (
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/leadbridge/leadbridge/integration/internal/broker"
)

// secureCluster is the shared one, where it has listeners for credentials.
func secureCluster(t *testing.T) (*broker.Cluster, *broker.Security) {
	t.Helper()
	c := sharedCluster(t)
	if c.Security() == nil {
		t.Skip("the listeners of " + broker.EnvBrokers + " for credentials, and the credentials, are not known")
	}
	return c, c.Security()
}

// TestListeners checks, delivers and writes dead letters over every kind of listener, by
// the settings of the built program.
func TestListeners(t *testing.T) {
	t.Parallel()
	c, s := secureCluster(t)
	dir := t.TempDir()
	file := func(name string, text []byte) string {
		path := filepath.Join(dir, name)
		must(t, "write "+name, os.WriteFile(path, text, 0o600))
		return path
	}
	secured := map[string]string{"KAFKA_TLS": "true", "KAFKA_TLS_CA_FILE": file("ca.pem", s.CA)}
	certified := with(secured, map[string]string{
		"KAFKA_TLS_CERT_FILE": file("client.pem", s.ClientCert), "KAFKA_TLS_KEY_FILE": file("client-key.pem", s.ClientKey),
	})
	login := func(mechanism string) map[string]string {
		return map[string]string{
			"KAFKA_SASL_MECHANISM": mechanism, "KAFKA_SASL_USERNAME": broker.User,
			"KAFKA_SASL_PASSWORD_FILE": file(mechanism, []byte(broker.Password+"\n")),
		}
	}
	for name, way := range map[string]struct {
		brokers  []string
		settings map[string]string
	}{
		"plaintext":                       {c.Addrs(), nil},
		"TLS":                             {s.TLS, secured},
		"TLS with a client's certificate": {s.Mutual, certified},
		"SCRAM-SHA-256 over TLS":          {s.SCRAM, with(secured, login("SCRAM-SHA-256"))},
		"SCRAM-SHA-512 over TLS":          {s.SCRAM, with(secured, login("SCRAM-SHA-512"))},
		"SCRAM-SHA-256":                   {s.Password, login("SCRAM-SHA-256")},
		"PLAIN":                           {s.Password, login("PLAIN")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newLab(t, c, labOptions{})
			settings := with(way.settings, map[string]string{"KAFKA_BROKERS": strings.Join(way.brokers, ",")})
			check := program(t, "check", "check", l.env("check", settings))
			if code := check.awaitExit(); code != 0 {
				t.Errorf("check ends with %d", code)
			}
			m := l.join("member", settings)
			leads := l.spread(30)
			leads[7].fate = "NO_CONTACT_POINT"
			l.produce(leads)
			l.settle()
			m.stop()
		})
	}
}

// TestWrongCredentials finds a process that no broker lets in to be held, and check to fail.
func TestWrongCredentials(t *testing.T) {
	t.Parallel()
	c, s := secureCluster(t)
	ca := filepath.Join(t.TempDir(), "ca.pem")
	must(t, "write the authority", os.WriteFile(ca, s.CA, 0o600))
	const guess = "Wrong-Guess-17"
	l := newLab(t, c, labOptions{})
	for name, way := range map[string]struct {
		brokers  []string
		settings map[string]string
	}{
		"password":             {s.SCRAM, map[string]string{"KAFKA_TLS": "true", "KAFKA_TLS_CA_FILE": ca, "KAFKA_SASL_MECHANISM": "SCRAM-SHA-512", "KAFKA_SASL_USERNAME": broker.User, "KAFKA_SASL_PASSWORD": guess}},
		"no-certificate":       {s.Mutual, map[string]string{"KAFKA_TLS": "true", "KAFKA_TLS_CA_FILE": ca}},
		"an-unknown-authority": {s.TLS, map[string]string{"KAFKA_TLS": "true"}},
		"plaintext-to-TLS":     {s.TLS, nil},
	} {
		settings := with(way.settings, map[string]string{"KAFKA_BROKERS": strings.Join(way.brokers, ",")})
		check := program(t, "check-"+name, "check", l.env("check", settings))
		m := l.join(name, settings)
		if code := check.awaitExit(); code != 1 {
			t.Errorf("%s: check ends with %d, want 1", name, code)
		}
		eventually(t, name+": the process is held", func() bool { return m.status().held("brokers") && !m.status().Ready })
		if lines := append(m.logged(guess), check.logged(guess)...); len(lines) > 0 {
			t.Errorf("the password is in the log: %s", lines[0])
		}
		m.stop()
	}
}

// with is a map with more entries.
func with(settings, more map[string]string) map[string]string {
	all := maps.Clone(settings)
	if all == nil {
		all = map[string]string{}
	}
	maps.Copy(all, more)
	return all
}
