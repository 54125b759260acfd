package transform

import (
	"cmp"
	"encoding/json"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unicode"

	"golang.org/x/text/currency"

	"github.com/leadbridge/leadbridge/crmclient"
)

// plainAmount is a decimal number as the CRM takes it.
var plainAmount = regexp.MustCompile(`^[0-9]{1,12}(\.[0-9]{1,4})?$`)

// amountNames are the names under which events give a sum of money; the first of them that can be read counts.
var amountNames = [...]string{"amount", "price", "sum", "total"}

// money reads the amount and the currency of a lead or a deal: of the members of deal, else of the event, of its payment or
// of its order. The currency is the one that stands with the amount, by itself or around it; else the first of the others.
// There is no amount if its currency cannot be read, or differs from the one around it: it would be another sum.
func (s *said) money() (amount json.Number, code string) {
	fields, _ := s.data.(object)
	places := append([]object{s.deal, fields}, partsOf(fields, "payment", "order")...)
	var others string
	for _, place := range places {
		given, known := currencyIn(place)
		others = cmp.Or(others, given)
		if found, around := amountIn(place); found != "" && amount == "" {
			if !known || !compatible(given, around) {
				return "", ""
			}
			amount, code = found, cmp.Or(given, around)
		}
	}
	if own, _ := currencyIn(s.deal); own != "" {
		code = own
	}
	return amount, cmp.Or(code, others)
}

// amountIn reads the amount among an object's members, and the currency that stands around it.
func amountIn(o object) (amount json.Number, around string) {
	for _, name := range amountNames {
		for _, m := range o {
			if strings.EqualFold(m.key, name) {
				if amount, around = amountOf(m.value); amount != "" {
					return amount, around
				}
			}
		}
	}
	return "", ""
}

// currencyIn reads the currency among an object's members. known is false if there is one that cannot be read.
func currencyIn(o object) (code string, known bool) {
	known = true
	for _, m := range o {
		if !strings.EqualFold(m.key, "currency") {
			continue
		}
		text, _ := textOf(m.value)
		if code = currencyOf(m.value); code != "" {
			return code, true
		}
		known = known && cleanLine(text) == ""
	}
	return "", known
}

// compatible reports whether the currency that an event names may be the one around the amount, which may be "". A dollar
// sign stands for the dollars of several countries.
func compatible(given, around string) bool {
	return given == "" || around == "" || given == around || around == "USD" && slices.Contains(dollars(), given)
}

func dollars() []string {
	return []string{"USD", "CAD", "AUD", "NZD", "SGD", "HKD", "TWD", "MXN", "ARS", "CLP", "COP"}
}

// amountOf reads a sum of money from 0 on, as people and shops write it: 1500, "1 500,50 ₽", "$1,299.00",
// {"value": "99.00", "currency": "RUB"}. around is the currency that stands with it, "" for none. The amount is "" for a
// text that is not an amount, or that can be read as two: 1.500 may mean one and a half or fifteen hundred, and 12k is
// not twelve.
func amountOf(value any) (amount json.Number, around string) {
	switch v := value.(type) {
	case json.Number:
		return amountOfNumber(v), ""
	case string:
		return amountOfText(v)
	case object:
		for _, m := range v {
			if m.key == "value" || m.key == "amount" {
				if amount, around = amountOf(m.value); amount != "" {
					break
				}
			}
		}
		given, known := currencyIn(v)
		if !known || !compatible(given, around) {
			return "", ""
		}
		return amount, cmp.Or(given, around)
	}
	return "", ""
}

// amountOfNumber reads a number of JSON, which programs also write as 1.5e+06 or 59.97000000000001.
func amountOfNumber(n json.Number) json.Number {
	text := n.String()
	if plainAmount.MatchString(text) {
		return n
	}
	f, err := strconv.ParseFloat(text, 64)
	const limit, cent = 1e12, 0.01
	if err != nil || strings.HasPrefix(text, "-") || f >= limit || f != 0 && f < cent {
		return ""
	}
	if exact := strconv.FormatFloat(f, 'f', -1, 64); plainAmount.MatchString(exact) {
		return json.Number(exact)
	}
	return json.Number(strconv.FormatFloat(f, 'f', 2, 64))
}

func amountOfText(text string) (amount json.Number, around string) {
	digit := func(r rune) bool { return r >= '0' && r <= '9' }
	first, last := strings.IndexFunc(text, digit), strings.LastIndexFunc(text, digit)
	if first < 0 {
		return "", ""
	}
	before, number, after := strings.TrimSpace(text[:first]), text[first:last+1], strings.TrimSpace(text[last+1:])
	for _, noCents := range [...]string{",-", ".-", ",–", ".–", ",—", ".—"} { // 1500,- is 1500
		after = strings.TrimSpace(strings.TrimPrefix(after, noCents))
	}
	if after == "." {
		after = ""
	}
	front, behind := currencyOf(before), currencyOf(after)
	switch {
	case before != "" && front == "", after != "" && behind == "", behind != "" && !compatible(behind, front):
		return "", ""
	}
	return decimal(number), cmp.Or(behind, front)
}

