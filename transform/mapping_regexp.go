package transform

import (
	"regexp"
	"regexp/syntax"
	"strings"

	"github.com/itchyny/gojq"
)

// Regular expressions that come from the data are not kept for ever: after
// so many bytes of them, about, all are forgotten.
const maxRegexpBytes = 4 << 20

// regexps knows the regular expressions of a program. The interpreter keeps
// each that it has compiled, so its code is made anew when there are too many.
type regexps struct {
	match *gojq.Code
	known map[regexpKey]*knownRegexp
	bytes int
}

type regexpKey struct{ flags, expr string }

// knownRegexp is a regular expression, nil when it is none, and what it costs.
type knownRegexp struct {
	expr *regexp.Regexp
	size int  // instructions, about
	paid bool // in this run
}

// start begins a run: what an event costs does not depend on those before it.
func (r *regexps) start() {
	if r.bytes > maxRegexpBytes || r.known == nil {
		*r = regexps{known: map[regexpKey]*knownRegexp{}}
	}
	for _, k := range r.known {
		k.paid = false
	}
}

// run matches by the interpreter, but for mere tests.
func (r *regexps) run(v any, args []any) any {
	if found, ok := r.test(v, args); ok {
		return found
	}
	if r.match == nil {
		code, err := compileOriginal("_match", 3)
		if err != nil {
			return err
		}
		r.match = code
	}
	result, _ := r.match.Run(v, args...).Next()
	return result
}

// test answers the most frequent question, whether a text matches, with the
// very expression that the interpreter would compile.
func (r *regexps) test(v any, args []any) (found, ok bool) {
	text, isText := v.(string)
	expr, isExpr := args[0].(string)
	flags, _ := args[1].(string)
	if !isText || !isExpr || args[2] != true || args[1] != nil && flags != "i" {
		return false, false
	}
	known := r.known[regexpKey{flags, expr}]
	if known == nil || known.expr == nil {
		return false, false
	}
	return known.expr.MatchString(text), true
}

// matchCost: every place of the text may meet every part of the expression,
// and each match counts the characters before it anew.
func matchCost(g *guard, v any, args []any) int {
	text, isText := v.(string)
	expr, isExpr := args[0].(string)
	flags, _ := args[1].(string)
	if !isText || !isExpr {
		return 1
	}
	known, price := g.regexps.know(expr, flags, g.steps.left)
	if known == nil {
		return price
	}
	price += len(text) / bytesPerStep * (1 + known.size/4)
	if args[2] == true || known.expr == nil || price > g.steps.left {
		return price
	}
	matches := 1
	if strings.Contains(flags, "g") {
		matches = len(known.expr.FindAllStringIndex(text, -1))
	}
	return price + matches*(1+known.expr.NumSubexp())*(20+len(text)/(2*bytesPerStep))
}

// know compiles an expression, unless that costs more than is left, and
// gives its price: nothing for one that this run has paid for.
func (r *regexps) know(expr, flags string, left int) (known *knownRegexp, price int) {
	key := regexpKey{flags, expr}
	known = r.known[key]
	if known == nil {
		if len(expr) > left {
			return nil, beyond
		}
		known = &knownRegexp{}
		if parsed, err := syntax.Parse(expr, syntax.Perl); err == nil {
			known.size = regexpSize(parsed)
		}
		if known.size > left/8 {
			return nil, beyond
		}
		if strings.Contains(flags, "i") {
			expr = "(?i)" + expr
		}
		known.expr, _ = regexp.Compile(expr) // the interpreter tells what is wrong with it
		r.known[key] = known
		r.bytes += len(flags) + len(expr) + 512*known.size
	}
	if known.paid {
		return known, 1
	}
	known.paid = true
	return known, len(expr) + 8*known.size
}

func regexpSize(re *syntax.Regexp) int {
	sum := 1 + len(re.Rune)/2
	for _, sub := range re.Sub {
		sum += regexpSize(sub)
	}
	if re.Op == syntax.OpRepeat {
		sum *= max(re.Min, re.Max, 1)
	}
	return min(sum, beyond)
}
