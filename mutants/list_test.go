package main

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// repository is the root of the checkout, seen from this directory.
const repository = ".."

// TestListFitsTheCode fails when the list no longer follows the code: an old text that does not stand exactly once in its
// file, or a test that does not exist. It compiles nothing, so that it is part of each run of the tests.
func TestListFitsTheCode(t *testing.T) {
	t.Parallel()
	rooms, err := load("list")
	if err != nil {
		t.Fatal(err)
	}
	known := map[string][]string{}
	for _, r := range rooms {
		for _, m := range r.mutants {
			source, err := os.ReadFile(filepath.Join(repository, filepath.FromSlash(m.File)))
			if err == nil {
				_, err = m.apply(source)
			}
			if err != nil {
				t.Errorf("%s: %v", m.Name, err)
			}
			for _, run := range m.runs() {
				if known[run.folder] == nil {
					known[run.folder] = testsIn(t, run.folder)
				}
				if len(known[run.folder]) == 0 {
					t.Errorf("%s: %s has no tests", m.Name, run.folder)
				}
				for _, name := range run.names {
					if !slices.Contains(known[run.folder], name) {
						t.Errorf("%s: there is no test %s.%s", m.Name, run.folder, name)
					}
				}
			}
		}
	}
}

var testFunc = regexp.MustCompile(`(?m)^func (Test\w+)\(`)

// testsIn returns the names of the tests in a folder of the repository.
func testsIn(t *testing.T, folder string) (names []string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(repository, filepath.FromSlash(folder), "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, found := range testFunc.FindAllSubmatch(text, -1) {
			names = append(names, string(found[1]))
		}
	}
	return names
}

// TestReportFitsTheList fails when docs/mutants.md lacks a mutant of the list, has one that is not there, or tells of one
// that survives without a reason.
func TestReportFitsTheList(t *testing.T) {
	t.Parallel()
	rooms, err := load("list")
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(repository, filepath.FromSlash(reportFile)))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(report(string(text), rooms, nil), string(text)); diff != "" {
		t.Errorf("run make mutants, or make mutants ONLY=NAME for what is new (-as the list has it +docs/mutants.md):\n%s", diff)
	}
	for name, cell := range readReport(string(text)) {
		if cell == notTried || cell == (result{}).cell() {
			t.Errorf("%s: %s", name, cell)
		}
	}
}

func TestFaultsOfTheListAreAllTold(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	write(t, folder, "one.yaml", `
- {name: "Not A Name", promise: p, file: a/b.go, old: x, new: y}
- {name: no-promise, file: a/b.go, old: x, new: y}
- {name: a-row-of-its-own, promise: "p | q", file: a/b.go, old: x, new: y}
- {name: outside, promise: p, file: ../b.go, old: x, new: y}
- {name: a-test, promise: p, file: a/b_test.go, old: x, new: y}
- {name: no-change, promise: p, file: a/b.go, old: x, new: x}
- {name: no-test, promise: p, file: a/b.go, old: x, new: y, first: [TestX]}
- {name: twice, promise: p, file: a/b.go, old: x, new: y}
- {name: twice, promise: p, file: a/b.go, old: x, new: z}
- {name: two-lines, promise: p, file: a/b.go, old: x, new: y, survives: "a\nb"}
`)
	write(t, folder, "two.yaml", `- {name: unknown-field, promises: p}`)
	_, err := load(folder)
	if err == nil {
		t.Fatal("no fault was found")
	}
	for _, want := range []string{"Not A Name", "no-promise", "a-row-of-its-own", "outside", "a-test", "no-change", "no-test", "twice", "two-lines", "promises"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("nothing is said of %s:\n%v", want, err)
		}
	}
	if _, err := load(t.TempDir()); err == nil || !strings.Contains(err.Error(), "-root") {
		t.Errorf("a folder without a list: %v", err)
	}
}

func TestChangeIsMadeExactlyOnce(t *testing.T) {
	t.Parallel()
	m := mutant{File: "a.go", Old: "b", New: "x"}
	if got, err := m.apply([]byte("abc")); err != nil || string(got) != "axc" {
		t.Errorf("%q, %v", got, err)
	}
	for _, source := range []string{"ac", "abcb"} {
		if _, err := m.apply([]byte(source)); err == nil {
			t.Errorf("it was applied to %q", source)
		}
	}
}

func TestFirstTestsComeFirst(t *testing.T) {
	t.Parallel()
	m := mutant{File: "a/b/c.go", First: []string{"a/b.TestX", "d.TestY", "a/b.TestZ"}}
	want := []testRun{{"a/b", []string{"TestX", "TestZ"}}, {"d", []string{"TestY"}}, {"a/b", nil}}
	if diff := cmp.Diff(want, m.runs(), cmp.AllowUnexported(testRun{})); diff != "" {
		t.Error(diff)
	}
	m.First, m.Packages = nil, []string{"e", "f"}
	if diff := cmp.Diff([]testRun{{folder: "e"}, {folder: "f"}}, m.runs(), cmp.AllowUnexported(testRun{})); diff != "" {
		t.Error(diff)
	}
}

func TestMutantsAreChosenByNameAndByFile(t *testing.T) {
	t.Parallel()
	rooms := []room{{"one", []mutant{{Name: "a"}, {Name: "b"}}}, {"two", []mutant{{Name: "c"}}}}
	for only, want := range map[string]string{"": "a b c", "b": "b", "one": "a b", "two,a": "a c"} {
		chosen, err := choose(rooms, only)
		var names []string
		for _, m := range chosen {
			names = append(names, m.Name)
		}
		if got := strings.Join(names, " "); err != nil || got != want {
			t.Errorf("-only %q: %q, %v, want %q", only, got, err, want)
		}
	}
	if _, err := choose(rooms, "a,d"); err == nil || !strings.Contains(err.Error(), `"d"`) {
		t.Errorf("an unknown name: %v", err)
	}
}

// write writes a file of a folder.
func write(t *testing.T, folder, name, text string) {
	t.Helper()
	path := filepath.Join(folder, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
