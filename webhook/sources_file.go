package webhook

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Environment holds what a sources file may refer to.
type Environment struct {
	LookupEnv func(name string) (string, bool)
	ReadFile  func(name string) ([]byte, error)
	// SecretsMayLack makes a missing variable or file of a secret a warning, not a fault: nobody is let in
	// by it. It is for trying sources where their secrets are not.
	SecretsMayLack bool
	// PhoneRegion is the country of phone numbers without a country code.
	PhoneRegion string
}

// Fault is one thing in the sources file that cannot be used.
type Fault struct {
	Line    int    // 0: of the whole file
	Source  string // the source's name, "" when it is not known
	Problem string // never a secret's value
	Remedy  string
}

// Where returns the problem, after the line and the source where it is.
func (f Fault) Where() string {
	var where []string
	if f.Line > 0 {
		where = append(where, fmt.Sprintf("line %d", f.Line))
	}
	if f.Source != "" {
		where = append(where, "source "+f.Source)
	}
	if len(where) == 0 {
		return f.Problem
	}
	return strings.Join(where, ", ") + ": " + f.Problem
}

// Faults is the error of [ParseSources]: all that is wrong, in the file's order.
type Faults []Fault

func (f Faults) Error() string {
	lines := make([]string, len(f))
	for i, one := range f {
		lines[i] = one.Where() + ": " + one.Remedy
	}
	return strings.Join(lines, "\n")
}

// Sources are the websites and form builders that may send.
type Sources struct {
	byName   map[string]*source
	warnings []string
}

// Warnings are about what works and should be changed, each with the remedy.
func (s *Sources) Warnings() []string { return slices.Clone(s.warnings) }

// Names are the sources' names, sorted.
func (s *Sources) Names() []string { return slices.Sorted(maps.Keys(s.byName)) }

// Buffers are the bytes that sources name as their buffer, together.
func (s *Sources) Buffers() (sum int64) {
	for _, one := range s.byName {
		sum += one.buffer
	}
	return sum
}

// ParseSources reads a sources file (YAML, see docs/ingest.md). Its error is [Faults].
func ParseSources(text []byte, env Environment) (*Sources, error) {
	known, err := presets()
	if err != nil {
		return nil, Faults{{Problem: "the presets of the program cannot be read", Remedy: "report it"}}
	}
	r := &fileReader{env: env, presets: known, names: map[string]bool{}, sources: &Sources{byName: map[string]*source{}}}
	var document yaml.Node
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	switch err := decoder.Decode(&document); {
	case err != nil && !errors.Is(err, io.EOF):
		r.faults = append(r.faults, Fault{Problem: "is not YAML (" + oneLine(err) + ")", Remedy: "correct the line that is named"})
	case len(document.Content) == 0:
		r.faults = append(r.faults, Fault{Problem: "is empty", Remedy: "declare at least one source under sources:"})
	default:
		r.file(document.Content[0])
		if !errors.Is(decoder.Decode(&document), io.EOF) {
			r.faults = append(r.faults, Fault{Problem: "holds more than one document", Remedy: "write all sources in one list, and no ---"})
		}
	}
	if len(r.faults) > 0 {
		return nil, r.faults
	}
	return r.sources, nil
}

func oneLine(err error) string { return strings.Join(strings.Fields(err.Error()), " ") }

// fileReader walks over the file's nodes and gathers all faults.
type fileReader struct {
	env     Environment
	presets map[string]preset
	sources *Sources
	names   map[string]bool // of the sources read so far, also of those with faults
	current string          // name of the source that is being read
	faults  Faults
}

func (r *fileReader) warn(text string) {
	if r.current != "" {
		text = "source " + r.current + ": " + text
	}
	r.sources.warnings = append(r.sources.warnings, text)
}

func (r *fileReader) fault(n *yaml.Node, problem, remedy string) {
	r.faults = append(r.faults, Fault{Line: n.Line, Source: r.current, Problem: problem, Remedy: remedy})
}

// fileEntry is the sources file.
type fileEntry struct {
	Sources *yaml.Node `yaml:"sources"`
}

func (r *fileReader) file(root *yaml.Node) {
	var f fileEntry
	r.decode(root, "the file", "", &f)
	switch list := f.Sources; {
	case list == nil && len(r.faults) > 0:
	case list == nil:
		r.fault(root, "declares no sources", "write sources: and a list of them")
	case list.Kind != yaml.SequenceNode || len(list.Content) == 0:
		r.fault(list, "sources is not a list", "write one source a dash, each with a name and verify")
	default:
		for _, n := range list.Content {
			r.readSource(resolve(n))
		}
	}
}

// errSources says that a parsed file was not given.
var errSources = errors.New("webhook: no sources")
