package transform

import (
	"encoding/json"
	"fmt"
	"math/big"
	"regexp"
	"strings"

	"github.com/itchyny/gojq"
)

// The interpreter counts its steps, but a single step can be expensive: a few functions make a long result from a number,
// or compare each part of a value with each part of another. These functions check their input, so that no event can make
// an ordinary program expensive.
const (
	maxRepeated    = maxOutputBytes // bytes of a repeated text
	maxIndex       = 1 << 16        // of a list; an assignment to an index makes the list grow
	maxPairs       = 1 << 25        // of parts that one call compares or makes, which takes about 0.3 s
	maxDigits      = 1000           // of a number; the time to parse one grows with the square of its digits
	maxBesselOrder = 1 << 20
)

// boundError says why a function did not run, without any value of the event.
type boundError string

func (e boundError) Error() string { return string(e) }

// boundedFunction is a function of jq that checks its input and arguments first.
type boundedFunction struct {
	name   string
	params string // as in its definition, separated by semicolons
	check  string // the call of the check, which returns its input
}

func boundedFunctions() []boundedFunction {
	all := []boundedFunction{
		{"join", "$x", "check::join($x)"},
		{"transpose", "", "check::transpose"},
		{"tonumber", "", "check::digits"},
		{"fromjson", "", "check::digits"},
		{"jn", "$n; $x", "check::bessel($n)"},
		{"yn", "$n; $x", "check::bessel($n)"},
	}
	for _, name := range []string{"contains", "inside", "index", "rindex", "indices"} {
		all = append(all, boundedFunction{name, "$x", "check::pairs(.; $x)"})
	}
	for _, name := range []string{"match", "capture"} {
		all = append(all,
			boundedFunction{name, "$re", "check::matches($re; null)"},
			boundedFunction{name, "$re; $flags", "check::matches($re; $flags)"})
	}
	for _, name := range []string{"scan", "splits"} {
		all = append(all,
			boundedFunction{name, "$re", `check::matches($re; "g")`},
			boundedFunction{name, "$re; $flags", `check::matches($re; "g")`})
	}
	return append(all,
		boundedFunction{"split", "$re; $flags", `check::matches($re; "g")`},
		boundedFunction{"sub", "$re; str", "check::matches($re; null)"},
		boundedFunction{"sub", "$re; str; $flags", "check::matches($re; $flags)"},
		boundedFunction{"gsub", "$re; str", `check::matches($re; "g")`},
		boundedFunction{"gsub", "$re; str; $flags", `check::matches($re; "g")`})
}

// boundedOperators defines the operators with checks, and those functions that must stay usable in path expressions, or
// of which only an argument is checked.
const boundedOperators = `
def _multiply(l; r): r as $r | l as $l | check::product($l; $r) | $l * $r;
def _subtract(l; r): r as $r | l as $l | check::pairs($l; $r) | $l - $r;
def _unchecked_setpath(p; v): setpath(p; v);
def setpath(p; v): _unchecked_setpath(p | check::path; v);
def _unchecked_getpath(p): getpath(p);
def getpath(p): _unchecked_getpath(p | check::path);
def _unchecked_fromstream(f): fromstream(f);
def fromstream(f): _unchecked_fromstream(f | check::event);
def nth($n): .[$n | check::index];
`

// boundedDefinitions returns the definitions that are put before each program.
func boundedDefinitions() string {
	var text strings.Builder
	text.WriteString(boundedOperators)
	for _, f := range boundedFunctions() {
		params := ""
		if f.params != "" {
			params = "(" + f.params + ")"
		}
		fmt.Fprintf(&text, "def _unchecked_%[1]s%[2]s: %[1]s%[2]s;\ndef %[1]s%[2]s: %[3]s | _unchecked_%[1]s%[2]s;\n", f.name, params, f.check)
	}
	return text.String()
}

