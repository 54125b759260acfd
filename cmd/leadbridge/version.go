package main

import (
	"fmt"
	"runtime/debug"

	"github.com/alecthomas/kong"
)

// version is set when a release is built (-ldflags "-X main.version=v1.2.3").
var version = ""

// versionText names the build: what the release said, else what Go knows of
// the module and its commit.
func versionText() string {
	if version != "" {
		return version
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	if v := info.Main.Version; v != "" && v != "(devel)" {
		return v
	}
	text := "devel"
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision" && len(s.Value) >= 12:
			text += "+" + s.Value[:12]
		case s.Key == "vcs.modified" && s.Value == "true":
			text += "-modified"
		}
	}
	return text
}

type versionCommand struct{}

// Run shows the version.
func (versionCommand) Run(p process) error {
	_, err := fmt.Fprintln(p.stdout, "leadbridge", versionText())
	return err
}

// versionFlag is --version.
type versionFlag bool

// BeforeReset ends the program before anything else is looked at.
func (versionFlag) BeforeReset(app *kong.Kong) error {
	_, err := fmt.Fprintln(app.Stdout, "leadbridge", versionText())
	app.Exit(exitOK)
	return err
}
