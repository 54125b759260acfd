package transform

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/itchyny/gojq"
)

// Limits of one run of a mapping. maxSteps steps of the interpreter usually take about a tenth of a second; maxRunTime is
// for steps that take longer.
const (
	maxSteps       = 2_000_000
	maxRunTime     = time.Second
	maxOutputBytes = maxValue
	maxOutputDepth = 1000
)

const presetPrefix = "preset:"

// mapping is a jq program. It can read nothing but the event: no environment, no file and no other input. It is safe for
// concurrent use.
type mapping struct {
	compile func() (*gojq.Code, error) // never fails after it succeeded once
	code    *gojq.Code                 // nil when it must be compiled for each run, see newMapping
	rights  []string                   // the fields with rights that the program names
}

// compileMapping compiles a jq program, or the preset that the text names.
func compileMapping(text string) (*mapping, error) {
	if name, ok := strings.CutPrefix(strings.TrimSpace(text), presetPrefix); ok {
		program, found := presetProgram(name)
		if !found {
			return nil, fmt.Errorf("MAPPING_FILE: there is no preset %q: choose one of %s", name, strings.Join(presetNames(), ", "))
		}
		text = program
	}
	m, err := compileProgram(text, settingsProgram())
	if err != nil {
		return nil, fmt.Errorf("MAPPING_FILE: %w: correct the jq program", err)
	}
	m.rights = RightsNamedBy(text)
	return m, nil
}

// compileProgram compiles a jq program. It refuses a text beyond the bounds, and builds checks into the program that
// bound its runs.
func compileProgram(text string, bounds programBounds) (*mapping, error) {
	if err := bounds.check(text); err != nil {
		return nil, err
	}
	query, err := gojq.Parse(text)
	if err != nil {
		return nil, errors.New(parseFault(text, err))
	}
	if _, err := gojq.Compile(query); err != nil {
		return nil, fmt.Errorf("%w (no modules, no input, no environment)", err)
	}
	found := findPatterns(query)
	if found.fault != nil {
		return nil, found.fault
	}
	if err := boundProgram(query); err != nil {
		return nil, err
	}
	return newMapping(func() (*gojq.Code, error) { return gojq.Compile(query, checks()...) }, found.computed)
}

// newMapping compiles the program once, or with eachRun for each run. That is needed for a program that makes regular
// expressions from data: the interpreter keeps all of them as long as the code exists.
func newMapping(compile func() (*gojq.Code, error), eachRun bool) (*mapping, error) {
	code, err := compile()
	m := &mapping{compile: compile, code: code}
	if eachRun {
		m.code = nil
	}
	return m, err
}

// parseFault adds the line to the parser's message. If something is missing at the end, it is the last line that is not
// blank.
func parseFault(text string, err error) string {
	if p, ok := errors.AsType[*gojq.ParseError](err); ok {
		text = strings.TrimRight(text[:min(p.Offset, len(text))], " \t\r\n")
		return fmt.Sprintf("line %d: %v", 1+strings.Count(text, "\n"), err)
	}
	return err.Error()
}

// run returns the object that the program makes of the data. The program must give exactly one.
func (m *mapping) run(data any) (object, *Rejection) {
	result, fault := m.result(data)
	if fault == faultNothing {
		return nil, &Rejection{Reason: ReasonSkipped, Message: "the mapping gives nothing for it: it is left out on purpose"}
	}
	if fault != "" {
		return nil, mappingFailed("the mapping " + fault)
	}
	return mappedObject(result, data)
}

// result returns the only result of the program, or a fault that says what the program does wrong. The fault is our own
// text, as jq's messages quote the data. A run that exceeded the time limit is repeated once, as the process may have
// been frozen meanwhile.
func (m *mapping) result(data any) (result any, fault string) {
	if hasLongNumber(data) {
		return nil, fmt.Sprintf("is given a number of more than %d digits", maxDigits)
	}
	if result, fault = m.runOnce(data); fault == faultTime {
		result, fault = m.runOnce(data)
	}
	return result, fault
}

func (m *mapping) runOnce(data any) (result any, fault string) {
	defer func() {
		if recover() != nil { // a fault of the interpreter costs this event, not the process
			result, fault = nil, faultFailed
		}
	}()
	code := m.code
	if code == nil {
		var err error
		if code, err = m.compile(); err != nil {
			return nil, faultFailed
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), maxRunTime)
	defer cancel()
	return onlyResult(code.RunWithContext(newRunContext(ctx, maxSteps), plain(data)))
}

