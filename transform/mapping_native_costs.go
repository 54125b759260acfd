package transform

import (
	"encoding/json"
	"math"
	"math/big"
	"strings"

	"github.com/itchyny/gojq"
)

// nativeCosts lists the native functions that can do much in one step.
func nativeCosts() []native {
	var all []native
	add := func(arity int, c cost, names ...string) {
		for _, name := range names {
			all = append(all, native{name: name, arity: arity, cost: c})
		}
	}
	add(2, sumCost, "_add")
	add(2, productCost, "_multiply")
	add(2, quotientCost, "_divide", "_modulo")
	add(2, differenceCost, "_subtract")
	add(2, compareCost, "_equal", "_notequal", "_greater", "_less", "_greatereq", "_lesseq")
	add(0, flatCost, "length", "keys", "trim", "ltrim", "rtrim", "ascii_downcase", "ascii_upcase", "reverse", "_captures")
	add(1, flatCost, "startswith", "endswith", "ltrimstr", "rtrimstr", "trimstr", "has", "strptime")
	add(1, formatCost, "strftime", "strflocaltime")
	add(0, eachCost, "add")
	add(1, eachCost, "join")
	add(0, lengthCost, "explode", "implode", "fromjson")
	add(0, parseCost, "tonumber")
	add(0, writeCost, "tojson", "_tohtml", "_touri", "_tourid", "_tocsv", "_totsv", "_tosh", "_tobase64", "_tobase64d")
	add(0, textCost, "tostring")
	add(1, writeCost, "format")
	add(1, splitCost, "split")
	add(1, searchCost, "indices", "index", "rindex", "contains", "inside")
	add(0, sortCost, "sort", "unique", "min", "max")
	add(1, sortCost, "_sort_by", "_group_by", "_unique_by", "_min_by", "_max_by", "bsearch")
	add(0, deepCost, "flatten")
	add(1, deepCost, "flatten")
	add(0, transposeCost, "transpose")
	add(2, setCost, "setpath")
	add(1, setCost, "delpaths")
	add(3, matchCost, "_match")
	add(2, besselCost, "jn", "yn")
	add(0, func(*guard, any, []any) int { return 20_000 }, "builtins")
	return all
}

func sumCost(_ *guard, _ any, args []any) int { return flat(args[0]) + flat(args[1]) }

func productCost(g *guard, v any, args []any) int {
	if n, s, ok := numberAndText(args[0], args[1]); ok {
		return int(min(max(n, 1)*float64(len(s)+1)/bytesPerStep, beyond))
	}
	return quotientCost(g, v, args)
}

func quotientCost(g *guard, _ any, args []any) int {
	l, r := args[0], args[1]
	if s, ok := l.(string); ok {
		separator, _ := r.(string)
		return flat(s) + strings.Count(s, separator)
	}
	if isNumber(l) && isNumber(r) {
		return (flat(l)+flat(r))/4 + words(l)*words(r)/16
	}
	return g.deep(l) + g.deep(r)
}

// numberAndText finds the operands of a repetition.
func numberAndText(l, r any) (float64, string, bool) {
	if _, ok := l.(string); !ok {
		l, r = r, l
	}
	s, isText := l.(string)
	n, isNumber := gojq.ToFloat64(r)
	if math.IsNaN(n) {
		n = beyond // as the interpreter may see it
	}
	return n, s, isText && isNumber
}

func isNumber(v any) bool {
	switch v.(type) {
	case int, float64, *big.Int, json.Number:
		return true
	}
	return false
}

func differenceCost(g *guard, _ any, args []any) int {
	l, isList := args[0].([]any)
	if !isList {
		return sumCost(g, nil, args)
	}
	return len(l) + len(l)*g.deep(args[1])/4 + g.deep(l)
}

func compareCost(g *guard, _ any, args []any) int {
	l, r := args[0], args[1]
	switch l := l.(type) {
	case []any:
		if _, same := r.([]any); same {
			return g.deep(l) + g.deep(r)
		}
	case map[string]any:
		if _, same := r.(map[string]any); same {
			return g.deep(l) + g.deep(r)
		}
	default:
		return min(flat(l), max(flat(r), words(l)))
	}
	return 0
}

func flatCost(_ *guard, v any, args []any) int {
	if n, ok := v.([]any); ok && len(args) > 0 {
		return len(n) / 64
	}
	return flat(v)
}

func formatCost(_ *guard, _ any, args []any) int { return 20 * length(args[0]) }

// eachCost is for functions that put the members together, with the argument between.
func eachCost(g *guard, v any, args []any) int {
	sum, between := 1, 0
	if len(args) > 0 {
		between = flat(args[0]) + length(args[0])/bytesPerStep + 1
	}
	each := func(e any) { sum += flat(e) + between + 1 }
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			each(e)
		}
	case map[string]any:
		for _, e := range v {
			each(e)
		}
		sum += len(v)
	}
	return sum
}

// parseCost: long numbers are multiplied up, digits by digits.
func parseCost(_ *guard, v any, _ []any) int {
	s, _ := v.(string)
	return flat(s) + words(json.Number(s))*words(json.Number(s))/64
}

func lengthCost(_ *guard, v any, _ []any) int { return length(v) }

func writeCost(g *guard, v any, _ []any) int { return 4 * g.deep(v) }

func textCost(g *guard, v any, _ []any) int {
	if s, ok := v.(string); ok {
		return flat(s)
	}
	return writeCost(g, v, nil)
}

func splitCost(g *guard, v any, args []any) int { return quotientCost(g, nil, []any{v, args[0]}) }

func searchCost(g *guard, v any, args []any) int {
	l, ok := v.(string)
	r, both := args[0].(string)
	if ok && both {
		return len(l) + len(r) + len(l)*len(r)/64
	}
	return min(g.deep(v)*g.deep(args[0]), beyond)
}

func sortCost(g *guard, v any, args []any) int {
	sum := g.deep(v)
	for _, a := range args {
		sum += g.deep(a)
	}
	return min(sum*logarithm(length(v)), beyond)
}

func deepCost(g *guard, v any, _ []any) int { return g.deep(v) }

func transposeCost(_ *guard, v any, _ []any) int {
	rows, _ := v.([]any)
	longest := 0
	for _, row := range rows {
		longest = max(longest, length(row))
	}
	return min(len(rows)*(longest+1), beyond)
}

func setCost(g *guard, v any, args []any) int {
	sum := g.deep(v)/4 + keyCost(args[0])
	if paths, ok := args[0].([]any); ok && len(args) == 1 { // delpaths: they are put in order
		return sum + len(paths)*logarithm(len(paths))
	}
	return sum
}

func besselCost(_ *guard, _ any, args []any) int {
	order, _ := gojq.ToFloat64(args[0])
	return int(min(math.Abs(order)/4, beyond))
}
