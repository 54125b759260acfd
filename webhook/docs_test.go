package webhook

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/leadbridge/leadbridge/transform"
)

// sendersPage is docs/senders.md: its sources, its first commands, and those of each sender.
func sendersPage(t *testing.T) (sources, prelude string, commands map[string]string) {
	t.Helper()
	page, err := os.ReadFile("../docs/senders.md")
	if err != nil {
		t.Fatal(err)
	}
	_, trying, found := strings.Cut(string(page), "\n## Trying them\n")
	parts := strings.Split(trying, "\n### ")
	if !found || len(parts) < 20 {
		t.Fatalf("docs/senders.md has %d senders", len(parts)-1)
	}
	block := func(text, kind string) string {
		found := regexp.MustCompile("(?s)```" + kind + "\n(.*?)```").FindStringSubmatch(text)
		if found == nil {
			t.Fatalf("no block of %s in %.60q", kind, text)
		}
		return found[1]
	}
	commands = map[string]string{}
	for _, part := range parts[1:] {
		title, rest, _ := strings.Cut(part, "\n")
		commands[title] = block(rest, "sh")
	}
	return block(parts[0], "yaml"), block(parts[0], "sh"), commands
}

// TestDocumentedSenders runs the commands of docs/senders.md before the sources that it shows:
// each sender is taken, and gives a contact, but for Meta, which sends ids alone.
func TestDocumentedSenders(t *testing.T) {
	t.Parallel()
	for _, program := range []string{"sh", "curl", "openssl", "base64"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skip("the page's commands need " + program)
		}
	}
	text, prelude, commands := sendersPage(t)
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	private := filepath.Join(t.TempDir(), "wix.pem")
	if err := os.WriteFile(private, pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}), 0o600); err != nil {
		t.Fatal(err)
	}
	sources, err := ParseSources([]byte(text), Environment{PhoneRegion: "RU", LookupEnv: func(name string) (string, bool) {
		switch name {
		case "WIX_PUBLIC_KEY":
			return inPEM(t, key.Public()), true
		case "CLERK_SECRET", "SVIX_SECRET":
			return "whsec_" + base64.StdEncoding.EncodeToString([]byte(presetSecret)), true
		}
		return presetSecret, true
	}})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(sources.Names(), PresetNames()) {
		t.Errorf("the page has %v, the presets are %v", sources.Names(), PresetNames())
	}
	r := newRig(t, open, func(c *Config) { c.Sources = sources })
	for title, command := range commands {
		cmd := exec.CommandContext(t.Context(), "sh", "-c", "set -e\n"+prelude+"\ngate="+r.url+"/hooks\n"+command)
		cmd.Dir = "testdata"
		cmd.Env = append(os.Environ(), "WIX_KEY="+private, "no_proxy=127.0.0.1")
		var output bytes.Buffer
		cmd.Stdout, cmd.Stderr = &output, &output
		if err := cmd.Run(); err != nil {
			t.Errorf("%s: %v\n%s", title, err, output.String())
		}
	}
	written := map[string]bool{}
	for _, rec := range r.records() {
		name := strings.TrimPrefix(decoded(t, rec).Source, "/hooks/")
		written[name] = true
		if contact, _ := contactLine(t, rec.Value); (contact == string(transform.ReasonNoContactPoint)) != (name == "meta") {
			t.Errorf("%s: %s", name, contact)
		}
		if strings.Contains(string(rec.Value), presetSecret) {
			t.Errorf("%s: the secret goes on", name)
		}
	}
	for _, name := range PresetNames() {
		if !written[name] {
			t.Errorf("no command of the page sends to %s", name)
		}
	}
}

// TestSendersPageNamesEachPreset: the page's table has each preset with its documentation.
func TestSendersPageNamesEachPreset(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../docs/senders.md")
	if err != nil {
		t.Fatal(err)
	}
	all, err := presets()
	if err != nil {
		t.Fatal(err)
	}
	for name, p := range all {
		row := regexp.MustCompile("(?m)^\\| .*`" + regexp.QuoteMeta(name) + "`.*$").FindString(string(page))
		plain := name == "zapier" || name == "make" || name == "n8n"
		if row == "" || p.Docs == "" && !strings.Contains(row, "none found") || p.Docs != "" && !plain && !strings.Contains(row, "("+p.Docs+")") {
			t.Errorf("%s (%s): %s", name, p.Docs, row)
		}
	}
}
