package transform

import (
	"encoding/json"
	"regexp"
	"strings"
	"unicode"
)

// plainAmount is a decimal number as the CRM takes it.
var plainAmount = regexp.MustCompile(`^[0-9]{1,12}(\.[0-9]{1,4})?$`)

// amountOf reads a sum of money from 0 on, as people and shops write it: 1500, "1 500,50 ₽", "$1,299.00". It is "" for
// a text that is not an amount, or that can be read as two: the text 1.500 may mean one and a half or fifteen hundred.
func amountOf(value any) json.Number {
	if n, ok := value.(json.Number); ok {
		if plainAmount.MatchString(n.String()) {
			return n
		}
		return ""
	}
	text, ok := value.(string)
	if !ok {
		return ""
	}
	text = strings.TrimFunc(strings.TrimSpace(text), func(r rune) bool { // the currency's name or sign stands around the number
		return unicode.IsLetter(r) || unicode.Is(unicode.Sc, r) || unicode.IsSpace(r) || r == '.'
	})
	text = strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || r == '\'' || r == '’' {
			return -1
		}
		return r
	}, text)
	comma, dot := strings.Count(text, ","), strings.Count(text, ".")
	last := strings.LastIndexAny(text, ".,")
	switch {
	case comma > 0 && dot > 0 && strings.Count(text, text[last:last+1]) > 1:
		return ""
	case comma > 0 && dot > 0: // the last of them is the decimal point
		whole := strings.NewReplacer(",", "", ".", "").Replace(text[:last])
		text = whole + "." + text[last+1:]
	case comma+dot > 1: // 1,000,000
		text = strings.NewReplacer(",", "", ".", "").Replace(text)
	case comma+dot == 1 && len(text)-last-1 == 3:
		return "" // 1,500
	case comma == 1:
		text = strings.Replace(text, ",", ".", 1)
	}
	if !plainAmount.MatchString(text) {
		return ""
	}
	return json.Number(strings.TrimLeft(text[:len(text)-1], "0") + text[len(text)-1:])
}

// currencySigns maps signs and short names of currencies, as forms write them, to ISO codes.
var currencySigns = map[string]string{
	"₽": "RUB", "руб": "RUB", "руб.": "RUB", "р.": "RUB", "$": "USD", "€": "EUR", "£": "GBP", "₸": "KZT", "₴": "UAH", "₺": "TRY",
}

// currencyOf reads a currency, by its ISO code or its sign; "" for anything else.
func currencyOf(value any) string {
	text, _ := value.(string)
	text = strings.TrimSpace(text)
	if code, ok := currencySigns[strings.ToLower(text)]; ok {
		return code
	}
	code := strings.ToUpper(text)
	if len(code) != 3 || strings.ContainsFunc(code, func(r rune) bool { return r < 'A' || r > 'Z' }) {
		return ""
	}
	return code
}
