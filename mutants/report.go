package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"regexp"
	"strings"
)

// reportHead begins the report.
const reportHead = `# Mutants

Tests can pass for the wrong reason. Each line below is a mutant: one change to the code that a careful engineer would fear, which breaks one promise.
It was laid over the code, alone, and tests were run until one failed: that test is named. "Which hangs" means that the test did not end in time.
All named tests pass on the code as it is.

` + "`make mutants`" + ` tries all of them and writes this page; it takes an hour or two. [CONTRIBUTING](../CONTRIBUTING.md#add-a-mutant) says how to add one.
A test of each run of ` + "`go test ./...`" + ` makes sure that the changes still fit the code, which stand in [mutants/list](../mutants/list).
`

// notTried stands in the report for a mutant that was never tried.
const notTried = "not tried yet"

// cell is what the report says of a result without a fault.
func (r result) cell() string {
	switch {
	case r.caught == (caught{}) && r.mutant.Survives != "":
		return "none: " + r.mutant.Survives
	case r.caught == (caught{}):
		return "**none**"
	case r.caught.test == "":
		return "the tests of `" + r.caught.folder + "`, as a whole"
	case r.caught.hung:
		return "`" + r.caught.folder + "." + r.caught.test + "`, which hangs"
	}
	return "`" + r.caught.folder + "." + r.caught.test + "`"
}

// reportRow is a row of the report: name, promise, caught by.
var reportRow = regexp.MustCompile("(?m)^\\| `([a-z0-9-]+)` \\| (.*) \\| (.*) \\|$")

// readReport returns the last cell of each row of a report, by the mutant's name.
func readReport(text string) map[string]string {
	cells := map[string]string{}
	for _, row := range reportRow.FindAllStringSubmatch(text, -1) {
		cells[row[1]] = row[3]
	}
	return cells
}

// report returns the report: rows of mutants that were not tried now, or of which nothing was found out, keep what they said.
func report(before string, rooms []room, results []result) string {
	cells := readReport(before)
	for _, r := range results {
		if r.fault == nil {
			cells[r.mutant.Name] = r.cell()
		}
	}
	var b strings.Builder
	b.WriteString(reportHead)
	for _, r := range rooms {
		fmt.Fprintf(&b, "\n## %s\n\n| mutant | the promise that it breaks | caught by |\n|---|---|---|\n", r.name)
		for _, m := range r.mutants {
			cell := cells[m.Name]
			if cell == "" {
				cell = notTried
			}
			fmt.Fprintf(&b, "| `%s` | %s | %s |\n", m.Name, m.Promise, cell)
		}
	}
	return b.String()
}

// writeReport writes the report to a file.
func writeReport(file string, rooms []room, results []result) error {
	before, err := os.ReadFile(file)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return os.WriteFile(file, []byte(report(string(before), rooms, results)), 0o644) //nolint:gosec // a page for everybody
}
