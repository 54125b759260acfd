package webhook

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Environment is what the sources file may refer to.
type Environment struct {
	LookupEnv func(name string) (string, bool)
	ReadFile  func(name string) ([]byte, error)
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

// Where tells the problem and where it stands.
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
	byName map[string]*source
}

// Names are the sources' names, sorted.
func (s *Sources) Names() []string {
	names := make([]string, 0, len(s.byName))
	for name := range s.byName {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// ParseSources reads a sources file (YAML, see docs/ingest.md). Its error is [Faults].
func ParseSources(text []byte, env Environment) (*Sources, error) {
	r := &fileReader{env: env, names: map[string]bool{}, sources: &Sources{byName: map[string]*source{}}}
	var document yaml.Node
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	switch err := decoder.Decode(&document); {
	case err != nil && !errors.Is(err, io.EOF):
		r.faults = append(r.faults, Fault{Problem: "is no YAML (" + oneLine(err) + ")", Remedy: "mend the line that is named"})
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
	sources *Sources
	names   map[string]bool
	current string // name of the source that is being read
	faults  Faults
}

func (r *fileReader) fault(n *yaml.Node, problem, remedy string) {
	r.faults = append(r.faults, Fault{Line: n.Line, Source: r.current, Problem: problem, Remedy: remedy})
}

func (r *fileReader) file(root *yaml.Node) {
	var list *yaml.Node
	r.object(root, "the file", fields{"sources": func(n *yaml.Node) { list = n }})
	switch {
	case list == nil:
		if len(r.faults) == 0 {
			r.fault(root, "declares no sources", "write sources: and a list of them")
		}
		return
	case list.Kind != yaml.SequenceNode || len(list.Content) == 0:
		r.fault(list, "sources is no list", "write one source a dash, each with a name and verify")
		return
	}
	for _, n := range list.Content {
		r.source(resolve(n))
	}
}

// sourceName is what may stand in an address without being escaped.
var sourceName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)

// source reads one source. Its name is looked for first: faults tell it.
func (r *fileReader) source(n *yaml.Node) {
	defer func() { r.current = "" }()
	s := newSource()
	before := len(r.faults)
	name := member(n, "name")
	if name != nil && sourceName.MatchString(name.Value) {
		r.current = name.Value
	}
	var verify, mapping *yaml.Node
	r.object(n, "a source", fields{
		"name":          func(n *yaml.Node) { s.name = r.name(n) },
		"verify":        func(n *yaml.Node) { verify = n },
		"mapping":       func(n *yaml.Node) { mapping = n },
		"content_types": func(n *yaml.Node) { s.contentTypes = r.contentTypes(n) },
		"charset":       func(n *yaml.Node) { s.charset = r.charset(n) },
		"max_body":      func(n *yaml.Node) { s.maxBody = r.size(n) },
		"type":          func(n *yaml.Node) { s.eventType = r.attribute(n) },
		"id":            func(n *yaml.Node) { s.id = r.idRule(n) },
		"key": func(n *yaml.Node) {
			s.key = keyRule(r.choice(n, "key", string(keyAuto), string(keyEmail), string(keyPhone), string(keyNone)))
		},
		"rate":     func(n *yaml.Node) { s.rate = r.rate(n) },
		"cors":     func(n *yaml.Node) { s.origins = r.origins(n) },
		"redirect": func(n *yaml.Node) { s.redirects = r.redirects(n) },
		"answer":   func(n *yaml.Node) { s.answer = r.answer(n) },
		"ignore":   func(n *yaml.Node) { s.ignored = r.ignored(n) },
		"honeypot": func(n *yaml.Node) { s.honeypot = r.text(n, "honeypot") },
	})
	if n.Kind != yaml.MappingNode {
		return
	}
	if name == nil {
		r.fault(n, "has no name", "give it one: it becomes the address /hooks/NAME")
	}
	if verify == nil {
		r.fault(n, "does not say how it is verified", "write verify: {type: standard-webhooks | hmac | token, secrets_env: […]}, or verify: {type: none} when anybody may send")
	} else {
		s.verifier = r.verifier(verify)
	}
	r.transformers(s, mapping)
	if len(r.faults) == before {
		r.sources.byName[s.name] = s
	}
}

func (r *fileReader) name(n *yaml.Node) string {
	name := r.text(n, "name")
	switch {
	case name == "":
	case !sourceName.MatchString(name):
		r.fault(n, "the name "+quote(name)+" cannot stand in an address", "use up to 64 letters, digits, dots, dashes and underscores")
	case r.taken(name):
		r.fault(n, "the name is used twice", "give each source a name of its own")
	}
	return name
}

// taken tells whether a name was there before, also of a source with faults.
func (r *fileReader) taken(name string) bool {
	taken := r.names[name]
	r.names[name] = true
	return taken
}

// fields are the members that an object may have.
type fields map[string]func(*yaml.Node)

// object calls each member's function; what it does not know is a fault.
func (r *fileReader) object(n *yaml.Node, what string, known fields) {
	n = resolve(n)
	if n.Kind != yaml.MappingNode {
		r.fault(n, what+" is no mapping of names to values", "write NAME: VALUE, one a line")
		return
	}
	seen := map[string]bool{}
	for _, m := range members(n, 0) {
		key, value := m.key, m.value
		read, ok := known[key.Value]
		switch {
		case !ok:
			r.fault(key, what+" has no field "+quote(key.Value), "use "+strings.Join(sortedNames(known), ", "))
		case seen[key.Value]:
			r.fault(key, "the field "+key.Value+" is given twice", "keep one of them")
		default:
			seen[key.Value] = true
			read(value)
		}
	}
}

func sortedNames(known fields) []string {
	names := make([]string, 0, len(known))
	for name := range known {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// errSources says that a parsed file was not given.
var errSources = errors.New("webhook: no sources")
