package main

import (
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

// commandOf is a command as completion scripts and the manual page describe it. It is made of the model that --help prints.
type commandOf struct {
	path  string // such as "dlt list"; "": the program itself
	node  *kong.Node
	below []*kong.Node // the commands right below it
	flags []*kong.Flag // its own, and those of the program
}

// commandsOf returns the program and all its commands, each before those below it.
func commandsOf(app *kong.Application) []commandOf {
	var all []commandOf
	var visit func(path []string, n *kong.Node)
	visit = func(path []string, n *kong.Node) {
		c := commandOf{path: strings.Join(path, " "), node: n}
		for _, flag := range n.Flags {
			if !flag.Hidden {
				c.flags = append(c.flags, flag)
			}
		}
		for _, child := range n.Children {
			if child.Type == kong.CommandNode && !child.Hidden {
				c.below = append(c.below, child)
			}
		}
		if n != app.Node { // every command takes --help and --version
			c.flags = append(c.flags, app.Flags...)
		}
		all = append(all, c)
		for _, child := range c.below {
			visit(append(slices.Clip(path), child.Name), child)
		}
	}
	visit(nil, app.Node)
	return all
}

// valuesOf returns the words that a flag takes, if they are few and known.
func valuesOf(flag *kong.Flag) []string {
	if words := enumOf(flag.Value); len(words) > 0 {
		return words
	}
	// The words of a setting are checked where it is parsed. Its placeholder has them when they are few: json|console.
	if words := strings.Split(flag.PlaceHolder, "|"); len(words) > 1 {
		return words
	}
	return nil
}

// enumOf returns the only words that kong takes for a value; nil: it takes any.
func enumOf(v *kong.Value) []string {
	if v.Enum == "" {
		return nil
	}
	return v.EnumSlice()
}

// takesFile reports whether a flag's value is a file.
func takesFile(flag *kong.Flag) bool { return flag.PlaceHolder == "FILE" }

// briefly returns the first sentence of a help text, without its full stop.
func briefly(help string) string {
	help = strings.TrimSpace(help)
	if first, _, more := strings.Cut(help, ". "); more {
		help = first
	}
	return strings.TrimSuffix(help, ".")
}
