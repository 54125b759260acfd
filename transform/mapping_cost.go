package transform

import (
	"encoding/json"
	"math"
	"math/big"
	"math/bits"

	"github.com/itchyny/gojq"
)

// Costs in steps of the interpreter, about 50 ns and at most some hundred
// bytes each.
const (
	bytesPerStep = 16
	beyond       = math.MaxInt32 // more than any run has
)

// meter walks a value and stops when the steps are used up, for a list that
// holds another twice, and so on, has no end.
type meter struct{ left int }

func (m *meter) walk(v any, depth int) {
	m.left--
	if depth > maxOutputDepth {
		m.left = -1
	}
	if m.left < 0 {
		return
	}
	switch v := v.(type) {
	case []any:
		for i := 0; i < len(v) && m.left >= 0; i++ {
			m.walk(v[i], depth+1)
		}
	case map[string]any:
		for k, e := range v {
			m.left -= len(k) / bytesPerStep
			if m.walk(e, depth+1); m.left < 0 {
				return
			}
		}
	default:
		m.left -= flat(v)
	}
}

// deep is the cost of reading a value with all that is in it, or beyond.
func (g *guard) deep(v any) int {
	left := max(g.steps.left, 0)
	m := meter{left: left}
	if m.walk(v, 0); m.left < 0 {
		return beyond
	}
	return left - m.left
}

// flat is the cost of copying a value without what is in it.
func flat(v any) int {
	switch v := v.(type) {
	case string:
		return len(v) / bytesPerStep
	case []any:
		return len(v) / 4
	case map[string]any:
		return len(v)
	case *big.Int, json.Number:
		return words(v) * words(v) / 16
	}
	return 0
}

// words is the length of a number in machine words.
func words(v any) int {
	switch v := v.(type) {
	case *big.Int:
		return v.BitLen()/64 + 1
	case json.Number:
		return len(v)/19 + 1
	}
	return 1
}

func length(v any) int {
	switch v := v.(type) {
	case string:
		return len(v)
	case []any:
		return len(v)
	case map[string]any:
		return len(v)
	}
	return 1
}

// keyCost is what an index or path costs, for a list grows to the index that
// is written to.
func keyCost(key any) int {
	switch key := key.(type) {
	case int, float64, *big.Int, json.Number:
		i, _ := gojq.ToInt(key)
		return min(max(i, 0)/4+flat(key), beyond)
	case []any:
		sum := len(key)
		for _, k := range key {
			if sum += keyCost(k); sum > beyond {
				return beyond
			}
		}
		return sum
	}
	return 0
}

func logarithm(n int) int { return bits.Len(uint(n)) + 1 }
