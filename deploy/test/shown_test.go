package deploytest

import (
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"helm.sh/helm/v4/pkg/strvals"
	"sigs.k8s.io/yaml"
)

var (
	shownInstall = regexp.MustCompile(`(?m)^helm (?:install|upgrade) leadbridge deploy/chart .*$`)
	shownValue   = regexp.MustCompile(`--set (?:'([^']*)'|(\S+))`)
)

// TestShownInstallsRender renders the chart with the values of each installation that a page shows.
func TestShownInstallsRender(t *testing.T) {
	t.Parallel()
	for _, page := range []string{"README.md", "deploy/chart/README.md"} {
		text := strings.ReplaceAll(read(t, filepath.Join("../..", page)), "\\\n", "")
		commands := shownInstall.FindAllString(text, -1)
		if len(commands) == 0 {
			t.Errorf("%s shows no installation", page)
		}
		for _, command := range commands {
			values := map[string]any{}
			for _, set := range shownValue.FindAllStringSubmatch(command, -1) {
				if err := strvals.ParseInto(set[1]+set[2], values); err != nil {
					t.Fatalf("%s: %v", command, err)
				}
			}
			text, err := yaml.Marshal(values)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := tryRender(load(t), string(text)); err != nil {
				t.Errorf("%s shows %s: %v", page, command, err)
			}
		}
	}
}
