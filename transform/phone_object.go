package transform

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// scope reads the country, the area code and the extension that an object has under names of their own. The country is
// that of its numbers until leave is called. Area code and extension become part of the number, or stay if there is no
// number. rest is the object after that. Of several numbers the last one in the order of the keys counts, of several
// countries the one that is named best.
func (r *phoneReader) scope(o map[string]any) (rest map[string]any, leave func()) {
	home := r.home
	leave = func() { r.home = home }
	var country, area, extension string
	var number string // the key of the number
	for _, key := range slices.Sorted(maps.Keys(o)) {
		value := o[key]
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
		return part == partCountry || number != "" && (part == partArea || part == partExtension)
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

// countryText returns the text by which an object names a country, such as {"code": "BY", "name": "Belarus"}: one that is
// understood if there is one.
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

// moreTelling returns the text that names a country better, see tellsCountry; a if both are equally good.
func moreTelling(a, b string) string {
	if tellsCountry(b) > tellsCountry(a) {
		return b
	}
	return a
}

// tellsCountry returns how well a text names a country: 3 for a name or an ISO code, 2 for a calling code, which
// countries may share, 1 for a text that is not understood, 0 for none.
func tellsCountry(text string) int {
	_, understood := readCountry(text)
	_, isCallingCode := countryByCallingCode(text)
	switch {
	case text == "":
		return 0
	case !understood:
		return 1
	case isCallingCode:
		return 2
	}
	return 3
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

// scalar returns a text or a number as text; "" for anything else.
func scalar(v any) string {
	switch v := v.(type) {
	case nil, map[string]any, []any, bool:
		return ""
	default:
		return fmt.Sprint(v)
	}
}