// decimal reads a number with separators of thousands.
func decimal(text string) json.Number {
	whole, fraction := text, ""
	comma, dot := strings.Count(text, ","), strings.Count(text, ".")
	last := strings.LastIndexAny(text, ".,")
	switch {
	case comma > 0 && dot > 0: // the last of them is the decimal point
		if strings.Count(text, text[last:last+1]) > 1 {
			return ""
		}
		whole, fraction = text[:last], text[last+1:]
	case comma+dot == 1:
		whole, fraction = text[:last], text[last+1:]
		if len(fraction) == len("000") && whole != "0" {
			return "" // 1,500
		}
	}
	whole, ok := joined(whole)
	if !ok || last >= 0 && comma+dot == 1 && fraction == "" {
		return ""
	}
	number := strings.TrimLeft(whole[:len(whole)-1], "0") + whole[len(whole)-1:]
	if fraction != "" {
		number += "." + fraction
	}
	if strings.ContainsFunc(number, func(r rune) bool { return r != '.' && (r < '0' || r > '9') }) {
		return ""
	}
	return amountOfNumber(json.Number(number))
}

// joined takes the separators of thousands out of a whole number. They are of one kind, and groups have three digits
// or, as in India, two and the last one three.
func joined(whole string) (digits string, ok bool) {
	separator := func(r rune) bool { return r < '0' || r > '9' }
	var used rune
	for _, r := range whole {
		switch {
		case !separator(r):
		case r != ',' && r != '.' && r != '\'' && r != '’' && !unicode.IsSpace(r), used != 0 && used != r:
			return "", false
		default:
			used = r
		}
	}
	groups := strings.FieldsFunc(whole, separator)
	if used == 0 {
		return whole, whole != ""
	}
	if strings.Count(whole, string(used)) != len(groups)-1 || len(groups[0]) > 3 || len(groups[len(groups)-1]) != 3 {
		return "", false
	}
	for _, middle := range groups[1 : len(groups)-1] {
		if len(middle) != len(groups[1]) || len(middle) != 2 && len(middle) != 3 {
			return "", false
		}
	}
	return strings.Join(groups, ""), true
}

// currencyNames has ISO codes of currencies, each before its signs, short names and ISO numbers as forms, shops and
// payment services write them.
const currencyNames = `
RUB ₽ р р. руб руб. рубль рубля рублей rub. rubles rubl roubles ruble rouble rur 643 810
USD $ us$ usd$ долл долл. доллар доллара долларов dollar dollars 840
EUR € евро euro euros 978
GBP £ pound pounds фунт фунтов 826
KZT ₸ тг тг. тенге tenge 398
UAH ₴ грн грн. гривна гривны гривен гривень 980
BYN br бел.руб. byr 933
TRY ₺ tl 949
INR ₹ rs rs. 356
KGS сом som 417
UZS сум сўм 860
AMD ֏ драм 051
AZN ₼ манат 944
GEL ₾ лари 981
CNY юань юаней yuan 156
PLN zł 985
CZK kč 203
KRW ₩
ILS ₪
VND ₫
PHP ₱
THB ฿
NGN ₦
BRL r$
`

// currencies maps names in small letters to ISO codes.
var currencies = sync.OnceValue(func() map[string]string {
	codes := map[string]string{}
	for line := range strings.Lines(strings.TrimSpace(currencyNames)) {
		words := strings.Fields(line)
		for _, w := range words {
			codes[strings.ToLower(w)] = words[0]
		}
	}
	return codes
})

// currencyOf reads a currency, by its ISO code or number, its name or its sign; "" for anything else.
func currencyOf(value any) string {
	text, ok := textOf(value)
	if o, isObject := value.(object); isObject { // {"code": "RUB"}
		for _, m := range o {
			if m.key == "code" {
				text, ok = textOf(m.value)
			}
		}
	}
	text = strings.ToLower(cleanLine(text))
	if !ok || text == "" {
		return ""
	}
	if code, known := currencies()[text]; known {
		return code
	}
	if unit, err := currency.ParseISO(text); err == nil {
		return unit.String()
	}
	return ""
}

// readsMoney reports whether the amount or the currency of deal comes of a member of this name and value.
func readsMoney(m member, k crmclient.Card) bool {
	if strings.EqualFold(m.key, "currency") {
		code := currencyOf(m.value)
		return code != "" && code == k.Currency
	}
	amount, _ := amountOf(m.value)
	return amount != "" && amount == k.Amount && slices.Contains(amountNames[:], strings.ToLower(m.key))
}
