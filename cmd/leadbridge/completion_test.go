package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestCompletionTellsEveryCommandAndFlag compares the scripts and the manual page with the model that --help is made of.
func TestCompletionTellsEveryCommandAndFlag(t *testing.T) {
	t.Parallel()
	commands := commandsOf(newModel(t))
	if len(commands) < 25 {
		t.Fatalf("only %d commands", len(commands))
	}
	for shell, flagged := range map[string]string{"bash": "--", "zsh": "--", "fish": "-l "} {
		code, script, stderr := inProcess(nil, "", "completion", shell)
		if code != exitOK || stderr != "" {
			t.Fatalf("%s: exit %d, %s", shell, code, stderr)
		}
		for _, c := range commands {
			if !strings.Contains(script, "'"+c.path+"'") {
				t.Errorf("%s: nothing for %q", shell, c.path)
			}
			for _, flag := range c.flags {
				if !strings.Contains(script, flagged+flag.Name) {
					t.Errorf("%s: no flag %s of %q", shell, flag.Name, c.path)
				}
			}
		}
	}
	code, page, stderr := inProcess(nil, "", "man")
	if code != exitOK || stderr != "" {
		t.Fatalf("man: exit %d, %s", code, stderr)
	}
	for _, c := range commands[1:] {
		if !strings.Contains(page, ".SS leadbridge "+roff(c.path)) {
			t.Errorf("man: no %s", c.path)
		}
		for _, flag := range c.flags {
			for _, variable := range flag.Envs {
				if !strings.Contains(page, roff(variable)) {
					t.Errorf("man: no %s of %s", variable, c.path)
				}
			}
		}
	}
	if code, _, stderr := inProcess(nil, "", "completion", "tcsh"); code != exitUsage || !strings.Contains(stderr, "bash") {
		t.Errorf("tcsh: exit %d, %s", code, stderr)
	}
}

// TestBashCompletes has bash complete lines with its script.
func TestBashCompletes(t *testing.T) {
	t.Parallel()
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("there is no bash here")
	}
	_, script, _ := inProcess(nil, "", "completion", "bash")
	file := filepath.Join(t.TempDir(), "leadbridge.bash")
	if err := os.WriteFile(file, []byte(script), 0o600); err != nil {
		t.Fatal(err)
	}
	for line, want := range map[string][]string{
		"leadbridge ing":                      {"ingest"},
		"leadbridge dlt re":                   {"replay"},
		"leadbridge dlt replay --max-r":       {"--max-replays"},
		"leadbridge dlt replay --output = t":  {"text"},
		"leadbridge dlt replay --output j":    {"json"},
		"leadbridge run --log-format ":        {"json", "console"},
		"leadbridge run --kafka-topic ":       nil,
		"leadbridge --log-level ":             {"run"}, // no flag of the program itself
		"leadbridge completion f":             {"fish"},
		"leadbridge run --otel-traces-expor":  {"--otel-traces-exporter"},
		"leadbridge ctl --admin":              nil,
		"leadbridge dlt list --kafka-tls-ca-": {"--kafka-tls-ca-file"},
	} {
		words := strings.Split(line, " ")
		quoted := "'" + strings.Join(words, "' '") + "'"
		run := "source " + file + "; COMP_WORDS=(" + quoted + "); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _leadbridge; printf '%s\\n' \"${COMPREPLY[@]}\""
		out, err := exec.CommandContext(t.Context(), bash, "--norc", "-c", run).CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v\n%s", line, err, out)
		}
		got := strings.Fields(string(out))
		if len(want) == 0 && len(got) > 0 {
			t.Errorf("%q: %q, want nothing", line, got)
		}
		for _, word := range want {
			if !slices.Contains(got, word) {
				t.Errorf("%q: %q, want %s among them", line, got, word)
			}
		}
	}
}

// TestHelpOfACommand shows what --help does.
func TestHelpOfACommand(t *testing.T) {
	t.Parallel()
	for _, words := range [][]string{nil, {"run"}, {"dlt", "replay"}} {
		code, got, _ := inProcess(nil, "", append([]string{"help"}, words...)...)
		_, want, _ := inProcess(nil, "", append(words, "--help")...)
		if code != exitOK || got != want || want == "" {
			t.Errorf("help %v: exit %d\n%s", words, code, got)
		}
	}
	if code, _, stderr := inProcess(nil, "", "help", "deliver"); code != exitUsage || !strings.Contains(stderr, "deliver") {
		t.Errorf("help deliver: exit %d, %s", code, stderr)
	}
}
