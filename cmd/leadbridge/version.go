package main

import (
	"fmt"
	"runtime/debug"

	"github.com/alecthomas/kong"
)

// version is set when a release is built (-ldflags "-X main.version=v1.2.3").
var version = ""

// versionText returns the version of this build: that of the release, else what Go knows of
// the module and its commit.
func versionText() string {
	if version != "" {
		return version
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	return versionOf(info)
}

// versionOf returns the version of a module's build, which Go makes of the tag or the commit; else devel and the commit, if
// it is known.
func versionOf(info *debug.BuildInfo) string {
	if v := info.Main.Version; v != "" && v != "(devel)" {
		return v
	}
	commit, modified := "", ""
	for _, setting := range info.Settings {
		switch {
		case setting.Key == "vcs.revision" && len(setting.Value) >= 12:
			commit = "+" + setting.Value[:12]
		case setting.Key == "vcs.modified" && setting.Value == "true":
			modified = "-modified"
		}
	}
	return "devel" + commit + modified
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
