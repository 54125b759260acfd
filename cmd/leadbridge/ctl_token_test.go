package main

import (
	"strings"
	"testing"

	"github.com/leadbridge/leadbridge/admin"
)

// A token is made beside the line that the service reads, and is in that line by its hash only.
func TestCtlToken(t *testing.T) {
	t.Parallel()
	code, line, told := inProcess(nil, "", "ctl", "token", "anna", "--role", "act")
	_, token, _ := strings.Cut(strings.TrimSpace(told), "only here: ")
	if code != exitOK || len(token) < minToken || strings.Contains(line, token) || !strings.Contains(line, admin.TokenHash(token)) {
		t.Errorf("exit %d, line %q, told %q", code, line, told)
	}
	if err := admin.CheckTokens([]byte("tokens:\n" + line)); err != nil {
		t.Error(err)
	}
	own := strings.Repeat("k", minToken)
	code, line, told = inProcess(nil, own+"\n", "ctl", "token", "anna", "--role", "look", "--stdin")
	if code != exitOK || told != "" || !strings.Contains(line, admin.TokenHash(own)) || !strings.Contains(line, "role: look") {
		t.Errorf("exit %d, line %q, told %q", code, line, told)
	}
	for name, tt := range map[string]struct {
		stdin string
		args  []string
	}{
		"short":       {"hush\n", []string{"anna", "--role", "look", "--stdin"}},
		"no role":     {"", []string{"anna"}},
		"no such":     {"", []string{"anna", "--role", "root"}},
		"name":        {"", []string{"a\nb", "--role", "look"}},
		"without one": {"", []string{"--role", "look"}},
	} {
		code, line, told := inProcess(nil, tt.stdin, append([]string{"ctl", "token"}, tt.args...)...)
		if code != exitUsage || line != "" || strings.Contains(told, "hush") {
			t.Errorf("%s: exit %d, stdout %q, stderr %q", name, code, line, told)
		}
	}
}
