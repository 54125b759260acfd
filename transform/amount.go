package transform

import (
	"encoding/json"
	"regexp"
	"strings"
	"unicode"
)

// plainAmount matches a decimal number in the form that the CRM accepts.
var plainAmount = regexp.MustCompile(`^[0-9]{1,12}(\.[0-9]{1,4})?$`)

// amountOf reads a sum of money that is not negative, as people and shops write it: 1500, "1 500,50 ₽", "$1,299.00". It
// returns "" for a text that is not an amount, or that can be read as two: 1.500 may mean one and a half or fifteen
// hundred.
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
	amount := withDecimalPoint(withoutGroupSpaces(withoutCurrency(text)))
	if !plainAmount.MatchString(amount) {
		return ""
	}
	return json.Number(withoutLeadingZeros(amount))
}

// withoutCurrency removes the name or the sign of a currency from both ends of an amount.
func withoutCurrency(text string) string {
	return strings.TrimFunc(strings.TrimSpace(text), func(r rune) bool {
		return unicode.IsLetter(r) || unicode.Is(unicode.Sc, r) || unicode.IsSpace(r) || r == '.'
	})
}

// withoutGroupSpaces removes the spaces and apostrophes that separate groups of digits.
func withoutGroupSpaces(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || r == '\'' || r == '’' {
			return -1
		}
		return r
	}, text)
}

// withDecimalPoint writes an amount without commas, and with a point before its decimals. It returns "" when it is not clear
// whether the commas or points of the text separate decimals or groups of digits.
func withDecimalPoint(text string) string {
	commas, points := strings.Count(text, ","), strings.Count(text, ".")
	last := strings.LastIndexAny(text, ".,")
	withoutMarks := strings.NewReplacer(",", "", ".", "")
	switch {
	case commas > 0 && points > 0 && strings.Count(text, text[last:last+1]) > 1: // 1,000.000.000
		return ""
	case commas > 0 && points > 0: // 1,299.00: the last mark is the decimal point
		return withoutMarks.Replace(text[:last]) + "." + text[last+1:]
	case commas+points > 1: // 1,000,000
		return withoutMarks.Replace(text)
	case commas+points == 1 && len(text)-last-1 == 3: // 1,500
		return ""
	}
	return strings.Replace(text, ",", ".", 1)
}

// withoutLeadingZeros removes leading zeros, with which a number is not valid JSON, but leaves a digit before the point.
func withoutLeadingZeros(amount string) string {
	for len(amount) > 1 && amount[0] == '0' && amount[1] != '.' {
		amount = amount[1:]
	}
	return amount
}

// currencySigns maps signs and short names of currencies, as forms write them, to ISO codes.
var currencySigns = map[string]string{
	"₽": "RUB", "руб": "RUB", "руб.": "RUB", "р.": "RUB", "$": "USD", "€": "EUR", "£": "GBP", "₸": "KZT", "₴": "UAH", "₺": "TRY",
}

// currencyOf returns the ISO code of a currency that is given by its code or its sign; "" for any other text.
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
