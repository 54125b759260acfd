package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// smallList are mutants of a small module, whose tests are below.
const smallList = `
- {name: caught, promise: it adds, file: sum/sum.go, old: a + b, new: a - b}
- {name: caught-first, promise: it adds, file: sum/sum.go, old: a + b, new: a * b, first: [sum.TestZero]}
- {name: caught-later, promise: it adds, file: sum/sum.go, old: a + b, new: a + b + a*b, first: [sum.TestZero]}
- {name: hangs, promise: it ends, file: sum/sum.go, old: return a + b, new: 'select {}'}
- {name: panics, promise: it does not panic, file: sum/sum.go, old: return a + b, new: panic(a)}
- {name: survivor, promise: it is documented, file: sum/sum.go, old: of two numbers, new: of numbers}
- {name: explained, promise: it is documented, file: sum/sum.go, old: of two numbers, new: of some numbers, survives: it is a comment}
- {name: explained-too-much, promise: it adds, file: sum/sum.go, old: a + b, new: a - b, survives: nobody adds}
- {name: broken, promise: it compiles, file: sum/sum.go, old: a + b, new: a +}
- {name: gone, promise: it follows the code, file: sum/sum.go, old: c + d, new: c}
- {name: no-such-test, promise: it names tests, file: sum/sum.go, old: a + b, new: a - b, first: [sum.TestNone]}
- {name: unproven, promise: it adds, file: bad/bad.go, old: return true, new: return false, first: [bad.TestBad]}
`

// TestMutantsOfASmallModule tries mutants of each kind with the real go command, and reads what was written.
func TestMutantsOfASmallModule(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	write(t, root, "go.mod", "module example.com/small\n\ngo 1.21\n")
	write(t, root, "sum/sum.go", "package sum\n\n// Sum returns the sum of two numbers.\nfunc Sum(a, b int) int {\n\treturn a + b\n}\n")
	write(t, root, "sum/sum_test.go", `package sum

import "testing"

func TestZero(t *testing.T) {
	t.Run("both", func(t *testing.T) {
		if Sum(0, 0) != 0 || Sum(0, 1) != 1 {
			t.Error()
		}
	})
}

func TestTwo(t *testing.T) {
	if Sum(1, 2) != 3 {
		t.Error()
	}
}
`)
	write(t, root, "bad/bad.go", "package bad\n\nfunc Bad() bool { return true }\n")
	write(t, root, "bad/bad_test.go", "package bad\n\nimport \"testing\"\n\nfunc TestBad(t *testing.T) { t.Error(Bad()) }\n")
	write(t, root, "mutants/list/all.yaml", smallList)
	write(t, root, reportFile, "| `gone` | p | `a.TestOfBefore` |\n")
	var progress bytes.Buffer
	err := run(t.Context(), []string{"-root", root, "-timeout", "3s", "-jobs", "2"}, &progress, &progress)
	if err == nil {
		t.Fatal("a mutant survives, and nothing is said")
	}
	for _, want := range []string{
		"survivor: no test catches it", "explained-too-much: the list says that it survives, and sum.TestZero catches it",
		"broken: sum does not compile with it", "gone: its old text stands 0 times", "no-such-test: sum has none of the tests TestNone",
		"unproven: nothing is known: bad.TestBad fails without a mutant, too",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not said:\n%v", want, err)
		}
	}
	for _, name := range []string{"caught", "hangs", "panics", "explained"} {
		if strings.Contains("\n"+err.Error(), "\n"+name+": ") {
			t.Errorf("%s is called a fault:\n%v", name, err)
		}
	}
	text, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(reportFile)))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"| `caught` | it adds | `sum.TestZero` |", "| `caught-first` | it adds | `sum.TestZero` |", "| `caught-later` | it adds | `sum.TestTwo` |",
		"| `hangs` | it ends | `sum.TestZero`, which hangs |", "| `panics` | it does not panic | `sum.TestZero` |",
		"| `survivor` | it is documented | **none** |", "| `explained` | it is documented | none: it is a comment |", "| `unproven` | it adds | not tried yet |",
	} {
		if !strings.Contains(string(text), want+"\n") {
			t.Errorf("no row %s in:\n%s", want, text)
		}
	}
	// The tree itself was not touched.
	if source, err := os.ReadFile(filepath.Join(root, "sum", "sum.go")); err != nil || !strings.Contains(string(source), "of two numbers") || !strings.Contains(string(source), "a + b") {
		t.Errorf("the source is now %s, %v", source, err)
	}
}

