package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// testEvent is a line of go test -json (go doc test2json).
type testEvent struct {
	Action string
	Test   string
	Output string
}

// seen is what a run of tests showed.
type seen struct {
	failed caught // first; the zero value: nothing
	passed int    // tests
}

var (
	timedOut = regexp.MustCompile(`^panic: test timed out after `)
	running  = regexp.MustCompile(`^\s+(Test\w+)[^ ]* \(`)
)

// only returns the name that stands in a list alone, be it several times; else "".
func only(names []string) string {
	if names = slices.Compact(slices.Sorted(slices.Values(names))); len(names) == 1 {
		return names[0]
	}
	return ""
}

// readEvents reads what go test -json wrote of a folder's tests. The error says that they did not compile.
func readEvents(out []byte, folder string) (seen, error) {
	var s seen
	var buildOutput strings.Builder
	var open []string // tests that run and have not ended
	hung := false
	for line := range bytes.Lines(out) {
		var e testEvent
		if err := json.Unmarshal(line, &e); err != nil {
			return s, fmt.Errorf("go test -json of %s: %w", folder, err)
		}
		test, _, _ := strings.Cut(e.Test, "/")
		switch e.Action {
		case "run", "cont":
			open = append(open, test)
		case "pause", "pass", "fail", "skip":
			open = slices.DeleteFunc(open, func(name string) bool { return name == e.Test })
		}
		switch e.Action {
		case "build-output":
			buildOutput.WriteString(e.Output)
		case "build-fail":
			return s, errors.New(folder + " does not compile with it:\n" + buildOutput.String())
		case "output":
			hung = hung || timedOut.MatchString(e.Output)
			if found := running.FindStringSubmatch(e.Output); hung && found != nil && !s.failed.hung {
				s.failed = caught{folder: folder, test: found[1], hung: true}
			}
		case "pass":
			if test != "" {
				s.passed++
			}
		case "fail":
			if test == "" { // of a panic in another goroutine than the test's nothing else is told
				test = only(open)
			}
			if s.failed == (caught{}) {
				s.failed = caught{folder: folder, test: test}
			}
		}
	}
	return s, nil
}
