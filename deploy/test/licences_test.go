package deploytest

import (
	"os/exec"
	"strings"
	"testing"
)

// TestLicences: the text that goes with the image names each module that is compiled into the
// binary, and holds a licence for each.
func TestLicences(t *testing.T) {
	t.Parallel()
	text, err := exec.CommandContext(t.Context(), "../licences.sh").Output()
	if err != nil {
		t.Fatal(err)
	}
	list := exec.CommandContext(t.Context(), "go", "list", "-deps", "-f", "{{with .Module}}{{if not .Main}}{{.Path}} {{.Version}}{{end}}{{end}}", "./cmd/leadbridge")
	list.Dir = "../.."
	modules, err := list.Output()
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for module := range strings.FieldsFuncSeq(string(modules), func(r rune) bool { return r == '\n' }) {
		found++
		_, after, ok := strings.Cut(string(text), "\n"+module+"\n")
		if licence, _, _ := strings.Cut(after, "\n======"); !ok || !strings.Contains(strings.ToLower(licence), "copyright") && !strings.Contains(licence, "License") {
			t.Errorf("no licence of %s", module)
		}
	}
	if found == 0 || !strings.HasPrefix(string(text), "leadbridge\n") || !strings.Contains(string(text), "The Go Authors") {
		t.Errorf("%d modules, the beginning is %.60q", found, text)
	}
}
