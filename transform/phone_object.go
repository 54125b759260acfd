package transform

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// scope reads what an object says of its numbers: the country that they belong
// to, and an area code and an extension that stand apart from the number.
func (r *phoneReader) scope(o map[string]any) (rest map[string]any, leave func()) {
	home := r.home
	leave = func() { r.home = home }
	var country, area, extension string
	var number string // the key of the one value that may lack its area code
	for key, value := range o {
		text := strings.TrimSpace(scalar(value))
		switch phonePart(key) {
		case partCountry:
			country = moreTelling(country, cmp.Or(text, countryText(value)))
		case partArea:
			area = text
		case partExtension:
			extension = text
		case partNumber:
			number = key
		}
	}
	if country == "" && area == "" && extension == "" {
		return o, leave
	}
	rest = maps.Clone(o)
	maps.DeleteFunc(rest, func(key string, _ any) bool {
		part := phonePart(key)
		return part == partCountry || part == partArea && number != "" || part == partExtension && number != ""
	})
	if country != "" {
		region, ok := readCountry(country)
		r.home = homeRegion{region: region, stated: true}
		if !ok {
			rest["country"] = country
		}
	}
	if number != "" && (area != "" || extension != "") {
		text := strings.TrimSpace(area + " " + scalar(o[number]))
		if strings.HasPrefix(scalar(o[number]), "+") {
			text = scalar(o[number])
		}
		if extension != "" {
			text += " ext " + extension
		}
		rest[number] = text
	}
	return rest, leave
}

// countryText is the text by which an object says a country, such as {"code": "BY", "name": "Belarus"}: the one that is
// understood, else any text.
func countryText(value any) string {
	o, ok := value.(map[string]any)
	if !ok {
		return ""
	}
	text := ""
	for _, key := range slices.Sorted(maps.Keys(o)) {
		one := scalar(o[key])
		if _, understood := readCountry(one); understood {
			return one
		}
		text = cmp.Or(text, one)
	}
	return text
}

// moreTelling chooses between two texts by which an object names its country: the name or code, not the calling code,
// which several countries may share.
func moreTelling(a, b string) string {
	if _, isCode := countryByCallingCode(a); a == "" || isCode && b != "" {
		return b
	}
	return a
}

// The parts of a number that objects give under names of their own.
const (
	partOther = iota
	partCountry
	partArea
	partNumber
	partExtension
)

func phonePart(key string) int {
	var buffer [maxFieldName]byte
	switch string(canonical(buffer[:0], key)) {
	case "country", "countrycode", "countryiso", "countryiso2", "iso2", "isocode", "region", "regioncode", "dialcode", "dialingcode", "callingcode",
		"countrycallingcode", "countrydialcode", "phonecountry", "phonecountrycode", "phonecode", "countryname", "prefix", "код", "кодстраны", "страна":
		return partCountry
	case "area", "areacode":
		return partArea
	case "number", "phone", "phonenumber", "value", "nationalnumber", "localnumber", "subscribernumber", "номер", "телефон":
		return partNumber
	case "ext", "extension", "extn", "доб", "добавочный":
		return partExtension
	}
	return partOther
}

// scalar is a text or a number as text, "" for anything else.
func scalar(v any) string {
	switch v := v.(type) {
	case nil, map[string]any, []any, bool:
		return ""
	default:
		return fmt.Sprint(v)
	}
}
