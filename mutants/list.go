package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// A mutant is one change to the code that breaks one promise.
type mutant struct {
	Name    string `yaml:"name"`    // words of small letters with dashes between them
	Promise string `yaml:"promise"` // what the code promises, and the mutant breaks
	File    string `yaml:"file"`    // of the repository
	Old     string `yaml:"old"`     // text that stands in the file exactly once
	New     string `yaml:"new"`     // what stands there instead

	// First are the tests that are run first as they are known to catch it, as in docs: folder.TestName.
	First []string `yaml:"first"`
	// Packages are the folders whose whole tests are run when none of First fails; none: the file's own.
	Packages []string `yaml:"packages"`
	// Survives says why no test can catch it, as a sentence; "": one must.
	Survives string `yaml:"survives"`
}

// A room is a file of the list.
type room struct {
	name    string // the file's name without .yaml
	mutants []mutant
}

// load reads the list: all files of a folder, in the order of their names. The error names all its faults.
func load(folder string) ([]room, error) {
	files, err := filepath.Glob(filepath.Join(folder, "*.yaml"))
	if err != nil {
		return nil, err
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("%s holds no list (*.yaml): give the root of the repository by -root", folder)
	}
	var rooms []room
	var faults []error
	seen := map[string]bool{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		r := room{name: strings.TrimSuffix(filepath.Base(file), ".yaml")}
		decoder := yaml.NewDecoder(bytes.NewReader(text))
		decoder.KnownFields(true)
		if err := decoder.Decode(&r.mutants); err != nil {
			faults = append(faults, fmt.Errorf("%s: %w", file, err))
			continue
		}
		for _, m := range r.mutants {
			if err := m.fault(); err != nil {
				faults = append(faults, fmt.Errorf("%s: mutant %q: %w", file, m.Name, err))
			}
			if seen[m.Name] {
				faults = append(faults, fmt.Errorf("%s: mutant %q: another one has this name", file, m.Name))
			}
			seen[m.Name] = true
		}
		rooms = append(rooms, r)
	}
	return rooms, errors.Join(faults...)
}

var (
	mutantName = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)
	testName   = regexp.MustCompile(`^([a-z/]+)\.(Test\w+)$`)
)

// fault returns what is wrong with a mutant by itself.
func (m mutant) fault() error {
	switch {
	case !mutantName.MatchString(m.Name):
		return errors.New("its name is not a valid one: write small letters and dashes")
	case m.Promise == "" || strings.ContainsAny(m.Promise, "|\n"):
		return errors.New("its promise is not a valid one: write one line without |")
	case strings.ContainsAny(m.Survives, "|\n"):
		return errors.New("survives is not a valid reason: write one line without |")
	case !filepath.IsLocal(m.File) || !strings.HasSuffix(m.File, ".go") || strings.HasSuffix(m.File, "_test.go"):
		return errors.New("its file is not one of the code: write a path from the root, such as consumer/lease.go")
	case m.Old == "" || m.Old == m.New:
		return errors.New("it changes nothing: old and new must differ")
	}
	for _, name := range m.First {
		if !testName.MatchString(name) {
			return fmt.Errorf("first: %q is not the name of a test: write folder.TestName", name)
		}
	}
	return nil
}

// apply returns the source with the mutant's change.
func (m mutant) apply(source []byte) ([]byte, error) {
	if n := bytes.Count(source, []byte(m.Old)); n != 1 {
		return nil, fmt.Errorf("its old text stands %d times in %s, not once: the list must follow the code", n, m.File)
	}
	return bytes.Replace(source, []byte(m.Old), []byte(m.New), 1), nil
}

// A testRun is tests of one folder.
type testRun struct {
	folder string
	names  []string // none: all
}

// runs returns the tests to run, the first ones first.
func (m mutant) runs() []testRun {
	all := byFolder(m.First)
	if len(m.Packages) == 0 {
		return append(all, testRun{folder: path.Dir(m.File)})
	}
	for _, folder := range m.Packages {
		all = append(all, testRun{folder: folder})
	}
	return all
}

// byFolder puts names of tests together by their folders, in the order in which these come.
func byFolder(names []string) []testRun {
	var runs []testRun
	for _, name := range names {
		parts := testName.FindStringSubmatch(name)
		i := slices.IndexFunc(runs, func(r testRun) bool { return r.folder == parts[1] })
		if i < 0 {
			i, runs = len(runs), append(runs, testRun{folder: parts[1]})
		}
		if !slices.Contains(runs[i].names, parts[2]) {
			runs[i].names = append(runs[i].names, parts[2])
		}
	}
	return runs
}
