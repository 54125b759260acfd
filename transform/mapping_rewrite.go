package transform

import (
	"reflect"
	"strconv"

	"github.com/itchyny/gojq"
)

// boundProgram puts boundedDefinitions before a parsed program, and makes the operators and indexes of the program call
// their checks.
func boundProgram(program *gojq.Query) error {
	definitions, err := gojq.Parse(boundedDefinitions() + ".")
	if err != nil {
		return err
	}
	eachNode(reflect.ValueOf(program), func(node any) {
		switch node := node.(type) {
		case *gojq.Query:
			boundOperator(node)
		case *gojq.Index:
			boundIndex(node)
		}
	})
	program.FuncDefs = append(definitions.FuncDefs, program.FuncDefs...)
	return nil
}

// eachNode visits the parts of a syntax tree, the innermost first.
func eachNode(v reflect.Value, visit func(node any)) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			eachNode(v.Elem(), visit)
			visit(v.Interface())
		}
	case reflect.Slice:
		for i := range v.Len() {
			eachNode(v.Index(i), visit)
		}
	case reflect.Struct:
		for _, field := range v.Fields() {
			eachNode(field, visit)
		}
	}
}

// boundOperator replaces an operator that can be expensive by a call of its checked function. Updates such as *= call the
// function of this name anyway.
func boundOperator(q *gojq.Query) {
	name := map[gojq.Operator]string{gojq.OpMul: "_multiply", gojq.OpSub: "_subtract"}[q.Op]
	if name == "" {
		return
	}
	q.Term = &gojq.Term{Type: gojq.TermTypeFunc, Func: &gojq.Func{Name: name, Args: []*gojq.Query{q.Left, q.Right}}}
	q.Left, q.Right, q.Op = nil, nil, 0
}

// boundIndex adds a check to an index in brackets, unless it is a constant text or a small number.
func boundIndex(x *gojq.Index) {
	if x.Start == nil || x.IsSlice || isSmallKey(x.Start.Term) {
		return
	}
	check := &gojq.Query{Term: &gojq.Term{Type: gojq.TermTypeFunc, Func: &gojq.Func{Name: "check::index"}}}
	x.Start = &gojq.Query{Left: x.Start, Op: gojq.OpPipe, Right: check}
}

func isSmallKey(key *gojq.Term) bool {
	if key == nil || len(key.SuffixList) > 0 {
		return false
	}
	n, err := strconv.Atoi(key.Number)
	return key.Type == gojq.TermTypeString || key.Type == gojq.TermTypeNumber && err == nil && n <= maxIndex
}
