package transform

import (
	"reflect"
	"strconv"

	"github.com/itchyny/gojq"
)

// boundProgram lets the operators and indexes of a parsed program go through the checks of
// boundedDefinitions, which it puts before the program.
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

// boundOperator makes a call of an operator that one call can make much of; updates such as *= call
// the function of this name by themselves.
func boundOperator(q *gojq.Query) {
	name := map[gojq.Operator]string{gojq.OpMul: "_multiply", gojq.OpSub: "_subtract"}[q.Op]
	if name == "" {
		return
	}
	q.Term = &gojq.Term{Type: gojq.TermTypeFunc, Func: &gojq.Func{Name: name, Args: []*gojq.Query{q.Left, q.Right}}}
	q.Left, q.Right, q.Op = nil, nil, 0
}

// boundIndex lets an index in brackets be checked, unless it is a text or a small number.
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
