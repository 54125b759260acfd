package deploytest

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"
)

// buildDir is where the program is built; TestMain removes it.
var buildDir string

func TestMain(m *testing.M) {
	var err error
	if buildDir, err = os.MkdirTemp("", "leadbridge-chart"); err != nil {
		panic(err)
	}
	defer func() { _ = os.RemoveAll(buildDir) }()
	m.Run()
}

var build = sync.OnceValues(func() (string, error) {
	file := filepath.Join(buildDir, "leadbridge")
	cmd := exec.Command("go", "build", "-o", file, "./cmd/leadbridge")
	cmd.Dir = filepath.Join("..", "..")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, out)
	}
	return file, nil
})

// program is the built leadbridge.
func program(t *testing.T) string {
	t.Helper()
	file, err := build()
	if err != nil {
		t.Fatal(err)
	}
	return file
}

// setting is one of the program's, as its help tells it.
type setting struct {
	name     string
	fallback string // its default
}

var (
	settingText = regexp.MustCompile(`--[a-z-]+(?:=\S+)?\s(.*?)\((?:[A-Z_]+, )*([A-Z_]+)\)`) // of several variables the last is that of all signals
	defaultText = regexp.MustCompile(`Default: (\S+?)\.(?:\s|$)`)
)

// helpTexts are what commands say of themselves, by command.
var helpTexts sync.Map

func help(t *testing.T, command []string) string {
	t.Helper()
	name := strings.Join(command, " ")
	if text, ok := helpTexts.Load(name); ok {
		return text.(string)
	}
	out, err := exec.CommandContext(t.Context(), program(t), append(command, "--help")...).Output()
	if err != nil {
		t.Fatal(err)
	}
	helpTexts.Store(name, string(out))
	return string(out)
}

// settings are those of a command.
func settings(t *testing.T, command ...string) map[string]setting {
	t.Helper()
	found := map[string]setting{}
	for _, m := range settingText.FindAllStringSubmatch(strings.Join(strings.Fields(help(t, command)), " "), -1) {
		s := setting{name: m[2]}
		if d := defaultText.FindStringSubmatch(m[1]); d != nil {
			s.fallback = d[1]
		}
		found[s.name] = s
	}
	if len(found) < 10 {
		t.Fatalf("the help of %v tells %d settings: it is read wrongly", command, len(found))
	}
	return found
}

// command is what a container runs.
func command(c corev1.Container) []string {
	if c.Args[0] == "dlt" {
		return c.Args[:2]
	}
	return c.Args[:1]
}

// environmentIsKnown: each variable is a setting of the command that the container runs.
func environmentIsKnown(t *testing.T, r release) {
	for name, pod := range r.pods() {
		for _, c := range pod.Spec.Containers {
			known := settings(t, command(c)...)
			seen := map[string]bool{}
			for _, e := range c.Env {
				if _, ok := known[e.Name]; !ok && !foreign[e.Name] {
					t.Errorf("%s: %s is no setting of leadbridge %s", name, e.Name, c.Args[0])
				}
				if seen[e.Name] {
					t.Errorf("%s: %s is there twice", name, e.Name)
				}
				seen[e.Name] = true
				if secretInPlain[e.Name] {
					t.Errorf("%s: %s is a secret in a variable", name, e.Name)
				}
			}
		}
	}
}

// foreign are variables that the matrix adds itself.
var foreign = map[string]bool{"SITE_SECRET": true, "HTTPS_PROXY": true}

// secretInPlain are settings that the chart never sets: each has one that names a file.
var secretInPlain = map[string]bool{"CRM_API_KEY": true, "CRM_SESSION_TOKEN": true, "KAFKA_SASL_PASSWORD": true, "KAFKA_OAUTH_CLIENT_SECRET": true, "ADMIN_TOKEN": true, "ADMIN_OIDC_CLIENT_SECRET": true,
	"SCHEMA_REGISTRY_PASSWORD": true, "SCHEMA_REGISTRY_TOKEN": true, "OTEL_EXPORTER_OTLP_HEADERS": true}

// byExtraEnv are settings that have no value of their own: their file only extraVolumes can bring, or few need them.
var byExtraEnv = map[string]bool{
	"PORTAL_PROFILE":                 true,
	"OTEL_EXPORTER_OTLP_CERTIFICATE": true, "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE": true, "OTEL_EXPORTER_OTLP_CLIENT_KEY": true,
	"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": true, "OTEL_EXPORTER_OTLP_PROTOCOL": true, "OTEL_EXPORTER_OTLP_TIMEOUT": true,
	"OTEL_EXPORTER_OTLP_COMPRESSION": true, "OTEL_SERVICE_NAME": true, "OTEL_TRACES_EXPORTER": true, "OTEL_SDK_DISABLED": true,
}

