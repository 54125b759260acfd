package transform

import (
	"embed"
	"strings"
)

// presetFiles holds a jq program for each form builder that nests its
// answers; lib.jq holds the definitions they share.
//
//go:embed presets/*.jq
var presetFiles embed.FS

const presetLibrary = "lib"

// presetProgram returns the jq program of a preset. When the program fails on the data or makes nothing of them, they
// pass unchanged, so that no lead is lost when a form builder changes its webhooks.
func presetProgram(name string) (program string, ok bool) {
	if name == presetLibrary {
		return "", false
	}
	text, err := presetFiles.ReadFile("presets/" + name + ".jq")
	if err != nil {
		return "", false
	}
	library, err := presetFiles.ReadFile("presets/" + presetLibrary + ".jq")
	return string(library) + ". as $data | [try (\n" + string(text) + ") catch $data] | if length == 0 then $data else .[] end\n", err == nil
}

// presetNames lists the presets, sorted.
func presetNames() []string {
	entries, _ := presetFiles.ReadDir("presets") // cannot fail: it is in the program
	var names []string
	for _, e := range entries {
		if name := strings.TrimSuffix(e.Name(), ".jq"); name != presetLibrary {
			names = append(names, name)
		}
	}
	return names
}
