package webhook

import "strings"

// parseURLEncoded reads the fields of a form as browsers and their standard do: a % without
// two hexadecimal digits behind it is itself.
//
// Source: WHATWG URL, "application/x-www-form-urlencoded parsing".
func parseURLEncoded(text string) ([]field, error) {
	var list []field
	for pair := range strings.SplitSeq(strings.TrimSpace(text), "&") {
		if pair == "" {
			continue
		}
		if len(list) == maxFields {
			return nil, errManyFields
		}
		name, value, _ := strings.Cut(pair, "=")
		list = append(list, field{percentDecoded(name), percentDecoded(value)})
	}
	return list, nil
}

// percentDecoded undoes the encoding of a name or a value.
func percentDecoded(text string) string {
	if !strings.ContainsAny(text, "%+") {
		return text
	}
	b := make([]byte, 0, len(text))
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '+':
			b = append(b, ' ')
		case c == '%' && i+2 < len(text) && isHex(text[i+1]) && isHex(text[i+2]):
			b = append(b, hexDigit(text[i+1])<<4|hexDigit(text[i+2]))
			i += 2
		default:
			b = append(b, c)
		}
	}
	return string(b)
}

func isHex(c byte) bool { return c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'f' }

func hexDigit(c byte) byte {
	if c <= '9' {
		return c - '0'
	}
	return c | 0x20 - 'a' + 10
}
