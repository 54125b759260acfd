package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/leadbridge/leadbridge/crmclient/crmtest"
)

// TestCtlOfARunningService does by command what the page does: how it stands, a probe, the release of a flood, a pause and its end, a closing.
func TestCtlOfARunningService(t *testing.T) {
	t.Parallel()
	r := newRig(t, crmtest.Options{Keys: []string{"vibe_api_new"}}, "leads", "leads.dlt")
	s := startService(t, r.env(map[string]string{"ADMIN_ADDR": "127.0.0.1:0", "ADMIN_TOKEN": pageToken}))
	page := pageOf(t, s)
	token := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(token, []byte(pageToken+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	ctl := func(want int, args ...string) (stdout, stderr string) {
		t.Helper()
		args = append([]string{"ctl"}, args...)
		code, stdout, stderr := inProcess(map[string]string{"ADMIN_TOKEN_FILE": token}, "", append(args, "--admin", page)...)
		if code != want {
			t.Errorf("%v: exit %d, want %d\n%s%s", args, code, want, stdout, stderr)
		}
		return stdout, stderr
	}
	s.answers(t, "/readyz", http.StatusServiceUnavailable, "credentials")
	if stdout, _ := ctl(exitOK, "status"); !strings.HasPrefix(stdout, "held, not ready; ") || !strings.Contains(stdout, "held: credentials since ") {
		t.Errorf("status: %s", stdout)
	}
	stdout, _ := ctl(exitOK, "status", "--output", "json")
	var state struct{ State string }
	if err := json.Unmarshal([]byte(stdout), &state); err != nil || state.State != "held" {
		t.Errorf("status: %v %s", err, stdout)
	}
	if stdout, _ := ctl(exitOK, "probe"); !strings.Contains(stdout, "It was held: credentials") {
		t.Errorf("probe: %s", stdout)
	}
	r.key(t, "vibe_api_new")
	s.answers(t, "/readyz", http.StatusOK)
	r.produce(t, `{"name":"Nobody"}`)
	eventually(t, "one record committed", func() bool { return r.committed() == 1 })
	if stdout, _ := ctl(exitOK, "close", "0:0", "--word", "a test"); !strings.HasPrefix(stdout, "Closed 1 letter.") {
		t.Errorf("close: %s", stdout)
	}
	if stdout, _ := ctl(exitOK, "release-flood"); stdout != "No event waits as refused in a flood.\n" {
		t.Errorf("release-flood: %s", stdout)
	}
	if stdout, _ := ctl(exitOK, "pause"); !strings.HasPrefix(stdout, "Paused: ") {
		t.Errorf("pause: %s", stdout)
	}
	s.answers(t, "/readyz", http.StatusOK, "operator")
	if stdout, _ := ctl(exitOK, "status"); !strings.Contains(stdout, "held: operator since ") {
		t.Errorf("status of what is paused: %s", stdout)
	}
	if stdout, _ := ctl(exitOK, "resume"); !strings.Contains(stdout, "not paused by its page any more") {
		t.Errorf("resume: %s", stdout)
	}
	eventually(t, "it is not held any more", func() bool {
		stdout, _ := ctl(exitOK, "status")
		return !strings.Contains(stdout, "operator")
	})
	if _, stderr := ctl(exitFailed, "close", "0:0", "--word", "anna@example.com"); !strings.Contains(stderr, "must not hold an e-mail address") {
		t.Errorf("close: %s", stderr)
	}
}

// TestCtlSaysWhatIsWrong: no page, the wrong address, no token, no address at all.
func TestCtlSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	r := newRig(t, crmtest.Options{}, "leads", "leads.dlt")
	s := startService(t, r.env(map[string]string{"ADMIN_ADDR": "127.0.0.1:0", "ADMIN_TOKEN": pageToken}))
	for name, c := range map[string]struct {
		url, token string
		code       int
		said       string
	}{
		"nobody there": {"http://127.0.0.1:1", "", exitFailed, "does not answer"},
		"HTTP_ADDR":    {s.url, "", exitFailed, "not that of HTTP_ADDR"},
		"no token":     {pageOf(t, s), "", exitFailed, "ADMIN_TOKEN_FILE"},
		"wrong token":  {pageOf(t, s), "another-token-of-nobody", exitFailed, "ADMIN_TOKEN_FILE"},
		"no address":   {"localhost", "", 2, "ADMIN_ADDR"},
	} {
		code, stdout, stderr := inProcess(map[string]string{"ADMIN_TOKEN": c.token}, "", "ctl", "probe", "--admin", c.url)
		if code != c.code || !strings.Contains(stderr, c.said) || c.token != "" && strings.Contains(stderr, c.token) {
			t.Errorf("%s: %s", name, fmt.Sprintln(code, stdout, stderr))
		}
	}
}
