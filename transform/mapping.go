package transform

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/itchyny/gojq"
)

// Limits of one run of a mapping. Time is counted in steps of the
// interpreter (two million take about a tenth of a second), not on a clock: a
// machine that is slow or was frozen must not turn a good event into a dead letter.
const (
	maxSteps       = 2_000_000
	maxOutputBytes = maxValue
	maxOutputDepth = 1000
)

const presetPrefix = "preset:"

// mapping is a jq program. It sees no environment, file or input other than
// the event. Safe for concurrent use.
type mapping struct {
	compile func() (*program, error) // never fails after it succeeded once

	mu   sync.Mutex
	idle []*program // guarded by mu; as many as ran at a time
}

// program is a compiled mapping with the guard that its native functions ask.
// One run at a time: the guard belongs to it.
type program struct {
	code  *gojq.Code
	guard *guard
}

// compileMapping compiles a jq program, or the preset of a name.
func compileMapping(text string) (*mapping, error) {
	if name, ok := strings.CutPrefix(strings.TrimSpace(text), presetPrefix); ok {
		program, found := presetProgram(name)
		if !found {
			return nil, fmt.Errorf("MAPPING_FILE: there is no preset %q: choose one of %s", name, strings.Join(presetNames(), ", "))
		}
		text = program
	}
	m, err := compileProgram(text)
	if err != nil {
		return nil, fmt.Errorf("MAPPING_FILE: %w: mend the jq program", err)
	}
	return m, nil
}

// compileProgram compiles a jq program whose runs are bounded.
func compileProgram(text string) (*mapping, error) {
	query, err := gojq.Parse(text)
	if err != nil {
		return nil, errors.New(parseFault(text, err))
	}
	if _, err := gojq.Compile(query); err != nil {
		return nil, fmt.Errorf("%w (no modules, no input, no environment)", err)
	}
	return guarded(query)
}

// guarded makes a mapping whose runs pay for all that they do.
func guarded(query *gojq.Query) (*mapping, error) {
	natives, err := compileNatives()
	if err != nil {
		return nil, err
	}
	if err := guardQuery(query); err != nil {
		return nil, err
	}
	m := &mapping{compile: func() (*program, error) {
		g := &guard{natives: natives}
		code, err := gojq.Compile(query, g.functions()...)
		return &program{code: code, guard: g}, err
	}}
	first, err := m.compile()
	m.idle = append(m.idle, first)
	return m, err
}

func (m *mapping) take() (*program, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if last := len(m.idle) - 1; last >= 0 {
		p := m.idle[last]
		m.idle = m.idle[:last]
		return p, nil
	}
	return m.compile()
}

func (m *mapping) give(p *program) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.idle = append(m.idle, p)
}

// parseFault adds the line to the parser's message: of what is missing at the end, the last one
// that says something.
func parseFault(text string, err error) string {
	if p, ok := errors.AsType[*gojq.ParseError](err); ok {
		text = strings.TrimRight(text[:min(p.Offset, len(text))], " \t\r\n")
		return fmt.Sprintf("line %d: %v", 1+strings.Count(text, "\n"), err)
	}
	return err.Error()
}

// run gives the one object that the program makes of the data.
func (m *mapping) run(data any) (object, *Rejection) {
	result, fault := m.result(data)
	if fault != "" {
		return nil, mappingFailed("the mapping " + fault)
	}
	return mappedObject(result, data)
}

// result gives the one result of the program. What jq says about a failure
// quotes the data, so that it is told in our words only: fault is what the program does wrong.
func (m *mapping) result(data any) (result any, fault string) {
	defer func() {
		if recover() != nil { // a fault of the interpreter costs this event, not the process
			result, fault = nil, faultFailed
		}
	}()
	p, err := m.take()
	if err != nil {
		return nil, faultFailed
	}
	steps := newStepContext(maxSteps)
	p.guard.start(steps)
	results := p.code.RunWithContext(steps, plain(data))
	defer m.give(p)
	result, ok := results.Next()
	if !ok {
		return nil, "gives nothing"
	}
	if _, failed := result.(error); failed {
		return nil, runFault(steps)
	}
	if another, ok := results.Next(); ok {
		if _, failed := another.(error); failed {
			return nil, runFault(steps)
		}
		return nil, "gives more than one result"
	}
	return result, ""
}

const faultFailed = "failed"

func runFault(steps *stepContext) string {
	if steps.Err() != nil {
		return "runs too long"
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
		return nil, malformed("the data is no object, and the mapping makes none of it")
	}
	return nil, mappingFailed("the mapping's result is no object")
}

// mapped turns a program's result into our types. A small result can stand
// for an endless one (a list that holds another twice, and so on), so it stops when
// the budget in bytes is used up.
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
		if m.budget -= v.BitLen() / 3; m.budget < 0 { // about its digits, which cost much to find
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
		return nil // no number: null in JSON
	}
	return n
}

// floatNumber writes a float as jq does: whole numbers in full, infinity
// as the largest number, and what is no number as nothing.
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
