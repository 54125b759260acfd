package transform

import (
	"reflect"
	"strconv"

	"github.com/itchyny/gojq"
)

// The interpreter counts its own steps, but what it does natively within one
// step (adding lists, walking a value, repeating a text) has no bound there. So
// the program is rewritten before it is compiled: operators become calls of
// functions that pay first, and where a path must stay a path, a function that
// pays and hands on what it got is put in front.

// guardPrefix begins the names of our functions: no jq program can define them.
const guardPrefix = "guard::"

// guardQuery rewrites the program in place and puts the library before it.
func guardQuery(program *gojq.Query) error {
	library, err := gojq.Parse(nativeDefinitions() + guardLibrary + ".")
	if err != nil {
		return err
	}
	guardTree(reflect.ValueOf(library))
	guardTree(reflect.ValueOf(program))
	program.FuncDefs = append(library.FuncDefs, program.FuncDefs...)
	return nil
}

// guardTree visits every part of the syntax tree, the innermost first, so
// that it never meets what it has put in.
func guardTree(v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() {
			return
		}
		guardTree(v.Elem())
		switch node := v.Interface().(type) {
		case *gojq.Query:
			guardOperator(node)
		case *gojq.Term:
			guardTerm(node)
		}
	case reflect.Slice:
		for i := range v.Len() {
			guardTree(v.Index(i))
		}
	case reflect.Struct:
		for _, field := range v.Fields() {
			guardTree(field)
		}
	}
}

func guardOperator(q *gojq.Query) {
	switch q.Op {
	case gojq.OpAdd, gojq.OpSub, gojq.OpMul, gojq.OpDiv, gojq.OpMod,
		gojq.OpEq, gojq.OpNe, gojq.OpGt, gojq.OpLt, gojq.OpGe, gojq.OpLe:
		q.Term = call(operatorFunction(q.Op), q.Left, q.Right).Term
		q.Left, q.Right, q.Op = nil, nil, 0
	case gojq.OpModify:
		guardUpdate(q, pipe(q.Right, call("measure")))
	case gojq.OpAssign, gojq.OpUpdateAdd, gojq.OpUpdateSub, gojq.OpUpdateMul,
		gojq.OpUpdateDiv, gojq.OpUpdateMod, gojq.OpUpdateAlt:
		guardUpdate(q, q.Right)
	}
}

// guardUpdate lets an update pay for the copies it makes of what holds the
// changed value.
func guardUpdate(q *gojq.Query, right *gojq.Query) {
	update := &gojq.Query{Left: q.Left, Right: right, Op: q.Op}
	q.Left, q.Right, q.Op = call("measure"), update, gojq.OpPipe
}

func operatorFunction(op gojq.Operator) string {
	switch op {
	case gojq.OpAdd:
		return "_add"
	case gojq.OpSub:
		return "_subtract"
	case gojq.OpMul:
		return "_multiply"
	case gojq.OpDiv:
		return "_divide"
	case gojq.OpMod:
		return "_modulo"
	case gojq.OpEq:
		return "_equal"
	case gojq.OpNe:
		return "_notequal"
	case gojq.OpGt:
		return "_greater"
	case gojq.OpLt:
		return "_less"
	case gojq.OpGe:
		return "_greatereq"
	default:
		return "_lesseq"
	}
}

func guardTerm(t *gojq.Term) {
	if t.Type == gojq.TermTypeFunc && len(t.Func.Args) == 1 {
		switch t.Func.Name {
		case "getpath": // stays what it is, for it may be a path
			t.Func.Args[0] = pipe(t.Func.Args[0], call("key"))
		case "path": // as long as the value is deep
			*t = gojq.Term{Type: gojq.TermTypeQuery, SuffixList: t.SuffixList,
				Query: pipe(&gojq.Query{Term: &gojq.Term{Type: gojq.TermTypeFunc, Func: t.Func}}, call("key"))}
		}
	}
	if t.Type == gojq.TermTypeIndex && costlyIndex(t.Index) {
		t.SuffixList = append([]*gojq.Suffix{{Index: t.Index}}, t.SuffixList...)
		t.Type, t.Index = gojq.TermTypeIdentity, nil
	}
	guardSuffixes(t)
}

// guardSuffixes puts a function that pays in front of each .[], .[i] and .[i:j].
func guardSuffixes(t *gojq.Term) {
	suffixes := t.SuffixList
	t.SuffixList = nil
	for _, s := range suffixes {
		switch {
		case s.Iter:
			before(t, "iterate")
		case s.Index != nil && costlyIndex(s.Index):
			before(t, "text")
			if !s.Index.IsSlice && !smallIndex(s.Index.Start) {
				s = &gojq.Suffix{Index: &gojq.Index{Start: pipe(s.Index.Start, call("key"))}}
			}
		}
		t.SuffixList = append(t.SuffixList, s)
	}
}

func before(t *gojq.Term, name string) {
	value := *t
	guard := call(name)
	if value.Type == gojq.TermTypeIdentity && len(value.SuffixList) == 0 {
		*t = *guard.Term
		return
	}
	*t = gojq.Term{Type: gojq.TermTypeQuery, Query: pipe(&gojq.Query{Term: &value}, guard)}
}

// costlyIndex tells .[i] and .[i:j] from .name.
func costlyIndex(x *gojq.Index) bool {
	if x.Name != "" || x.Str != nil || x.IsSlice {
		return x.IsSlice
	}
	start := x.Start.Term
	return start == nil || start.Type != gojq.TermTypeString || len(start.SuffixList) > 0
}

// smallIndex: an index that cannot make a long list.
func smallIndex(q *gojq.Query) bool {
	if q.Term == nil || q.Term.Type != gojq.TermTypeNumber || len(q.Term.SuffixList) > 0 {
		return false
	}
	n, err := strconv.Atoi(q.Term.Number)
	return err == nil && n <= 64
}

func pipe(left, right *gojq.Query) *gojq.Query {
	return &gojq.Query{Left: left, Op: gojq.OpPipe, Right: right}
}

func call(name string, args ...*gojq.Query) *gojq.Query {
	return &gojq.Query{Term: &gojq.Term{Type: gojq.TermTypeFunc, Func: &gojq.Func{Name: guardPrefix + name, Args: args}}}
}
