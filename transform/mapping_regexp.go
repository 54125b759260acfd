package transform

import (
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"regexp/syntax"
	"slices"
	"strings"

	"github.com/itchyny/gojq"
)

// patterns are the regular expressions of a program.
type patterns struct {
	fault    error // what is wrong with the first constant expression that is not valid; nil: all are valid
	computed bool  // some expressions are made while the program runs; false: all are constant
}

// flagsAt returns which argument of a function holds the flags of a regular expression; -1 when none does. ok is false
// for a function without regular expressions.
func flagsAt(f *gojq.Func) (at int, ok bool) {
	switch fmt.Sprintf("%s/%d", f.Name, len(f.Args)) {
	case "test/1", "match/1", "capture/1", "scan/1", "splits/1", "sub/2", "gsub/2":
		return -1, true
	case "test/2", "match/2", "capture/2", "scan/2", "splits/2", "split/2":
		return 1, true
	case "sub/3", "gsub/3":
		return 2, true
	}
	return 0, false
}

// findPatterns looks at the regular expressions of a program before it runs.
func findPatterns(program *gojq.Query) patterns {
	var found patterns
	known := findConstants(program)
	eachNode(reflect.ValueOf(program), func(node any) {
		call, isCall := node.(*gojq.Func)
		if !isCall || known.bound[call.Name] > 0 { // the program's own function
			return
		}
		if at, ok := flagsAt(call); ok {
			found.add(known, call.Args[0], call.Args[max(at, 0)])
		}
	})
	return found
}

// add checks the regular expressions of a call. flags is pattern when the call has no flags.
func (p *patterns) add(known constants, pattern, flags *gojq.Query) {
	exprs, constant := known.of(pattern)
	p.computed = p.computed || !constant
	var letters []any
	if flags != pattern {
		letters, _ = known.of(flags)
	}
	for _, expr := range exprs {
		for _, f := range slices.Concat(letters, []any{nil}) {
			if p.fault == nil {
				p.fault = patternFault(expr, f)
			}
		}
	}
}

// patternFault says what is wrong with a regular expression, or with a list of one and its flags. It returns nil for a
// value of another kind, with which the program fails when it runs.
func patternFault(expr, flags any) error {
	if pair, ok := expr.([]any); ok && len(pair) == 2 {
		expr, flags = pair[0], pair[1]
	}
	text, isText := expr.(string)
	if !isText {
		return nil
	}
	letters, _ := flags.(string)
	if unknown := strings.Trim(letters, "gim"); unknown != "" {
		return fmt.Errorf("the regular expression %q has the flags %q: choose among g (each match), i (no matter of case) and m (a dot is a line end too)", text, letters)
	}
	_, err := regexp.Compile(text)
	if err == nil {
		return nil
	}
	return fmt.Errorf("the regular expression %q: %w: %s", text, syntaxFault(err), patternRemedy(text))
}

// syntaxFault returns an error of package regexp without the whole expression, which patternFault quotes already.
func syntaxFault(err error) error {
	if fault, ok := errors.AsType[*syntax.Error](err); ok {
		return fmt.Errorf("%s at %q", fault.Code, fault.Expr)
	}
	return err
}

func patternRemedy(text string) string {
	for _, mark := range []string{"(?=", "(?!", "(?<=", "(?<!"} {
		if strings.Contains(text, mark) {
			return "Go has no look-ahead and no look-behind; match what stands around too, and take the part by a group and capture"
		}
	}
	if strings.Contains(text, `\1`) {
		return "Go has no back-references; compare two groups of capture in jq"
	}
	return "write it in the syntax of Go's regexp package (RE2)"
}
