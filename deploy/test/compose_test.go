package deploytest

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/cli"
	compose "github.com/compose-spec/compose-go/v2/types"
)

// loadCompose reads compose.yaml as docker compose does: against the schema, with all
// references resolved, and with nothing of this machine's environment.
func loadCompose(t *testing.T) *compose.Project {
	t.Helper()
	options, err := cli.NewProjectOptions([]string{"../compose.yaml"}, cli.WithConsistency(true), cli.WithNormalization(true))
	if err != nil {
		t.Fatal(err)
	}
	project, err := options.LoadProject(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return project
}

// TestComposeStartsInOrder has everything wait for brokers, and the gate for nothing else: a CRM that
// fails must not keep webhooks out.
func TestComposeStartsInOrder(t *testing.T) {
	project := loadCompose(t)
	if got := project.Services["topics"].Command; !slices.Equal(got, []string{"check", "--fix"}) {
		t.Errorf("topics runs %v", got)
	}
	if on := project.Services["gate"].DependsOn; len(on) != 1 {
		t.Errorf("the gate waits for %v", on)
	}
	if got := project.Services["topics"].Restart; got != compose.RestartPolicyOnFailure {
		t.Errorf("topics is started again %q", got)
	}
	for service, wants := range map[string]map[string]string{
		"topics":     {"kafka": compose.ServiceConditionHealthy, "crm": compose.ServiceConditionStarted},
		"leadbridge": {"kafka": compose.ServiceConditionHealthy},
		"gate":       {"kafka": compose.ServiceConditionHealthy},
	} {
		for on, condition := range wants {
			if got := project.Services[service].DependsOn[on].Condition; got != condition {
				t.Errorf("%s waits for %s until it is %q, want %q", service, on, got, condition)
			}
		}
	}
}

// TestComposeRunsTheImageAsItIs gives our containers no rights, and opens ports on this machine only.
func TestComposeRunsTheImageAsItIs(t *testing.T) {
	for name, service := range loadCompose(t).Services {
		for _, port := range service.Ports {
			if port.HostIP != "127.0.0.1" {
				t.Errorf("%s: port %s is open on %q", name, port.Published, port.HostIP)
			}
		}
		if name == "kafka" {
			continue
		}
		if service.Image != "leadbridge:dev" || len(service.Entrypoint) > 0 || service.User != "" {
			t.Errorf("%s: image %s, entry point %v, user %q", name, service.Image, service.Entrypoint, service.User)
		}
		if !service.ReadOnly || !slices.Equal(service.CapDrop, []string{"ALL"}) {
			t.Errorf("%s may write, or has capabilities", name)
		}
	}
}

// TestComposeMountsFilesThatAreThere looks behind each mount of a file: the engine makes a folder of one that is missing.
func TestComposeMountsFilesThatAreThere(t *testing.T) {
	mounts := 0
	for name, service := range loadCompose(t).Services {
		for _, volume := range service.Volumes {
			if volume.Type != compose.VolumeTypeBind {
				continue
			}
			mounts++
			info, err := os.Stat(volume.Source)
			if err != nil || !info.Mode().IsRegular() {
				t.Errorf("%s: %s is no file: %v", name, volume.Source, err)
			}
			if set := service.Environment["SOURCES_FILE"]; set == nil || *set != volume.Target {
				t.Errorf("%s: SOURCES_FILE is not %s", name, volume.Target)
			}
		}
	}
	if mounts == 0 {
		t.Error("nothing is mounted")
	}
}

// TestComposeSettingsExist finds each variable in a table of settings; a test of the command line
// compares these tables with the settings that exist.
func TestComposeSettingsExist(t *testing.T) {
	var known strings.Builder
	for _, page := range []string{"docs/settings.md", "docs/ingest.md"} {
		text, err := os.ReadFile(filepath.Join("../..", page))
		if err != nil {
			t.Fatal(err)
		}
		known.Write(text)
	}
	for name, service := range loadCompose(t).Services {
		if name == "kafka" {
			continue
		}
		for variable := range service.Environment {
			if !strings.Contains(known.String(), "`"+variable+"`") {
				t.Errorf("%s: %s is no setting", name, variable)
			}
		}
	}
}
