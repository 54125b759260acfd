package observe

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// docs are the project's, seen from this directory.
const docs = "../../docs"

// TestRunbookHasASectionForEachAlert also finds sections without an alert, and addresses that
// lead to no section.
func TestRunbookHasASectionForEachAlert(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(docs, "runbook.md"))
	if err != nil {
		t.Fatal(err)
	}
	sections := map[string]bool{}
	for line := range strings.Lines(string(text)) {
		if name, found := strings.CutPrefix(strings.TrimSpace(line), "## Leadbridge"); found {
			sections["Leadbridge"+name] = true
		}
	}
	const address = "https://github.com/leadbridge/leadbridge/blob/main/docs/runbook.md#"
	alerts := map[string]bool{}
	for _, group := range ruleGroups(t).Groups {
		for _, r := range group.Rules {
			alerts[r.Alert] = true
			if !sections[r.Alert] {
				t.Errorf("docs/runbook.md has no section %s", r.Alert)
			}
			if want := address + strings.ToLower(r.Alert); r.Annotations["runbook_url"] != want {
				t.Errorf("%s has the runbook_url %q, want %q", r.Alert, r.Annotations["runbook_url"], want)
			}
		}
	}
	for name := range sections {
		if !alerts[name] {
			t.Errorf("docs/runbook.md has a section %s, and there is no such alert", name)
		}
	}
}
