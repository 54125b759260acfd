package settings

import (
	"fmt"
	"strings"
)

// Fault is one setting that cannot be used.
type Fault struct {
	Variable string // the setting's environment variable
	Problem  string // what is wrong with it; never a secret's value
	Remedy   string // what to do about it
}

// Faults is the error that Parse returns: all that is wrong, in the order of the settings.
type Faults []Fault

// Error lists all faults, one a line: the variable, the problem, and the remedy.
func (f Faults) Error() string {
	width := 0
	for _, one := range f {
		width = max(width, len(one.Variable))
	}
	var b strings.Builder
	if len(f) == 1 {
		b.WriteString("1 setting cannot be used; nothing was started:")
	} else {
		fmt.Fprintf(&b, "%d settings cannot be used; nothing was started:", len(f))
	}
	for _, one := range f {
		fmt.Fprintf(&b, "\n  %-*s  %s: %s", width, one.Variable, one.Problem, one.Remedy)
	}
	return b.String()
}

// parser collects faults and warnings while texts are parsed.
type parser struct {
	faults   Faults
	warnings []string
}

func (p *parser) fault(variable, problem, remedy string) {
	p.faults = append(p.faults, Fault{variable, problem, remedy})
}

func (p *parser) warn(format string, args ...any) {
	p.warnings = append(p.warnings, fmt.Sprintf(format, args...))
}

// err returns the faults; nil when there are none, as an empty Faults would not be a nil error.
func (p *parser) err() error {
	if len(p.faults) == 0 {
		return nil
	}
	return p.faults
}
