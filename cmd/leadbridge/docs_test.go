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

// TestDocsNameRealTests fails when a page names a test that does not exist, or docs/delivery.md
// claims of a crash what no test shows.
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
	rows := 0
	for line := range strings.SplitSeq(crashes, "\n") {
		if !strings.HasPrefix(line, "| ") || strings.Contains(line, "shown by |") {
			continue
		}
		rows++
		cells := strings.Split(strings.Trim(line, "| "), " | ")
		if len(cells) != 4 || !namedTest.MatchString(cells[len(cells)-1]) {
			t.Errorf("no test shows this row: %s", line)
		}
	}
	if rows == 0 {
		t.Error("the table of crashes has no rows")
	}
}

// TestReadmeTellsEachReason compares the README's table of reasons with those that there are.
func TestReadmeTellsEachReason(t *testing.T) {
	t.Parallel()
	_, table, found := strings.Cut(docs(t)["README.md"], "| reason | what happened |")
	if !found {
		t.Fatal("the README has no table of reasons")
	}
	table, _, _ = strings.Cut(table, "\n\n")
	var told []string
	for _, row := range regexp.MustCompile("(?m)^\\| `(\\w+)`").FindAllStringSubmatch(table, -1) {
		told = append(told, row[1])
	}
	if diff := cmp.Diff(consumer.Reasons(), told, cmpopts.SortSlices(strings.Compare)); diff != "" {
		t.Errorf("(-reasons +README):\n%s", diff)
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
