package settings

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func noEnv(string) (string, bool) { return "", false }

// ingest are the gate's defaults with a file that declares one source.
func ingest(t *testing.T, sources string) Ingest {
	t.Helper()
	s := defaults[Ingest](t)
	s.SourcesFile = filepath.Join(t.TempDir(), "sources.yaml")
	if err := os.WriteFile(s.SourcesFile, []byte(sources), 0o600); err != nil {
		t.Fatal(err)
	}
	return s
}

const oneSource = "sources: [{name: form, verify: {type: none}}]"

func TestIngestDefaults(t *testing.T) {
	t.Parallel()
	c, err := ingest(t, oneSource).Parse(noEnv)
	if err != nil {
		t.Fatal(err)
	}
	g := c.Gate
	got := []any{g.Brokers.Addresses, g.Topic, g.Brokers.Dial == nil, g.Brokers.SASL == nil, g.Sources.Names(), g.AckTimeout, g.BodyTimeout, g.HeaderTimeout, g.DrainTimeout, g.Connections, g.MaxBuffer, c.HTTPAddr, c.MetricsAddr, c.Grace()}
	want := []any{[]string{"localhost:9092"}, "leads", true, true, []string{"form"}, 10 * time.Second, 10 * time.Second, 5 * time.Second, 20 * time.Second, 16384, int64(64 << 20), ":8090", "", 25 * time.Second}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestIngestFaults(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*Ingest)
		want   []string
	}{
		"nothing wrong":   {func(*Ingest) {}, nil},
		"no file":         {func(s *Ingest) { s.SourcesFile = "" }, []string{"SOURCES_FILE"}},
		"file not there":  {func(s *Ingest) { s.SourcesFile += ".not" }, []string{"SOURCES_FILE"}},
		"time":            {func(s *Ingest) { s.AckTimeout = "10" }, []string{"INGEST_ACK_TIMEOUT"}},
		"times of 0":      {func(s *Ingest) { s.BodyTimeout, s.HeaderTimeout = "0s", "0s" }, []string{"INGEST_BODY_TIMEOUT", "INGEST_HEADER_TIMEOUT"}},
		"no connections":  {func(s *Ingest) { s.Connections = "0" }, []string{"INGEST_CONNECTIONS"}},
		"little room":     {func(s *Ingest) { s.MaxBuffer = "1KiB" }, []string{"MAX_BUFFER"}},
		"region":          {func(s *Ingest) { s.PhoneRegion = "RUS" }, []string{"PHONE_REGION"}},
		"no peers":        {func(s *Ingest) { s.ConnectionsPerPeer = "0" }, []string{"INGEST_PEER_CONNECTIONS"}},
		"proxies":         {func(s *Ingest) { s.Proxies = "10.0.0.0/8,proxy" }, []string{"INGEST_TRUSTED_PROXIES"}},
		"header":          {func(s *Ingest) { s.Forwarded = "X-Real-IP" }, []string{"INGEST_FORWARDED_HEADER"}},
		"pace":            {func(s *Ingest) { s.BodyRate, s.BodyGrace = "slow", "1ms" }, []string{"INGEST_BODY_RATE", "INGEST_BODY_GRACE"}},
		"metrics nowhere": {func(s *Ingest) { s.MetricsAddr = "here" }, []string{"METRICS_ADDR"}},
		"all at once": {
			func(s *Ingest) { s.Brokers, s.SourcesFile, s.Addr, s.Level = "a:b", "", "here", "loud" },
			[]string{"KAFKA_BROKERS", "SOURCES_FILE", "HTTP_ADDR", "LOG_LEVEL"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := ingest(t, oneSource)
			c.change(&s)
			_, err := s.Parse(noEnv)
			if diff := cmp.Diff(c.want, variables(t, err)); diff != "" {
				t.Errorf("faults (-want +got):\n%s\n%v", diff, err)
			}
		})
	}
}

// TestIngestSourcesFaults tells each fault of the file as one of SOURCES_FILE.
func TestIngestSourcesFaults(t *testing.T) {
	t.Parallel()
	_, err := ingest(t, "sources:\n- name: a\n- name: b\n  verify: {type: token, secrets_env: [HUSH]}\n").Parse(noEnv)
	if diff := cmp.Diff([]string{"SOURCES_FILE", "SOURCES_FILE"}, variables(t, err)); diff != "" {
		t.Error(diff)
	}
	if !strings.Contains(err.Error(), "line 2, source a:") || !strings.Contains(err.Error(), "line 4, source b:") {
		t.Error(err)
	}
}

// TestIngestDoors reads who is a proxy, and warns of buffers that are larger than the memory and of
// secrets that can be guessed.
func TestIngestDoors(t *testing.T) {
	t.Parallel()
	s := ingest(t, "sources: [{name: form, verify: {type: token, secrets_env: [SHORT]}, buffer: 100MiB}]")
	s.Proxies, s.Forwarded, s.ConnectionsPerPeer = " 10.0.0.0/8, 2001:db8::1 ,,::ffff:192.0.2.1", "forwarded", "7"
	c, err := s.Parse(func(string) (string, bool) { return "hush", true })
	if err != nil {
		t.Fatal(err)
	}
	var proxies []string
	for _, p := range c.Gate.TrustedProxies {
		proxies = append(proxies, p.String())
	}
	got := []any{proxies, c.Gate.ForwardedHeader, c.Gate.ConnectionsPerPeer, c.Gate.BodyRate, c.Gate.BodyGrace}
	want := []any{[]string{"10.0.0.0/8", "2001:db8::1/128", "192.0.2.1/32"}, "Forwarded", 7, int64(1 << 10), 5 * time.Second}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	warnings := strings.Join(c.Warnings, "\n")
	if len(c.Warnings) != 2 || !strings.Contains(warnings, "can be guessed") || !strings.Contains(warnings, "MAX_BUFFER") || strings.Contains(warnings, "hush") {
		t.Errorf("warnings:\n%s", warnings)
	}
}