// checks returns the functions that the definitions call. Each returns its input, so that a path expression stays one, or a
// boundError.
func checks() []gojq.CompilerOption {
	check := func(name string, arity int, fault func(v any, args []any) string) gojq.CompilerOption {
		return gojq.WithFunction("check::"+name, arity, arity, func(v any, args []any) any {
			if text := fault(v, args); text != "" {
				return boundError(text)
			}
			return v
		})
	}
	return []gojq.CompilerOption{
		check("product", 2, func(_ any, args []any) string { return productFault(args[0], args[1]) }),
		check("pairs", 2, func(_ any, args []any) string { return pairsFault(args[0], args[1]) }),
		check("join", 1, func(v any, args []any) string { return joinFault(v, args[0]) }),
		check("index", 0, func(v any, _ []any) string { return indexFault(v) }),
		check("path", 0, func(v any, _ []any) string { return pathFault(v) }),
		check("event", 0, func(v any, _ []any) string { return eventFault(v) }),
		check("transpose", 0, func(v any, _ []any) string { return transposeFault(v) }),
		check("digits", 0, func(v any, _ []any) string { return digitsFault(v) }),
		check("bessel", 1, func(_ any, args []any) string { return besselFault(args[0]) }),
		check("matches", 2, func(v any, args []any) string { return matchesFault(v, args[0], args[1]) }),
	}
}

// productFault checks the repetition of a text.
func productFault(l, r any) string {
	text, isText := l.(string)
	if !isText {
		text, isText = r.(string)
		r = l
	}
	times, isNumber := gojq.ToFloat64(r)
	if isText && isNumber && times*float64(len(text)) > maxRepeated {
		return fmt.Sprintf("repeats a text to more than %d MiB", maxRepeated>>20)
	}
	return ""
}

// pairsFault checks two values of which all parts may be compared.
func pairsFault(l, r any) string {
	if parts(l, maxPairs)*parts(r, maxPairs) > maxPairs {
		return "compares two values that are too large"
	}
	return ""
}

// parts counts the parts of a value, such as the bytes of its texts. It stops at most.
func parts(v any, most int) int {
	n := 1
	switch v := v.(type) {
	case string:
		n = len(v)
	case []any:
		for i := 0; i < len(v) && n < most; i++ {
			n += parts(v[i], most-n)
		}
	case map[string]any:
		for k, e := range v {
			if n += len(k) + parts(e, most-n); n >= most {
				break
			}
		}
	}
	return min(n, most)
}

// indexFault checks an index of a list.
func indexFault(v any) string {
	switch v.(type) {
	case int, float64, *big.Int, json.Number:
		if n, _ := gojq.ToFloat64(v); n > maxIndex {
			return fmt.Sprintf("uses an index over %d", maxIndex)
		}
	}
	return ""
}

func pathFault(v any) string {
	path, _ := v.([]any)
	for _, key := range path {
		if fault := indexFault(key); fault != "" {
			return fault
		}
	}
	return ""
}

// eventFault checks an event of a stream: a path, and perhaps a value.
func eventFault(v any) string {
	if event, ok := v.([]any); ok && len(event) > 0 {
		return pathFault(event[0])
	}
	return ""
}

func joinFault(v, separator any) string {
	list, _ := v.([]any)
	text, _ := separator.(string)
	if len(list)*len(text) > maxPairs {
		return "joins a list to a text that is too large"
	}
	return ""
}

func transposeFault(v any) string {
	rows, _ := v.([]any)
	longest := 0
	for _, row := range rows {
		cells, _ := row.([]any)
		longest = max(longest, len(cells))
	}
	if len(rows)*longest > maxOutputBytes {
		return "transposes a table that is too large"
	}
	return ""
}

// digitsFault looks for a long number in a text.
func digitsFault(v any) string {
	digits := 0
	text, _ := v.(string)
	for i := range len(text) {
		if c := text[i]; c < '0' || c > '9' {
			digits = 0
			continue
		}
		if digits++; digits > maxDigits {
			return fmt.Sprintf("meets a number of more than %d digits", maxDigits)
		}
	}
	return ""
}

func besselFault(order any) string {
	if n, _ := gojq.ToFloat64(order); n > maxBesselOrder || n < -maxBesselOrder {
		return fmt.Sprintf("uses a Bessel function of an order over %d", maxBesselOrder)
	}
	return ""
}

// matchesFault counts the matches in a long text, as the interpreter counts all characters before each match. An input
// that is not a text, or not a regular expression, is left to the function itself.
func matchesFault(v, pattern, flags any) string {
	if pair, ok := pattern.([]any); ok && len(pair) > 0 {
		pattern, flags = pair[0], pair[len(pair)-1]
	}
	text, _ := v.(string)
	expr, _ := pattern.(string)
	letters, _ := flags.(string)
	if len(text)*len(text) <= maxPairs || !strings.Contains(letters, "g") {
		return ""
	}
	re, err := regexp.Compile(expr)
	if most := maxPairs / len(text); err == nil && len(re.FindAllStringIndex(text, most+1)) > most {
		return "finds too many matches in a long text"
	}
	return ""
}
