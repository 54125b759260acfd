package transform

import (
	"reflect"
	"slices"
	"strings"

	"github.com/itchyny/gojq"
)

// constants holds the values of a program's variables, and of its functions without parameters, that are the same for
// every event.
type constants struct {
	bound  map[string]int   // how often the program defines a name
	values map[string][]any // of the names that are defined once, by constants
}

func findConstants(program *gojq.Query) constants {
	c := constants{bound: map[string]int{}, values: map[string][]any{}}
	eachNode(reflect.ValueOf(program), c.count)
	eachNode(reflect.ValueOf(program), c.learn)
	return c
}

// count counts the names that a part of the program defines.
func (c constants) count(node any) {
	switch node := node.(type) {
	case *gojq.FuncDef:
		c.bound[node.Name]++
		for _, arg := range node.Args {
			c.bound[arg]++
			c.bound[strings.TrimPrefix(arg, "$")]++
		}
	case *gojq.Pattern:
		c.bound[node.Name]++
	case *gojq.PatternObject:
		c.bound[node.Key]++
	}
}

// learn notes the values of a name that a part of the program defines by constants.
func (c constants) learn(node any) {
	name, value := "", (*gojq.Query)(nil)
	switch node := node.(type) {
	case *gojq.FuncDef:
		if len(node.Args) == 0 {
			name, value = node.Name, node.Body
		}
	case *gojq.Query:
		if len(node.Patterns) == 1 {
			name, value = node.Patterns[0].Name, node.Left
		}
	}
	if name == "" || c.bound[name] > 1 {
		return
	}
	if values, ok := c.of(value); ok {
		c.values[name] = values
	}
}

// of returns the values of an expression that consists only of constant texts, their lists and their sums.
func (c constants) of(q *gojq.Query) (values []any, ok bool) {
	switch {
	case len(q.FuncDefs) > 0 || len(q.Patterns) > 0:
		return nil, false
	case q.Term != nil:
		return c.ofTerm(q.Term)
	case q.Op == gojq.OpAdd:
		return c.ofSum(q.Left, q.Right)
	case q.Op == gojq.OpComma:
		left, leftOK := c.of(q.Left)
		right, rightOK := c.of(q.Right)
		return slices.Concat(left, right), leftOK && rightOK
	}
	return nil, false
}

func (c constants) ofTerm(t *gojq.Term) (values []any, ok bool) {
	switch {
	case len(t.SuffixList) > 0:
	case t.Type == gojq.TermTypeNull:
		return []any{nil}, true
	case t.Type == gojq.TermTypeString && t.Str.Queries == nil:
		return []any{t.Str.Str}, true
	case t.Type == gojq.TermTypeQuery:
		return c.of(t.Query)
	case t.Type == gojq.TermTypeArray && t.Array.Query != nil:
		values, ok = c.of(t.Array.Query)
		return []any{values}, ok
	case t.Type == gojq.TermTypeFunc && len(t.Func.Args) == 0:
		values, ok = c.values[t.Func.Name]
		return values, ok
	}
	return nil, false
}

func (c constants) ofSum(left, right *gojq.Query) (values []any, ok bool) {
	l, leftOK := c.of(left)
	r, rightOK := c.of(right)
	if !leftOK || !rightOK || len(l) != 1 || len(r) != 1 {
		return nil, false
	}
	a, leftOK := l[0].(string)
	b, rightOK := r[0].(string)
	return []any{a + b}, leftOK && rightOK
}
