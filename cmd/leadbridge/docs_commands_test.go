package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/alecthomas/kong"
	"github.com/google/go-cmp/cmp"

	"github.com/leadbridge/leadbridge/crmclient/crmtest"
)

// shell is a fenced block of shell commands: in a console block these stand behind "$ ", and their output below.
var shell = regexp.MustCompile("(?ms)^ *```(sh|console)\n(.*?)^ *```")

// example is a command that a page shows, with the output that it shows for it.
type example struct {
	command string // with its continued lines joined
	output  string
}

// shownIn returns the commands of a page, block by block.
func shownIn(page string) (blocks [][]example) {
	for _, block := range shell.FindAllStringSubmatch(page, -1) {
		var all []example
		for line := range strings.Lines(strings.ReplaceAll(block[2], "\\\n", "")) {
			command, isCommand := strings.CutPrefix(line, "$ ")
			switch {
			case isCommand || block[1] == "sh":
				all = append(all, example{command: strings.TrimSpace(command)})
			case len(all) > 0:
				all[len(all)-1].output += line
			}
		}
		blocks = append(blocks, all)
	}
	return blocks
}

// words is a good enough shell for what pages show: it splits a line into commands, and these into words.
func words(line string) (commands [][]string) {
	var current []string
	end := func() {
		if len(current) > 0 {
			commands, current = append(commands, current), nil
		}
	}
	token := regexp.MustCompile(`'[^']*'|"[^"]*"|\|\||&&|[|;]|\s#.*$|[^\s|;&'"]+|&`)
	last := -1
	for _, at := range token.FindAllStringIndex(line, -1) {
		text := line[at[0]:at[1]]
		switch {
		case strings.HasPrefix(strings.TrimSpace(text), "#"):
			end()
			return commands
		case slices.Contains([]string{"|", "||", "&&", ";", "&"}, text):
			end()
		case at[0] == last && len(current) > 0: // the same word goes on: --flag='a b'
			current[len(current)-1] += strings.Trim(text, `'"`)
		default:
			current = append(current, strings.Trim(text, `'"`))
		}
		last = at[1]
	}
	end()
	return commands
}

// ours returns the arguments of a command that runs leadbridge.
func ours(command []string) (args []string, ok bool) {
	assignment := regexp.MustCompile(`^[A-Z][A-Z0-9_]*=`)
	for len(command) > 0 && assignment.MatchString(command[0]) {
		command = command[1:]
	}
	switch {
	case len(command) > 0 && filepath.Base(command[0]) == "leadbridge":
		return command[1:], true
	case len(command) > 2 && command[0] == "go" && command[1] == "run" && command[2] == "./cmd/leadbridge":
		return command[3:], true
	}
	return nil, false
}

// unknown says which command or flag of the arguments does not exist.
func unknown(model *kong.Application, args []string) error {
	node := model.Node
	for _, arg := range args {
		name, isFlag := strings.CutPrefix(arg, "--")
		if !isFlag {
			i := slices.IndexFunc(node.Children, func(n *kong.Node) bool { return n.Name == arg })
			if i >= 0 {
				node = node.Children[i]
			} else if len(node.Children) > 0 && regexp.MustCompile(`^[a-z]+$`).MatchString(arg) {
				return fmt.Errorf("no command %s", arg)
			}
			continue
		}
		name, _, _ = strings.Cut(name, "=")
		known := name == "help" || slices.ContainsFunc(node.AllFlags(false), func(group []*kong.Flag) bool {
			return slices.ContainsFunc(group, func(f *kong.Flag) bool { return f.Name == name })
		})
		if !known {
			return fmt.Errorf("%s has no flag --%s", node.Path(), name)
		}
	}
	return nil
}

// inlineCommand is a command of ours within a sentence.
var inlineCommand = regexp.MustCompile("`((?:[A-Z_]+=\\S* )*(?:\\./)?leadbridge [a-z][^`]*)`")

// TestShownCommandsExist looks at each command of ours that a page shows: the command and its flags exist.
func TestShownCommandsExist(t *testing.T) {
	t.Parallel()
	model := newModel(t)
	seen := 0
	look := func(page, line string) {
		for _, command := range words(line) {
			if args, ok := ours(command); ok {
				seen++
				if err := unknown(model, args); err != nil {
					t.Errorf("%s shows %s: %v", page, line, err)
				}
			}
		}
	}
	for page, text := range docs(t) {
		for _, block := range shownIn(text) {
			for _, s := range block {
				look(page, s.command)
			}
		}
		for _, inline := range inlineCommand.FindAllStringSubmatch(fenced.ReplaceAllString(text, ""), -1) {
			look(page, inline[1])
		}
	}
	if seen < 50 {
		t.Errorf("only %d commands were found", seen)
	}
}

// TestShownMakeTargetsExist does the same for make.
func TestShownMakeTargetsExist(t *testing.T) {
	t.Parallel()
	makefile, err := os.ReadFile(filepath.Join(repository, "Makefile"))
	if err != nil {
		t.Fatal(err)
	}
	inline := regexp.MustCompile("`(make [a-z][^`]*)`")
	look := func(page, line string) {
		for _, command := range words(line) {
			if command[0] != "make" {
				continue
			}
			for _, word := range command[1:] {
				if regexp.MustCompile(`^[a-z][a-z0-9-]*$`).MatchString(word) && !strings.Contains(string(makefile), "\n"+word+":") {
					t.Errorf("%s shows %q: there is no such target", page, line)
				}
			}
		}
	}
	for page, text := range docs(t) {
		for _, block := range shownIn(text) {
			for _, s := range block {
				look(page, s.command)
			}
		}
		for _, found := range inline.FindAllStringSubmatch(fenced.ReplaceAllString(text, ""), -1) {
			look(page, found[1])
		}
	}
}

