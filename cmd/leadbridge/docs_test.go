package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/leadbridge/leadbridge/consumer"
)

// repository is the root of the checkout, seen from this directory.
const repository = "../.."

// namedTest is a test as docs name it: directory.TestName, in backticks.
var namedTest = regexp.MustCompile("`([a-z/]+)\\.(Test\\w+)`")

// TestDocsNameRealTests fails when a page names a test that does not exist, or claims of a crash or a trap
// what no test shows.
func TestDocsNameRealTests(t *testing.T) {
	t.Parallel()
	pages := docs(t)
	exists := testsOf(t, repository)
	for page, text := range pages {
		for _, name := range namedTest.FindAllStringSubmatch(text, -1) {
			if !exists[name[1]+"."+name[2]] {
				t.Errorf("%s names %s of %s, which does not exist", page, name[2], name[1])
			}
		}
	}
	_, crashes, found := strings.Cut(pages["docs/delivery.md"], "## What a crash leads to")
	if !found {
		t.Fatal("docs/delivery.md has no table of crashes")
	}
	crashes, _, _ = strings.Cut(crashes, "\n## ")
	eachRowIsShown(t, crashes, 4)
	eachRowIsShown(t, pages["docs/traps.md"], 3)
}

// eachRowIsShown fails when a row of the text's tables names no test in its last cell, or has not that many cells.
func eachRowIsShown(t *testing.T, text string, cells int) {
	t.Helper()
	rows := 0
	for line := range strings.SplitSeq(text, "\n") {
		if !strings.HasPrefix(line, "| ") || strings.HasSuffix(line, "| shown by |") {
			continue
		}
		rows++
		row := strings.Split(strings.Trim(line, "| "), " | ")
		if len(row) != cells || !namedTest.MatchString(row[len(row)-1]) {
			t.Errorf("no test shows this row: %s", line)
		}
	}
	if rows == 0 {
		t.Error("no rows that tests should show")
	}
}

// TestEachReasonIsDocumented compares the table of reasons in docs/dead-letters.md with those that letters can have.
func TestEachReasonIsDocumented(t *testing.T) {
	t.Parallel()
	_, table, found := strings.Cut(docs(t)["docs/dead-letters.md"], "| reason | what happened |")
	if !found {
		t.Fatal("docs/dead-letters.md has no table of reasons")
	}
	table, _, _ = strings.Cut(table, "\n\n")
	var documented []string
	for _, row := range regexp.MustCompile("(?m)^\\| `(\\w+)`").FindAllStringSubmatch(table, -1) {
		documented = append(documented, row[1])
	}
	if diff := cmp.Diff(consumer.Reasons(), documented, cmpopts.SortSlices(strings.Compare)); diff != "" {
		t.Errorf("(-reasons +docs/dead-letters.md):\n%s", diff)
	}
}

// TestReadmeIsShort keeps the README to what a newcomer reads in ten minutes.
func TestReadmeIsShort(t *testing.T) {
	t.Parallel()
	const most = 1600
	if n := len(strings.Fields(docs(t)["README.md"])); n > most {
		t.Errorf("README.md has %d words, at most %d are allowed: move details to docs/", n, most)
	}
}

// TestEveryPageIsInTheIndex fails when docs/README.md links to no page of that name.
func TestEveryPageIsInTheIndex(t *testing.T) {
	t.Parallel()
	pages := docs(t)
	for page := range pages {
		name, isDoc := strings.CutPrefix(page, "docs/")
		if isDoc && name != "README.md" && !strings.Contains(name, "/") && !strings.Contains(pages["docs/README.md"], "]("+name+")") {
			t.Errorf("docs/README.md does not link to %s", name)
		}
	}
}

// testsOf finds all tests below root, of any build tags: directory.TestName.
func testsOf(t *testing.T, root string) map[string]bool {
	t.Helper()
	tests := map[string]bool{}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		dir, err := filepath.Rel(root, filepath.Dir(path))
		if err != nil {
			return err
		}
		for _, decl := range file.Decls {
			if f, ok := decl.(*ast.FuncDecl); ok && f.Recv == nil && strings.HasPrefix(f.Name.Name, "Test") {
				tests[filepath.ToSlash(dir)+"."+f.Name.Name] = true
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return tests
}
