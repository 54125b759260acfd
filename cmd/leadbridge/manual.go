package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode"

	"github.com/alecthomas/kong"
)

type manCommand struct{}

// Run writes the manual page.
func (manCommand) Run(p process, k *kong.Kong) error {
	return manual(p.stdout, k)
}

// manual writes leadbridge(1) in the language of man(7).
func manual(w io.Writer, k *kong.Kong) error {
	out := reporter{w: w}
	commands := commandsOf(k.Model)
	out.line(".\\\" made by: leadbridge man\n.TH LEADBRIDGE 1 \"\" %s", roffWord("leadbridge "+versionText()))
	out.line(".SH NAME\nleadbridge \\- %s", roff(briefly(k.Model.Help)))
	out.line(".SH SYNOPSIS\n.B leadbridge\n.I command\n[flags]")
	out.line(".SH DESCRIPTION\n%s", roff(k.Model.Help))
	out.line("Every setting is a flag and an environment variable, which is named behind its text. A flag wins over its variable; an empty variable counts as not set.")
	out.line(".SH COMMANDS")
	for _, c := range commands {
		if c.path == "" {
			continue
		}
		out.line(".SS leadbridge %s\n%s", roff(c.path+arguments(c.node)), roff(c.node.Help))
		if detail := strings.TrimSpace(c.node.Detail); detail != "" {
			for paragraph := range strings.SplitSeq(detail, "\n\n") {
				out.line(".PP")
				for line := range strings.Lines(paragraph) {
					if strings.HasPrefix(line, "  ") {
						out.line(".br")
					}
					out.line("%s", roff(strings.TrimSpace(line)))
				}
			}
		}
		for _, flag := range c.flags {
			if slices.Contains(k.Model.Flags, flag) {
				continue // --help and --version
			}
			name := "--" + flag.Name
			if !flag.IsBool() {
				name += "=" + flag.FormatPlaceHolder()
			}
			out.line(".TP\n.B %s\n%s", roff(name), roff(describe(flag.Value)))
		}
	}
	out.line(".SH EXIT STATUS\n0: it worked. 1: it failed. 2: wrong flags or settings; nothing was begun. 130: interrupted.")
	return out.err
}

// arguments returns what a command takes besides flags, with a blank before each.
func arguments(n *kong.Node) (text string) {
	for _, arg := range n.Positional {
		text += " " + arg.Summary()
	}
	return text
}

// roff writes a text so that man(7) reads none of it as an instruction, whatever encoding it takes its input to have.
func roff(text string) string {
	text = strings.NewReplacer(`\`, `\e`, "-", `\-`, "\n", " ").Replace(strings.TrimSpace(text))
	if strings.HasPrefix(text, ".") || strings.HasPrefix(text, "'") {
		text = `\&` + text
	}
	var b strings.Builder
	for _, r := range text {
		if r > unicode.MaxASCII {
			fmt.Fprintf(&b, `\[u%04X]`, r)
			continue
		}
		b.WriteRune(r)
	}
	return b.String()
}

// roffWord returns a text as one argument of an instruction of man(7).
func roffWord(text string) string { return `"` + strings.ReplaceAll(roff(text), `"`, `\(dq`) + `"` }
