package transform

import (
	"encoding/json"
	"math"
	"strconv"
	"strings"
)

// textOf returns a scalar, or a list of scalars, in which form choices are often sent, as text. ok is false for an
// object, and for a list with objects or lists in it.
func textOf(v any) (text string, ok bool) {
	switch v := v.(type) {
	case nil:
		return "", true
	case string:
		return cleanText(v), true
	case json.Number:
		return v.String(), true
	case bool:
		return strconv.FormatBool(v), true
	case []any:
		return listText(v)
	}
	return "", false
}

func listText(list []any) (string, bool) {
	texts := make([]string, 0, len(list))
	for _, e := range list {
		if _, nested := e.([]any); nested {
			return "", false
		}
		text, ok := textOf(e)
		if !ok {
			return "", false
		}
		if text != "" {
			texts = append(texts, text)
		}
	}
	return strings.Join(texts, ", "), true
}

// positiveInt reads a whole number above 0, which may be written as 15.0 or 1.5e1.
func positiveInt(text string) (int64, bool) {
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		return n, n > 0
	}
	const exact = 1 << 53 // above it a float64 cannot represent every whole number
	f, err := strconv.ParseFloat(text, 64)
	if err != nil || f != math.Trunc(f) || f < 1 || f > exact {
		return 0, false
	}
	return int64(f), true
}

func boolean(text string) (value, ok bool) {
	switch strings.ToLower(text) {
	case "true", "1", "y", "yes", "on", "да":
		return true, true
	case "false", "0", "n", "no", "off", "нет":
		return false, true
	}
	return false, false
}

// userValue returns a value for a user field: a scalar, or a list of scalars.
func userValue(v any) (any, bool) {
	switch v := v.(type) {
	case string:
		return cleanText(v), true
	case json.Number, bool:
		return v, true
	case []any:
		list := make([]any, 0, len(v))
		for _, e := range v {
			if _, nested := e.([]any); nested {
				return nil, false
			}
			scalar, ok := userValue(e)
			if !ok {
				return nil, false
			}
			list = append(list, scalar)
		}
		return list, true
	}
	return nil, false
}
