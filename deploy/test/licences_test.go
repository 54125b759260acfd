package deploytest

import (
	"bytes"
	"os/exec"
	"strings"
	"testing"
)

// TestLicences: the text that goes with image and release names each module that is compiled into a
// binary for any system, and holds a licence for each.
func TestLicences(t *testing.T) {
	t.Parallel()
	text, err := exec.CommandContext(t.Context(), "../licences.sh").Output()
	if err != nil {
		t.Fatal(err)
	}
	var modules []byte
	for _, system := range []string{"linux", "darwin", "windows"} {
		list := exec.CommandContext(t.Context(), "go", "list", "-deps", "-f", "{{with .Module}}{{if not .Main}}{{.Path}} {{.Version}}{{end}}{{end}}", "./cmd/leadbridge")
		list.Dir = "../.."
		list.Env = append(list.Environ(), "GOOS="+system, "CGO_ENABLED=0")
		of, err := list.Output()
		if err != nil {
			t.Fatal(err)
		}
		modules = append(modules, of...)
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

// TestLicencesAreTheSameEverywhere: a release that is made on another system, where other modules are compiled in and
// names are sorted in another way, has the same file.
func TestLicencesAreTheSameEverywhere(t *testing.T) {
	t.Parallel()
	var first []byte
	for _, env := range [][]string{{"GOOS=linux", "LC_ALL=C"}, {"GOOS=darwin", "GOARCH=arm64", "LC_ALL=C.UTF-8"}, {"GOOS=windows", "LANG=en_US.UTF-8"}} {
		script := exec.CommandContext(t.Context(), "../licences.sh")
		script.Env = append(script.Environ(), env...)
		text, err := script.Output()
		if err != nil {
			t.Fatal(err)
		}
		if first == nil {
			first = text
		}
		if !bytes.Equal(text, first) {
			t.Errorf("%v: %d bytes, and %d elsewhere", env, len(text), len(first))
		}
	}
}
