//go:build compose

package compose

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/leadbridge/leadbridge/internal/await"
)

// file is what is brought up.
const file = "../../deploy/compose.yaml"

// envCompose is the command that is compose: docker compose unless it says otherwise.
const envCompose = "COMPOSE"

// patience is how long anything may take that a test waits for.
const patience = 3 * time.Minute

// project is the file, brought up under a name and on ports of its own.
type project struct {
	t     *testing.T
	name  string
	ports map[string]int // by variable
}

// TestUp starts everything by one command, sends the webhook that deploy/README.md shows, and sees
// it become a contact. After gate and service were stopped and started the same webhook is no
// second contact, and another one is.
func TestUp(t *testing.T) {
	p := &project{t: t, name: fmt.Sprintf("leadbridge-test-%d", os.Getpid()), ports: map[string]int{}}
	for _, name := range []string{"KAFKA_PORT", "CRM_PORT", "GATE_PORT", "STATUS_PORT"} {
		p.ports[name] = freePort(t)
	}
	t.Cleanup(p.down)
	p.must("up", "--detach")
	p.awaitReady()
	webhook := p.sample()
	p.send(webhook)
	if first := p.awaitContacts(1); !strings.Contains(first, "ivan@example.com") {
		t.Errorf("the contact is %s", first)
	}
	p.must("stop", "gate", "leadbridge")
	p.must("up", "--detach")
	p.awaitReady()
	p.send(webhook)
	p.send(strings.ReplaceAll(webhook, "ivan@example.com", "second@example.com"))
	if both := p.awaitContacts(2); !strings.Contains(both, "second@example.com") {
		t.Errorf("the contacts are %s", both)
	}
}

// compose runs a command of compose on the project.
func (p *project) compose(ctx context.Context, args ...string) (string, error) {
	command := strings.Fields(os.Getenv(envCompose))
	if len(command) == 0 {
		command = []string{"docker", "compose"}
	}
	command = append(command, "--project-name", p.name, "--file", file)
	cmd := exec.CommandContext(ctx, command[0], append(command[1:], args...)...)
	cmd.Env = os.Environ()
	for name, port := range p.ports {
		cmd.Env = append(cmd.Env, fmt.Sprintf("%s=%d", name, port))
	}
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func (p *project) must(args ...string) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.t.Context(), patience)
	defer cancel()
	if out, err := p.compose(ctx, args...); err != nil {
		p.t.Fatalf("compose %v: %v\n%s", args, err, out)
	}
}

// down ends the project, with what it keeps; where the test failed it shows the logs.
func (p *project) down() {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if p.t.Failed() {
		out, err := p.compose(ctx, "logs", "--no-color", "--tail", "80")
		p.t.Logf("%v\n%s", err, out)
	}
	if out, err := p.compose(ctx, "down", "--volumes", "--timeout", "30"); err != nil {
		p.t.Errorf("compose down: %v\n%s", err, out)
	}
}

// awaitReady waits until gate and service can work.
func (p *project) awaitReady() {
	p.t.Helper()
	for _, port := range []string{"GATE_PORT", "STATUS_PORT"} {
		p.eventually("ready: "+port, func() bool {
			status, _ := p.get(port, "/readyz")
			return status == http.StatusOK
		})
	}
}

// shown is the sample in deploy/README.md: what a person copies.
var shown = regexp.MustCompile(`(?m)^curl .*/hooks/site.*$`)

// sample is the command by which deploy/README.md sends a webhook, to this project's gate.
func (p *project) sample() string {
	p.t.Helper()
	text, err := os.ReadFile(filepath.Join(filepath.Dir(file), "README.md"))
	if err != nil {
		p.t.Fatal(err)
	}
	found := shown.Find(text)
	if found == nil {
		p.t.Fatal("deploy/README.md shows no webhook")
	}
	return strings.ReplaceAll(string(found), "localhost:8090", "localhost:"+strconv.Itoa(p.ports["GATE_PORT"]))
}

func (p *project) send(command string) {
	p.t.Helper()
	out, err := exec.CommandContext(p.t.Context(), "bash", "-c", command).CombinedOutput()
	if err != nil || !strings.Contains(string(out), `{"id":`) {
		p.t.Fatalf("%v: %s\n%s", err, command, out)
	}
}

// awaitContacts waits until the CRM has n contacts, and gives them.
func (p *project) awaitContacts(n int) (contacts string) {
	p.t.Helper()
	p.eventually(fmt.Sprintf("%d contacts", n), func() bool {
		var held struct{ Total int }
		_, contacts = p.get("CRM_PORT", "/_sim/contacts")
		return json.Unmarshal([]byte(contacts), &held) == nil && held.Total == n
	})
	return contacts
}

// get asks a service; 0 says that it does not answer.
func (p *project) get(port, path string) (int, string) {
	return await.Get(p.t.Context(), fmt.Sprintf("http://localhost:%d%s", p.ports[port], path))
}

func (p *project) eventually(what string, holds func() bool) {
	p.t.Helper()
	await.Until(p.t, patience, 200*time.Millisecond, what, holds)
}

func freePort(t *testing.T) int {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	addr, ok := l.Addr().(*net.TCPAddr)
	if !ok {
		t.Fatal("no TCP address")
	}
	return addr.Port
}
