//go:build integration

package integration

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/leadbridge/leadbridge/integration/internal/broker"
)

// tokenLife is short enough for a test to see several tokens expire, and sessions with them.
const tokenLife = 12 * time.Second

// clientCredentials are the settings of logins by tokens of the cluster's own server.
func clientCredentials(t *testing.T, s *broker.Security) map[string]string {
	t.Helper()
	dir := t.TempDir()
	ca, secret := filepath.Join(dir, "ca.pem"), filepath.Join(dir, "secret")
	must(t, "write the authority", os.WriteFile(ca, s.CA, 0o600))
	must(t, "write the secret", os.WriteFile(secret, []byte(broker.ClientSecret+"\n"), 0o600))
	return map[string]string{
		"KAFKA_BROKERS": strings.Join(s.OIDC, ","), "KAFKA_TLS": "true", "KAFKA_TLS_CA_FILE": ca,
		"KAFKA_SASL_MECHANISM": "OAUTHBEARER", "KAFKA_OAUTH_TOKEN_URL": s.Tokens.URL,
		"KAFKA_OAUTH_CLIENT_ID": broker.Client, "KAFKA_OAUTH_CLIENT_SECRET_FILE": secret, "KAFKA_OAUTH_AUDIENCE": broker.Audience,
	}
}

// TestSessionsThatEnd delivers for several lives of a token, or of a session, without a gap: the broker ends no
// connection, and the group does not notice.
func TestSessionsThatEnd(t *testing.T) {
	t.Parallel()
	c, s := secureCluster(t)
	s.Tokens.SetLife(tokenLife)
	file := filepath.Join(t.TempDir(), "token")
	renew := func() {
		must(t, "write a token", os.WriteFile(file+".new", []byte(broker.UnsecuredToken(tokenLife)), 0o600))
		must(t, "renew the token", os.Rename(file+".new", file))
	}
	renew()
	signed := clientCredentials(t, s)
	for name, settings := range map[string]map[string]string{
		"a file of unsecured tokens": {"KAFKA_BROKERS": strings.Join(s.Unsecured, ","), "KAFKA_SASL_MECHANISM": "OAUTHBEARER", "KAFKA_OAUTH_TOKEN_FILE": file},
		"signed tokens of a server":  signed,
		"SCRAM with short sessions": {
			"KAFKA_BROKERS": strings.Join(s.SCRAM, ","), "KAFKA_TLS": "true", "KAFKA_TLS_CA_FILE": signed["KAFKA_TLS_CA_FILE"],
			"KAFKA_SASL_MECHANISM": "SCRAM-SHA-512", "KAFKA_SASL_USERNAME": broker.User, "KAFKA_SASL_PASSWORD": broker.Password,
		},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLab(t, c, labOptions{})
			check := program(t, "check", "check", l.env("check", settings))
			if code := check.awaitExit(); code != 0 || len(check.logged("ok", "commit metadata", "4096 bytes")) == 0 || len(check.logged("ok", "transactions")) == 0 {
				t.Errorf("check ends with %d", code)
			}
			given := s.Tokens.Given()
			m := l.join("member", settings)
			l.awaitShared(m)
			generation := m.status().Generation
			stop := l.produceSteadily()
			for range 6 { // three lives of a token
				await := time.Now().Add(tokenLife / 2)
				eventually(t, "time passes", func() bool { return time.Now().After(await) })
				renew()
			}
			stop()
			l.settle()
			if now := m.status(); now.Generation != generation || !now.Ready {
				t.Errorf("generation %d became %d", generation, now.Generation)
			}
			for _, trouble := range []string{"heartbeat failed", "fetch failed", "left the group", `"msg":"held"`} {
				if lines := m.logged(trouble); len(lines) > 0 {
					t.Errorf("the end of a session was noticed: %s", lines[0])
				}
			}
			if name == "signed tokens of a server" && s.Tokens.Given() < given+3 {
				t.Errorf("%d tokens were given in three lives", s.Tokens.Given()-given)
			}
			if lines := m.logged(broker.ClientSecret); len(lines) > 0 {
				t.Errorf("the secret is in the log: %s", lines[0])
			}
			m.stop()
		})
	}
}

