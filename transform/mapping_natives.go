package transform

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/itchyny/gojq"
)

var errTooMuch = errors.New("the mapping makes or reads too much")

// guard makes native functions pay with the steps of the run. One run at a time.
type guard struct {
	natives []native
	steps   *stepContext
	regexps regexps
}

func (g *guard) start(steps *stepContext) {
	g.steps = steps
	g.regexps.start()
}

// cost tells what a native function will cost for its input and arguments.
type cost func(g *guard, v any, args []any) int

// native is a function or operator of the interpreter that pays before it works.
type native struct {
	name  string
	arity int
	cost  cost
	code  *gojq.Code // calls the original
}

func compileNatives() ([]native, error) {
	natives := nativeCosts()
	for i := range natives {
		code, err := compileOriginal(natives[i].name, natives[i].arity)
		if err != nil {
			return nil, err
		}
		natives[i].code = code
	}
	return natives, nil
}

func compileOriginal(name string, arity int) (*gojq.Code, error) {
	variables := []string{"$a", "$b", "$c"}[:arity]
	text := name
	if arity > 0 {
		text += "(" + strings.Join(variables, ";") + ")"
	}
	query, err := gojq.Parse(text)
	if err != nil {
		return nil, fmt.Errorf("native function %s: %w", name, err)
	}
	return gojq.Compile(query, gojq.WithVariables(variables))
}

// nativeDefinitions puts the guarded functions in the place of the originals.
func nativeDefinitions() string {
	var text strings.Builder
	for _, n := range nativeCosts() {
		def := n.name
		if n.arity > 0 {
			def += "(" + strings.Join([]string{"a", "b", "c"}[:n.arity], ";") + ")"
		}
		fmt.Fprintf(&text, "def %s: %s%s;\n", def, guardPrefix, def)
	}
	return text.String()
}

func (g *guard) functions() []gojq.CompilerOption {
	options := []gojq.CompilerOption{
		g.passing("text", func(v any) int { s, _ := v.(string); return len(s) / (2 * bytesPerStep) }),
		g.passing("iterate", flat),
		g.passing("measure", func(v any) int { return g.deep(v) / 8 }),
		g.passing("key", keyCost),
	}
	for _, n := range g.natives {
		options = append(options, gojq.WithFunction(guardPrefix+n.name, n.arity, n.arity, func(v any, args []any) any {
			return g.call(n, v, args)
		}))
	}
	return options
}

// passing is a function that pays and hands on the very value it got, so that
// a path through it stays a path.
func (g *guard) passing(name string, cost func(any) int) gojq.CompilerOption {
	return gojq.WithFunction(guardPrefix+name, 0, 0, func(v any, _ []any) any {
		if !g.steps.spend(cost(v)) {
			return errTooMuch
		}
		return v
	})
}

func (g *guard) call(n native, v any, args []any) any {
	if !g.steps.spend(n.cost(g, v, args)) {
		return errTooMuch
	}
	if result, ok := short(n.name, v, args); ok {
		return result
	}
	args = slices.Clone(args) // the interpreter lends them only for the call
	if n.name == "_match" {
		return g.regexps.run(v, args)
	}
	result, _ := n.code.Run(v, args...).Next()
	return result
}

// short does what is frequent and simple without a second interpreter.
func short(name string, v any, args []any) (any, bool) {
	switch name {
	case "_equal":
		return gojq.Compare(args[0], args[1]) == 0, true
	case "_notequal":
		return gojq.Compare(args[0], args[1]) != 0, true
	case "_greater":
		return gojq.Compare(args[0], args[1]) > 0, true
	case "_less":
		return gojq.Compare(args[0], args[1]) < 0, true
	case "_greatereq":
		return gojq.Compare(args[0], args[1]) >= 0, true
	case "_lesseq":
		return gojq.Compare(args[0], args[1]) <= 0, true
	case "_add":
		return shortAdd(args[0], args[1])
	case "length", "tostring":
		return shortText(name, v)
	}
	return nil, false
}

func shortAdd(l, r any) (any, bool) {
	switch l := l.(type) {
	case string:
		if r, ok := r.(string); ok {
			return l + r, true
		}
	case int:
		if r, ok := r.(int); ok && max(l, -l, r, -r) < 1<<31 && min(l, -l, r, -r) > -1<<31 {
			return l + r, true
		}
	}
	return nil, false
}

func shortText(name string, v any) (any, bool) {
	s, ok := v.(string)
	if ok && name == "length" {
		return utf8.RuneCountInString(s), true
	}
	return s, ok
}
