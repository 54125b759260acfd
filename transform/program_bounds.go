package transform

import "fmt"

// programBounds limits the text of a jq program. The parser and the compiler cannot be stopped, take memory and time that
// grow with the square of a program's depth, and end the process when they run out of stack. A program within the bounds
// is compiled in less than half a second.
type programBounds struct {
	bytes     int
	nesting   int // how deep brackets may be nested
	operators int // how many there may be: each makes the program a level deeper
}

// sentProgram returns the bounds of a program that somebody sends while the service runs.
func sentProgram() programBounds {
	return programBounds{bytes: 16 << 10, nesting: 200, operators: 1000}
}

// settingsProgram returns the bounds of a program in a file of settings.
func settingsProgram() programBounds {
	return programBounds{bytes: 128 << 10, nesting: 200, operators: 8000}
}

// check checks a program before it is parsed. Brackets and operators in comments and texts are counted too, as programs
// that people write have few of these.
func (b programBounds) check(text string) error {
	if len(text) > b.bytes {
		return fmt.Errorf("the program is longer than %d KiB: write it shorter", b.bytes>>10)
	}
	open, operators := 0, 0
	for _, c := range []byte(text) {
		switch c {
		case '(', '[', '{':
			open++
		case ')', ']', '}':
			open = max(open-1, 0)
		case '+', '-', '*', '/', '%', '?':
			operators++
		}
		switch {
		case open > b.nesting:
			return fmt.Errorf("the program has more than %d brackets in brackets: write it flatter", b.nesting)
		case operators > b.operators:
			return fmt.Errorf("the program has more than %d operators: write it shorter", b.operators)
		}
	}
	return nil
}
