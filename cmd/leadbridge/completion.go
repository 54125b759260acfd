package main

import (
	"fmt"
	"strings"

	"github.com/alecthomas/kong"
)

type completionCommand struct {
	Shell string `arg:"" enum:"bash,zsh,fish" help:"Shell: bash, zsh or fish."`
}

// Help says where a script goes.
func (completionCommand) Help() string {
	return `The script completes commands, flags and the words that flags take, without running leadbridge.

  bash: leadbridge completion bash > ~/.local/share/bash-completion/completions/leadbridge
  zsh:  leadbridge completion zsh > "${fpath[1]}/_leadbridge"
  fish: leadbridge completion fish > ~/.config/fish/completions/leadbridge.fish`
}

// Run writes the script.
func (c completionCommand) Run(p process, k *kong.Kong) error {
	out := reporter{w: p.stdout}
	commands := commandsOf(k.Model)
	switch c.Shell {
	case "bash":
		completeBash(&out, commands)
	case "zsh":
		completeZsh(&out, commands)
	case "fish":
		completeFish(&out, commands)
	}
	return out.err
}

// pathCases returns the branches of a script's case over "PATH WORD" that lead from a command to one below it. format is
// that of a branch: its three values are PATH, WORD and the path of the command below.
func pathCases(commands []commandOf, format string) string {
	var branches []string
	for _, c := range commands {
		for _, child := range c.below {
			branches = append(branches, fmt.Sprintf(format, c.path, child.Name, strings.TrimSpace(c.path+" "+child.Name)))
		}
	}
	return strings.Join(branches, "\n")
}

// shellCase is the format of a branch in bash and zsh, fishCase that in fish.
const (
	shellCase = "      '%s %s') at='%s' ;;"
	fishCase  = "      case '%s %s'\n        set at '%s'"
)

// A valueSyntax holds what a script says to complete the value of a flag.
type valueSyntax struct {
	words func(words string) string // by these words, which are separated by blanks
	files string                    // by the names of files
	free  string                    // by nothing: any text may follow
}

// of returns what completes the value of a flag; "" for a flag without a value.
func (v valueSyntax) of(flag *kong.Flag) string {
	switch words := valuesOf(flag); {
	case len(words) > 0:
		return v.words(strings.Join(words, " "))
	case takesFile(flag):
		return v.files
	case flag.IsBool():
		return ""
	}
	return v.free
}

// flagCases writes the branches of a case over "PATH --FLAG" that complete the flag's value.
func (v valueSyntax) flagCases(out *reporter, commands []commandOf) {
	for _, c := range commands {
		for _, flag := range c.flags {
			if takes := v.of(flag); takes != "" {
				out.line(`    %s) %s ;;`, quoted(c.path+" --"+flag.Name), takes)
			}
		}
	}
}

// A suggestion is a word that may come next.
type suggestion struct{ word, help string }

// suggestions returns the commands and other words that may follow a command, without its flags.
func (c commandOf) suggestions() (all []suggestion) {
	for _, child := range c.below {
		all = append(all, suggestion{child.Name, child.Help})
	}
	for _, arg := range c.node.Positional {
		for _, word := range enumOf(arg) {
			all = append(all, suggestion{word, arg.Help})
		}
	}
	return all
}

func completeBash(out *reporter, commands []commandOf) {
	out.line(`# bash completion of leadbridge, made by: leadbridge completion bash
_leadbridge() {
  local cur="${COMP_WORDS[COMP_CWORD]}" before='' at='' i
  ((COMP_CWORD > 0)) && before="${COMP_WORDS[COMP_CWORD - 1]}"
  if [[ $cur == '=' ]]; then cur=''
  elif [[ $before == '=' ]]; then before="${COMP_WORDS[COMP_CWORD - 2]}"; fi
  for ((i = 1; i < COMP_CWORD; i++)); do
    case "$at ${COMP_WORDS[i]}" in
%s
    esac
  done
  case "$at $before" in`, pathCases(commands, shellCase))
	valueSyntax{
		words: func(words string) string { return `COMPREPLY=($(compgen -W '` + words + `' -- "$cur")); return` },
		files: `compopt -o filenames 2>/dev/null; COMPREPLY=($(compgen -f -- "$cur")); return`,
		free:  "return",
	}.flagCases(out, commands)
	out.line("  esac\n  case \"$at\" in")
	for _, c := range commands {
		var words []string
		for _, s := range c.suggestions() {
			words = append(words, s.word)
		}
		for _, flag := range c.flags {
			words = append(words, "--"+flag.Name)
		}
		out.line(`    '%s') COMPREPLY=($(compgen -W '%s' -- "$cur")) ;;`, c.path, strings.Join(words, " "))
	}
	out.line("  esac\n}\ncomplete -F _leadbridge leadbridge")
}

// quoted returns a text in single quotes that bash and zsh take as it is.
func quoted(text string) string { return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'" }

func completeZsh(out *reporter, commands []commandOf) {
	out.line(`#compdef leadbridge
# zsh completion of leadbridge, made by: leadbridge completion zsh
_leadbridge() {
  local at='' before="${words[CURRENT-1]}" i
  local -a commands options
  for ((i = 2; i < CURRENT; i++)); do
    case "$at ${words[i]}" in
%s
    esac
  done
  case "$at $before" in`, pathCases(commands, shellCase))
	valueSyntax{
		words: func(words string) string { return "compadd -- " + words + "; return" },
		files: "_files; return",
		free:  "return",
	}.flagCases(out, commands)
	out.line("  esac\n  case \"$at\" in")
	describe := func(name, help string) string {
		return quoted(strings.ReplaceAll(name, ":", `\:`) + ":" + briefly(help))
	}
	for _, c := range commands {
		var below, options []string
		for _, s := range c.suggestions() {
			below = append(below, describe(s.word, s.help))
		}
		for _, flag := range c.flags {
			options = append(options, describe("--"+flag.Name, flag.Help))
		}
		out.line("    %s)\n      commands=(%s)\n      options=(%s) ;;", quoted(c.path), strings.Join(below, " "), strings.Join(options, " "))
	}
	out.line(`  esac
  (($#commands)) && _describe -t commands command commands
  _describe -o option options
}
if [[ $funcstack[1] == _leadbridge ]]; then _leadbridge "$@"; else compdef _leadbridge leadbridge; fi`)
}

func completeFish(out *reporter, commands []commandOf) {
	out.line(`# fish completion of leadbridge, made by: leadbridge completion fish
function __leadbridge_at
  set -l at ''
  for word in (commandline -opc)[2..]
    switch "$at $word"
%s
    end
  end
  test "$at" = "$argv[1]"
end
complete -c leadbridge -f`, pathCases(commands, fishCase))
	values := valueSyntax{
		words: func(words string) string { return " -x -a " + quotedFish(words) },
		files: " -r -F",
		free:  " -x",
	}
	for _, c := range commands {
		at := quotedFish("__leadbridge_at " + quotedFish(c.path))
		for _, s := range c.suggestions() {
			out.line(`complete -c leadbridge -n %s -a %s -d %s`, at, s.word, quotedFish(briefly(s.help)))
		}
		for _, flag := range c.flags {
			out.line(`complete -c leadbridge -n %s -l %s%s -d %s`, at, flag.Name, values.of(flag), quotedFish(briefly(flag.Help)))
		}
	}
}

// quotedFish returns a text in single quotes that fish takes as it is.
func quotedFish(text string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, "'", `\'`).Replace(text) + "'"
}
