package webhook

import (
	_ "embed"
	"maps"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/leadbridge/leadbridge/internal/human"
)

// presetsFile has a source for each known sender, without name and secrets.
//
//go:embed presets.yaml
var presetsFile []byte

// preset holds what is known about a kind of sender.
type preset struct {
	Docs   string    `yaml:"docs"` // the address of its public documentation; "": none was found
	Source yaml.Node `yaml:"source"`
}

// presets returns the presets of the file by their names.
func presets() (map[string]preset, error) {
	var all map[string]preset
	err := yaml.Unmarshal(presetsFile, &all)
	return all, err
}

// PresetNames returns the senders that a source may name as its preset, sorted.
func PresetNames() []string {
	all, _ := presets() // it is in the program, and a test reads it
	return slices.Sorted(maps.Keys(all))
}

// entry reads a source: the fields of its preset, overridden by those of the file. It also returns the preset's verify;
// nil when there is none.
func (r *fileReader) entry(n *yaml.Node, e *sourceEntry) (at places, verify *yaml.Node) {
	if name := member(n, "preset"); name != nil {
		known, ok := r.presets[name.Value]
		if !ok {
			r.fault(name, "there is no preset "+human.Quote(name.Value), "choose one of "+strings.Join(slices.Sorted(maps.Keys(r.presets)), ", "))
		} else {
			at = r.decode(&known.Source, "preset "+name.Value, "", e)
			verify = e.Verify
		}
	}
	own := r.decode(n, "a source", "", e)
	if own == nil {
		return nil, nil
	}
	return at.with(own), verify
}