func onlyResult(results gojq.Iter) (result any, fault string) {
	result, ok := results.Next()
	if !ok {
		return nil, faultNothing
	}
	if err, failed := result.(error); failed {
		return nil, runFault(err)
	}
	another, ok := results.Next()
	if err, failed := another.(error); failed {
		return nil, runFault(err)
	}
	if ok {
		return nil, "gives more than one result"
	}
	return result, ""
}

const (
	faultFailed  = "failed"
	faultNothing = "gives nothing"
	faultSteps   = "runs too long: it takes too many steps"
	faultTime    = "runs too long: it takes more than a second"
)

func runFault(err error) string {
	switch {
	case errors.Is(err, context.Canceled):
		return faultSteps
	case errors.Is(err, context.DeadlineExceeded):
		return faultTime
	}
	if bound, ok := errors.AsType[boundError](err); ok {
		return string(bound)
	}
	if strings.HasPrefix(err.Error(), "invalid regular expression") {
		return "uses a regular expression that Go does not know"
	}
	return "stops with an error"
}

func mappingFailed(message string) *Rejection {
	return &Rejection{Reason: ReasonMappingFailed, Message: message}
}

func mappedObject(result, data any) (object, *Rejection) {
	out := mapped{budget: maxOutputBytes}
	value := out.value(result, 0)
	if out.budget < 0 {
		return nil, mappingFailed("the mapping's result is too large")
	}
	if o, ok := value.(object); ok {
		return o, nil
	}
	if _, ok := data.(object); !ok {
		return nil, malformed("the data is not an object, and the mapping makes none of it")
	}
	return nil, mappingFailed("the mapping's result is not an object")
}

// mapped converts a program's result into our types. As parts of a result can be shared (a list that holds another list
// twice, and so on), a small result can be huge when it is written out. So mapped stops when budget, a number of bytes,
// is used up.
type mapped struct{ budget int }

func (m *mapped) value(v any, depth int) any {
	m.budget -= 2
	if depth > maxOutputDepth {
		m.budget = -1
	}
	if m.budget < 0 {
		return nil
	}
	switch v := v.(type) {
	case string:
		m.budget -= len(v)
		return v
	case int:
		return m.number(json.Number(strconv.Itoa(v)))
	case float64:
		return m.number(floatNumber(v))
	case *big.Int:
		if m.budget -= v.BitLen() / 3; m.budget < 0 { // about the number of its digits, which is slow to find exactly
			return nil
		}
		return json.Number(v.String())
	case json.Number:
		return m.number(v)
	case []any:
		return m.array(v, depth)
	case map[string]any:
		return m.object(v, depth)
	}
	return v // nil or bool
}

func (m *mapped) number(n json.Number) any {
	m.budget -= len(n)
	if n == "" {
		return nil // not a number: null in JSON
	}
	return n
}

// floatNumber writes a float as jq does: whole numbers in full, infinity as the largest number, and NaN as null.
func floatNumber(f float64) json.Number {
	if math.IsNaN(f) {
		return ""
	}
	f = min(max(f, -math.MaxFloat64), math.MaxFloat64)
	if math.Abs(f) >= 1e17 || f != math.Trunc(f) {
		return json.Number(strconv.FormatFloat(f, 'g', -1, 64))
	}
	return json.Number(strconv.FormatFloat(f, 'f', -1, 64))
}

func (m *mapped) array(v []any, depth int) []any {
	var a []any
	for _, e := range v {
		a = append(a, m.value(e, depth+1))
	}
	return a
}

func (m *mapped) object(v map[string]any, depth int) object {
	keys := make([]string, 0, len(v))
	for k := range v {
		keys = append(keys, k)
		m.budget -= len(k)
	}
	slices.Sort(keys)
	o := make(object, 0, len(keys))
	for _, k := range keys {
		o = append(o, member{k, m.value(v[k], depth+1)})
	}
	return o
}

// hasLongNumber reports whether a number in the value has more than maxDigits digits: the time to parse a number grows
// with the square of its length.
func hasLongNumber(v any) bool {
	switch v := v.(type) {
	case json.Number:
		return len(v) > maxDigits
	case []any:
		return slices.ContainsFunc(v, hasLongNumber)
	case object:
		return slices.ContainsFunc(v, func(m member) bool { return hasLongNumber(m.value) })
	}
	return false
}