// TestShownMapsAreRun runs the blocks that need nothing but leadbridge map, in a shell, and compares what they
// print with what they show. A file that a block shows by cat is there for it.
func TestShownMapsAreRun(t *testing.T) {
	t.Parallel()
	ran := 0
	for page, text := range docs(t) {
		if englishOf(page) != "" {
			continue // the same blocks as those of the English page
		}
		for i, block := range shownIn(text) {
			if !onlyMaps(block) {
				continue
			}
			ran++
			t.Run(fmt.Sprintf("%s/%d", strings.ReplaceAll(page, "/", "_"), i), func(t *testing.T) {
				t.Parallel()
				runBlock(t, block)
			})
		}
	}
	if ran < 4 {
		t.Errorf("only %d blocks were found", ran)
	}
}

func onlyMaps(block []example) bool {
	maps := false
	for _, s := range block {
		for _, command := range words(s.command) {
			args, ok := ours(command)
			if slices.Contains(args, "--source") {
				return false // it wants files that only their owner has
			}
			ours := ok && len(args) > 0 && args[0] == "map"
			maps = maps || ours
			if !ours && command[0] != "echo" && command[0] != "cat" {
				return false
			}
		}
	}
	return maps
}

// runBlock runs the commands in a directory of their own.
func runBlock(t *testing.T, block []example) {
	t.Helper()
	dir := t.TempDir()
	wrapper := fmt.Sprintf("#!/bin/sh\n%s=main exec '%s' \"$@\"\n", processMode, os.Args[0])
	if err := os.WriteFile(filepath.Join(dir, "leadbridge"), []byte(wrapper), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, s := range block {
		if file, ok := strings.CutPrefix(s.command, "cat "); ok {
			if err := os.WriteFile(filepath.Join(dir, file), []byte(s.output), 0o600); err != nil {
				t.Fatal(err)
			}
			continue
		}
		cmd := exec.CommandContext(t.Context(), "sh", "-c", s.command)
		cmd.Dir, cmd.Env = dir, []string{"PATH=" + dir + ":" + os.Getenv("PATH"), "HOME=" + dir}
		out, err := cmd.Output()
		if exit, ok := errors.AsType[*exec.ExitError](err); ok {
			t.Fatalf("%s: %v\n%s", s.command, err, exit.Stderr)
		} else if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(s.output, string(out)); diff != "" && s.output != "" {
			t.Errorf("%s (-shown +printed):\n%s", s.command, diff)
		}
	}
}

// TestQuickStartOfTheBinary runs the commands of the README's section, against a broker without topics and a
// portal without our field: after them a lead becomes a contact.
func TestQuickStartOfTheBinary(t *testing.T) {
	t.Parallel()
	_, section, found := strings.Cut(docs(t)["README.md"], "**As a plain binary:**")
	if !found {
		t.Fatal("README.md does not say how to start the binary")
	}
	r := newRig(t, crmtest.Options{UserFields: true})
	var service server
	for _, s := range shownIn(section)[0] {
		args, ok := ours(words(s.command)[0])
		switch {
		case !ok: // go build, and the environment
		case args[0] == "run":
			service = startService(t, r.env(nil))
		default:
			if code, stdout, stderr := inProcess(r.env(nil), "", args...); code != exitOK {
				t.Fatalf("%s: exit %d\n%s%s", s.command, code, stdout, stderr)
			}
		}
	}
	if service.program == nil {
		t.Fatal("README.md does not show how to run it")
	}
	r.produce(t, lead)
	eventually(t, "the contact is there", func() bool { return r.crm.Count() == 1 })
	service.signal(t, syscall.SIGTERM)
	if code := service.exit(t); code != exitOK {
		t.Errorf("exit %d, want 0:\n%s", code, service.stderr())
	}
}

// TestReadmeShowsTheComposeWebhook: the webhook of the README is that of deploy/README.md, which the tests of
// the compose file send.
func TestReadmeShowsTheComposeWebhook(t *testing.T) {
	t.Parallel()
	webhook := regexp.MustCompile(`(?m)^curl .*/hooks/site.*$`)
	pages := docs(t)
	want, got := webhook.FindString(pages["deploy/README.md"]), webhook.FindString(pages["README.md"])
	if want == "" || got != want {
		t.Errorf("README.md shows %q, deploy/README.md %q", got, want)
	}
}

// reportLine is a line of the demo's report: what is counted, then how many.
var reportLine = regexp.MustCompile(`(?m)^  (\w[\w ]*?)  +\d+`)

// demoLabels returns what the demo's report in a text counts.
func demoLabels(text string) (labels []string) {
	at := max(0, strings.Index(text, "\n  In  "))
	for _, line := range reportLine.FindAllStringSubmatch(text[at:], -1) {
		labels = append(labels, line[1])
	}
	return labels
}