// TestTokenServerAway holds all that speak to brokers while no token is to be had, and lets them go on afterwards.
func TestTokenServerAway(t *testing.T) {
	t.Parallel()
	c := ownCluster(t, broker.Options{Secure: true})
	s := c.Security()
	s.Tokens.SetLife(tokenLife)
	settings := clientCredentials(t, s)
	l := newLab(t, c, labOptions{})
	m := l.join("member", settings)
	l.produce(l.spread(20))
	l.settle()

	s.Tokens.SetAway(true)
	eventually(t, "the process is held", func() bool { return m.status().held("brokers") })
	// The first that is seen may be the end of the session; the next login tells why.
	eventually(t, "the hold tells of the token server", func() bool {
		_, body := m.get("/statusz")
		return strings.Contains(body, "the token server") && strings.Contains(body, "(503)")
	})
	late := l.join("late", settings) // it has never had a token
	eventually(t, "one that starts now is held", func() bool { return late.status().held("brokers") && !late.status().Ready })
	sources := filepath.Join(t.TempDir(), "sources.yaml")
	must(t, "write the sources", os.WriteFile(sources, []byte("sources: [{name: site, verify: {type: none}}]"), 0o600))
	gate := program(t, "gate", "ingest", with(settings, map[string]string{
		"KAFKA_TOPIC": l.topic, "SOURCES_FILE": sources, "HTTP_ADDR": "127.0.0.1:0", "INGEST_ACK_TIMEOUT": "5s",
	}))
	gate.awaitStart()
	eventually(t, "the gate tells why", func() bool { return len(gate.logged("the token server", "webhooks are answered 503")) > 0 })
	letters := program(t, "letters", "dlt", with(settings, map[string]string{"KAFKA_TOPIC": l.topic, "KAFKA_DLT_TOPIC": l.letters}), "list")
	if code := letters.awaitExit(); code == 0 || len(letters.logged("the token server", "lets us in")) == 0 {
		t.Errorf("dlt list ends with %d", code)
	}
	check := program(t, "check", "check", l.env("check", settings))
	if code := check.awaitExit(); code != 1 || len(check.logged("FAIL", "kafka login", "the token server")) == 0 {
		t.Errorf("check ends with %d", code)
	}

	l.produce(l.spread(20))
	s.Tokens.SetAway(false)
	l.settle()
	eventually(t, "nothing holds", func() bool {
		return !m.status().held("brokers") && !late.status().held("brokers") && m.status().Ready && late.status().Ready
	})
	eventually(t, "the gate is ready", func() bool { code, _ := gate.get("/readyz"); return code == http.StatusOK })
	letters = program(t, "letters", "dlt", with(settings, map[string]string{"KAFKA_TOPIC": l.topic, "KAFKA_DLT_TOPIC": l.letters}), "list")
	if code := letters.awaitExit(); code != 0 {
		t.Errorf("dlt list ends with %d", code)
	}
	for _, p := range []*member{m, late, gate} {
		p.stop()
	}
}

// TestTokensThatBrokersRefuse are told as what they are.
func TestTokensThatBrokersRefuse(t *testing.T) {
	t.Parallel()
	c, s := secureCluster(t)
	l := newLab(t, c, labOptions{})
	file := filepath.Join(t.TempDir(), "token")
	must(t, "write a token", os.WriteFile(file, []byte(broker.UnsecuredToken(-time.Hour)), 0o600))
	signed := clientCredentials(t, s)
	for name, c := range map[string]struct {
		settings map[string]string
		want     []string
	}{
		"an expired token":  {map[string]string{"KAFKA_BROKERS": strings.Join(s.Unsecured, ","), "KAFKA_SASL_MECHANISM": "OAUTHBEARER", "KAFKA_OAUTH_TOKEN_FILE": file}, []string{"refuses the token", "expired at"}},
		"an unsecured one":  {with(signed, map[string]string{"KAFKA_OAUTH_TOKEN_URL": "", "KAFKA_OAUTH_CLIENT_ID": "", "KAFKA_OAUTH_CLIENT_SECRET_FILE": "", "KAFKA_OAUTH_AUDIENCE": "", "KAFKA_OAUTH_TOKEN_FILE": file}), []string{"refuses the token"}},
		"another audience":  {with(signed, map[string]string{"KAFKA_OAUTH_AUDIENCE": "another"}), []string{"the token server 127.0.0.1:", "(400 invalid_request)"}},
		"a wrong secret":    {with(signed, map[string]string{"KAFKA_OAUTH_CLIENT_SECRET_FILE": "", "KAFKA_OAUTH_CLIENT_SECRET": "Wrong-Guess-18"}), []string{"(401 invalid_client)", "KAFKA_OAUTH_CLIENT_ID"}},
		"another mechanism": {with(signed, map[string]string{"KAFKA_BROKERS": strings.Join(s.SCRAM, ",")}), []string{"does not take logins by OAUTHBEARER", "SCRAM-SHA-512"}},
	} {
		check := program(t, name, "check", l.env("check", c.settings))
		if code := check.awaitExit(); code != 1 || len(check.logged(append(c.want, "FAIL  kafka login")...)) == 0 {
			t.Errorf("%s: check ends with %d", name, code)
		}
		if lines := check.logged("Wrong-Guess-18"); len(lines) > 0 {
			t.Errorf("%s: the secret is shown: %s", name, lines[0])
		}
	}
}