func TestRowsOfOtherMutantsAreKept(t *testing.T) {
	t.Parallel()
	rooms := []room{{"one", []mutant{{Name: "a", Promise: "p"}, {Name: "b", Promise: "q"}, {Name: "c", Promise: "r"}}}}
	before := report("", rooms, []result{{mutant: rooms[0].mutants[0], caught: caught{folder: "f", test: "TestA"}}, {mutant: mutant{Name: "gone"}, caught: caught{folder: "f"}}})
	rooms[0].mutants[0].Promise = "new words"
	got := report(before, rooms, []result{{mutant: rooms[0].mutants[1], caught: caught{folder: "g"}}})
	for _, want := range []string{"| `a` | new words | `f.TestA` |", "| `b` | q | the tests of `g`, as a whole |", "| `c` | r | not tried yet |"} {
		if !strings.Contains(got, want+"\n") {
			t.Errorf("no row %s in:\n%s", want, got)
		}
	}
	if strings.Contains(got, "gone") {
		t.Errorf("a mutant that is not in the list has a row:\n%s", got)
	}
}

func TestListIsShown(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	write(t, root, "mutants/list/all.yaml", smallList)
	var out bytes.Buffer
	if err := run(t.Context(), []string{"-root", root, "-list"}, &out, &out); err != nil || strings.Count(out.String(), "\n") != 12 {
		t.Errorf("%v:\n%s", err, &out)
	}
}

// TestEventsOfARunAreRead reads what go test -json writes.
func TestEventsOfARunAreRead(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, out string
		want      seen
	}{
		{"all pass", `{"Action":"pass","Test":"TestA"}` + "\n" + `{"Action":"pass"}`, seen{passed: 1}},
		{"a part of a test fails", `{"Action":"fail","Test":"TestA/b"}` + "\n" + `{"Action":"fail","Test":"TestA"}` + "\n" + `{"Action":"fail"}`, seen{failed: caught{"f", "TestA", false}}},
		{"the package fails", `{"Action":"pass","Test":"TestA"}` + "\n" + `{"Action":"fail"}`, seen{failed: caught{"f", "", false}, passed: 1}},
		{"a goroutine panics", `{"Action":"run","Test":"TestA"}` + "\n" + `{"Action":"run","Test":"TestA/b"}` + "\n" + `{"Action":"fail"}`, seen{failed: caught{"f", "TestA", false}}},
		{"a goroutine panics beside two tests", `{"Action":"run","Test":"TestA"}` + "\n" + `{"Action":"run","Test":"TestB"}` + "\n" + `{"Action":"fail"}`, seen{failed: caught{"f", "", false}}},
		{
			"a test hangs", `{"Action":"output","Test":"TestB","Output":"panic: test timed out after 1s\n"}` + "\n" +
				`{"Action":"output","Output":"\trunning tests:\n"}` + "\n" + `{"Action":"output","Output":"\t\tTestA/part (1s)\n"}` + "\n" + `{"Action":"fail","Test":"TestA"}`,
			seen{failed: caught{"f", "TestA", true}},
		},
	} {
		if got, err := readEvents([]byte(test.out), "f"); err != nil || got != test.want {
			t.Errorf("%s: %+v, %v, want %+v", test.name, got, err, test.want)
		}
	}
	_, err := readEvents([]byte(`{"Action":"build-output","Output":"x.go:1: wrong\n"}`+"\n"+`{"Action":"build-fail"}`), "f")
	if err == nil || !strings.Contains(err.Error(), "x.go:1: wrong") {
		t.Errorf("tests that do not compile: %v", err)
	}
}

func TestLabLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	l, err := newLab(t.TempDir(), time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	l.close()
	if _, err := os.Stat(l.scratch); !os.IsNotExist(err) {
		t.Errorf("%s is still there: %v", l.scratch, err)
	}
}
