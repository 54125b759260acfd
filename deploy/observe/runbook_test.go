package observe

import (
	"strings"
	"testing"
)

// docs are the project's, seen from this directory.
const docs = "../../docs"

// TestRunbookHasASectionForEachAlert also finds sections without an alert, and addresses that
// lead to no section.
func TestRunbookHasASectionForEachAlert(t *testing.T) {
	sections := map[string]bool{}
	for title := range runbookSections(t) {
		sections[title] = strings.HasPrefix(title, "Leadbridge")
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
	for name, forAlert := range sections {
		if forAlert && !alerts[name] {
			t.Errorf("docs/runbook.md has a section %s, and there is no such alert", name)
		}
	}
}
