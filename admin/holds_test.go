package admin

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/leadbridge/leadbridge/crmclient"
)

// TestEveryHoldHasATitle finds the causes in the packages that declare them, so that a new one is not forgotten.
func TestEveryHoldHasATitle(t *testing.T) {
	declared := regexp.MustCompile(`(?m)^(?:const |\t)(Hold[A-Z]\w*)\s+(?:crmclient\.Cause )?=`)
	titled, err := os.ReadFile("holds.go")
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, owner := range []string{"consumer", "crmclient"} {
		files, err := filepath.Glob(filepath.Join("..", owner, "*.go"))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range declared.FindAllStringSubmatch(string(text), -1) {
				found++
				if !regexp.MustCompile(`\t` + owner + `\.` + m[1] + `: `).Match(titled) {
					t.Errorf("holds.go has no title for %s.%s", owner, m[1])
				}
			}
		}
	}
	if found != len(holdTitles) {
		t.Errorf("%d causes were found, and %d have titles", found, len(holdTitles))
	}
	if got := titleOf(crmclient.Hold{Cause: "schema_registry"}); got == "schema_registry" {
		t.Errorf("the title of schema_registry is %q", got)
	}
}