// TestEverySettingHasAValue finds a setting of the program that no value of the chart reaches.
func TestEverySettingHasAValue(t *testing.T) {
	t.Parallel()
	reached := map[string]bool{}
	for _, values := range []string{everySetting, oauth, oauthAssertion, oauthToken, msk, schemasByToken, adminRoles} { // logins exclude each other
		for _, pod := range render(t, values).pods() {
			for _, c := range pod.Spec.Containers {
				for _, e := range c.Env {
					reached[strings.Join(command(c), " ")+" "+e.Name] = true
				}
			}
		}
	}
	for _, command := range []string{"run", "ingest", "dlt replay"} {
		for name := range settings(t, strings.Fields(command)...) {
			if !reached[command+" "+name] && !secretInPlain[name] && !byExtraEnv[name] {
				t.Errorf("no value of the chart sets %s of leadbridge %s", name, command)
			}
		}
	}
}

// ours are the names that templates have to know when a value is empty.
var ours = map[string]string{"leadbridge.topic": "KAFKA_TOPIC", "leadbridge.dltTopic": "KAFKA_DLT_TOPIC", "leadbridge.groupId": "KAFKA_GROUP_ID"}

// TestDefaultsAreThePrograms compares what values.yaml and the templates say of the program's
// defaults with its help.
func TestDefaultsAreThePrograms(t *testing.T) {
	t.Parallel()
	run, ingest := settings(t, "run"), settings(t, "ingest")
	helper := read(t, filepath.Join(chartDir, "templates", "_names.tpl"))
	for name, variable := range ours {
		if want := fmt.Sprintf("%q -}}{{ default %q ", name, run[variable].fallback); !strings.Contains(helper, want) {
			t.Errorf("%s does not fall back on %s", name, run[variable].fallback)
		}
	}
	compared := 0
	for _, v := range described(t) {
		variable, text, _ := strings.Cut(v.comment, ":")
		known := run
		if strings.HasPrefix(v.path, "gate.") {
			known = ingest
		}
		s, ok := known[variable]
		if !ok || v.fallback != `""` || s.fallback == "" || s.fallback == "none" || variable == "KAFKA_BROKERS" {
			continue
		}
		compared++
		if !strings.Contains(text, "Empty: "+s.fallback+".") {
			t.Errorf("%s: %q does not say that %s is %s when it is empty", v.path, v.comment, variable, s.fallback)
		}
	}
	if compared < 25 {
		t.Errorf("only %d settings were compared", compared)
	}
}

// containerEnv is a container's environment, with its files laid out below dir: texts by their path,
// "text" for those that are not named.
func containerEnv(t *testing.T, r release, pod corev1.PodTemplateSpec, dir string, texts map[string]string) []string {
	t.Helper()
	container := pod.Spec.Containers[0]
	mounts := map[string]string{}
	for _, m := range container.VolumeMounts {
		mounts[m.Name] = m.MountPath
	}
	for _, v := range pod.Spec.Volumes {
		for _, item := range items(v) {
			path := mounts[v.Name] + "/" + item.Path
			text, given := texts[path]
			if !given {
				text = "text"
			}
			if v.ConfigMap != nil {
				if m, ok := all[*corev1.ConfigMap](r)[v.ConfigMap.Name]; ok {
					text = m.Data[item.Key]
				}
			}
			write(t, dir+path, text)
		}
	}
	environ := []string{"PATH=" + os.Getenv("PATH")}
	for _, e := range container.Env {
		value := e.Value
		if strings.HasPrefix(value, "/") {
			value = dir + value
		}
		environ = append(environ, e.Name+"="+value)
	}
	return environ
}

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestSourcesAreTaken has the gate's own reader read the ConfigMap.
func TestSourcesAreTaken(t *testing.T) {
	t.Parallel()
	text := one[*corev1.ConfigMap](t, render(t, gate), "leadbridge-gate").Data["sources.yaml"]
	var plain map[string]any
	if err := yaml.UnmarshalStrict([]byte(text), &plain); err != nil {
		t.Fatal(err)
	}
	if err := parseSources(text); err != nil {
		t.Errorf("%v\n%s", err, text)
	}
}

// output runs the program to its end.
func output(ctx context.Context, t *testing.T, environ []string, args ...string) (string, int) {
	t.Helper()
	cmd := exec.CommandContext(ctx, program(t), args...)
	cmd.Env = environ
	out, _ := cmd.CombinedOutput()
	return string(out), cmd.ProcessState.ExitCode()
}
