package transform

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unicode"

	"github.com/nyaruka/phonenumbers"
	"golang.org/x/text/language"
	"golang.org/x/text/language/display"
)

// maxCountryText is the longest text in bytes that may name a country.
const maxCountryText = 200

// readCountry returns the region of a country that an event states: by an ISO 3166 code of two or three letters, a name
// in one of the countryLanguages, a calling code, a flag, or several of these that agree ("India (+91)"). For a calling
// code that countries share it returns one of them, as their numbers have one plan.
func readCountry(text string) (region string, ok bool) {
	if len(text) > maxCountryText {
		return "", false
	}
	if region, ok = countryByName(text); ok {
		return region, true
	}
	for _, piece := range countryPieces(text) {
		found, understood := countryByName(piece)
		if !understood {
			found, understood = countryByCallingCode(piece)
		}
		switch {
		case !understood:
		case region == "":
			region = found
		case !samePlan(region, found):
			return "", false
		}
	}
	return region, region != ""
}

// statedCountries are the countries that an event states for its phones.
type statedCountries struct {
	phone, person, address statedCountry
}

// statedCountry is the country that the fields of one kind state.
type statedCountry struct {
	given  bool   // a field states a country
	region string // "" when no country is understood, or two differ
}

// add notes the text of a field. ok is false when the text is not a country, or another one than was stated before.
func (c *statedCountries) add(f field, text string) (ok bool) {
	if isNoCountry(text) {
		return true
	}
	region, ok := readCountry(text)
	_, isCode := countryByCallingCode(text)
	to := &c.person
	switch {
	case f == fieldPhoneCountry, isCode:
		to = &c.phone
	case f == fieldAddressCountry:
		to = &c.address
	}
	switch {
	case !to.given:
		*to = statedCountry{given: true, region: region}
	case to.region == "":
		to.region = region
	case ok && !samePlan(to.region, region):
		to.region = ""
		return false
	}
	return ok
}

// home returns the region of the event's phones: the country that is stated for the phone, else for the person, else in an
// address. If a country is stated but not understood, the region is unknown. If none is stated, it is byDefault.
func (c *statedCountries) home(byDefault homeRegion) homeRegion {
	given := false
	for _, stated := range []statedCountry{c.phone, c.person, c.address} {
		if stated.region != "" {
			return homeRegion{region: stated.region, stated: true}
		}
		given = given || stated.given
	}
	if given {
		return homeRegion{stated: true}
	}
	return byDefault
}

// isNoCountry reports whether a text is a placeholder that programs write when no country was chosen.
func isNoCountry(text string) bool {
	switch strings.ToLower(strings.TrimSpace(text)) {
	case "", "-", "—", "null", "undefined", "none", "n/a", "не указано", "не выбрано":
		return true
	}
	return false
}

// samePlan reports whether two regions share a calling code.
func samePlan(a, b string) bool {
	return phonenumbers.GetCountryCodeForRegion(a) == phonenumbers.GetCountryCodeForRegion(b)
}

// countryPieces splits a text into flags, calling codes, and the words between brackets and separators. A flag becomes
// its two letters.
func countryPieces(text string) []string {
	var pieces []string
	var piece strings.Builder
	cut := func() {
		if s := strings.TrimSpace(piece.String()); s != "" {
			pieces = append(pieces, s)
		}
		piece.Reset()
	}
	kind := 0
	for _, r := range text {
		now := pieceKind(r)
		if now != pieceBlank && now != kind {
			cut()
			kind = now
		}
		switch now {
		case pieceFlag:
			piece.WriteRune('A' + r - firstFlagLetter)
		case pieceWord, pieceCode, pieceBlank:
			piece.WriteRune(r)
		}
	}
	cut()
	return pieces
}

// The kinds of characters that the pieces of a stated country consist of.
const (
	pieceBreak = iota
	pieceWord
	pieceCode
	pieceFlag
	pieceBlank
)

// A flag is two of the 26 regional indicator symbols, one for each letter.
const (
	firstFlagLetter = '\U0001F1E6'
	lastFlagLetter  = '\U0001F1FF'
)

func pieceKind(r rune) int {
	switch {
	case r >= firstFlagLetter && r <= lastFlagLetter:
		return pieceFlag
	case unicode.IsDigit(r), r == '+':
		return pieceCode
	case unicode.IsSpace(r), r == '-':
		return pieceBlank
	case unicode.IsLetter(r), unicode.IsMark(r), r == '.', r == '\'', r == '’', r == 'ʼ', r == '&':
		return pieceWord
	}
	return pieceBreak
}

// countryByCallingCode reads a calling code, such as "+91", "91" or "0091". The 1 of North America may have an area code.
func countryByCallingCode(text string) (region string, ok bool) {
	digits := strings.TrimPrefix(plainDigits(text), "+")
	digits = strings.TrimPrefix(digits, "00")
	if len(digits) == len("1809") && digits[0] == '1' {
		digits = "1"
	}
	code, err := strconv.Atoi(digits)
	if err != nil || digits[0] == '0' || len(digits) > 3 {
		return "", false
	}
	return supportedRegion(phonenumbers.GetRegionCodeForCountryCode(code))
}

// isCountryCode reports whether a stated country is only a code.
func isCountryCode(text string) bool {
	_, isCallingCode := countryByCallingCode(text)
	return isCallingCode || len(text) <= len("IND")
}

// countryByName reads a code of two or three letters, or a name.
func countryByName(text string) (region string, ok bool) {
	region, ok = countryNames()[countryKey(text)]
	return region, ok
}

// countryKey returns the letters of a country's name in lower case, without first words that people often leave out, such as
// "republic of".
func countryKey(name string) string {
	name = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsLetter(r), unicode.IsMark(r):
			return foldRune(r)
		case unicode.IsSpace(r), r == '-':
			return ' '
		}
		return -1
	}, name)
	words := strings.Fields(name)
	for len(words) > 1 && isCountryPrefix(words[0]) {
		words = words[1:]
	}
	return strings.Join(words, "")
}

func isCountryPrefix(word string) bool {
	switch word {
	case "the", "republic", "of", "kingdom", "state", "республика", "королевство", "государство", "республіка", "republik", "republica", "república", "république", "de", "du":
		return true
	}
	return false
}

// countryLanguages returns the languages in which names of countries are read. When a name means different countries in two
// languages, the earlier language decides.
func countryLanguages() []language.Tag {
	codes := []string{"en", "ru", "uk", "kk", "de", "es", "pt", "fr", "tr", "it", "pl", "nl", "be", "uz", "ky", "az", "hy", "ka", "hi", "ar", "he", "zh", "ja", "ko"}
	tags := make([]language.Tag, len(codes))
	for i, code := range codes {
		tags[i] = language.MustParse(code)
	}
	return tags
}

// countryNames maps the codes and names of all regions that have phone numbers to the region, by countryKey. The names
// are those of Unicode's CLDR, from golang.org/x/text.
var countryNames = sync.OnceValue(func() map[string]string {
	names := make(map[string]string, 1<<13)
	for alias, region := range countryAliases() {
		names[countryKey(alias)] = region
	}
	add := func(name, region string) {
		if key := countryKey(name); key != "" && names[key] == "" {
			names[key] = region
		}
	}
	regions := phonenumbers.GetSupportedRegions()
	for region := range regions {
		names[strings.ToLower(region)] = region
		if parsed, err := language.ParseRegion(region); err == nil {
			add(parsed.ISO3(), region)
		}
	}
	for _, tag := range countryLanguages() {
		namer := display.Regions(tag)
		for _, region := range slices.Sorted(maps.Keys(regions)) {
			if parsed, err := language.ParseRegion(region); err == nil {
				add(namer.Name(parsed), region)
			}
		}
	}
	return names
})

// countryAliases returns names and codes that people use and CLDR does not have.
func countryAliases() map[string]string {
	return map[string]string{
		"RF": "RU", "РФ": "RU", "Россия": "RU", "Российская Федерация": "RU", "Russian Federation": "RU", "Rossiya": "RU",
		"РБ": "BY", "Белоруссия": "BY", "Белорусь": "BY", "Byelorussia": "BY", "Belorussia": "BY",
		"РК": "KZ", "Қазақстан Республикасы": "KZ", "Qazaqstan": "KZ", "Kazakstan": "KZ", "Казакстан": "KZ",
		"Кыргызстан": "KG", "Кыргызская Республика": "KG", "Kyrgyz Republic": "KG", "Kirgizia": "KG", "Молдавия": "MD", "Молдова": "MD",
		"Туркмения": "TM", "Turkmenia": "TM", "Тадзикистан": "TJ", "Азербайджанская Республика": "AZ",
		"USA": "US", "U.S.": "US", "U.S.A.": "US", "United States of America": "US", "America": "US", "США": "US", "Америка": "US",
		"Соединенные Штаты Америки": "US", "Estados Unidos de América": "US", "EE. UU.": "US", "EEUU": "US", "EUA": "US", "ABD": "US", "Vereinigte Staaten von Amerika": "US",
		"UK": "GB", "U.K.": "GB", "Great Britain": "GB", "Britain": "GB", "England": "GB", "Scotland": "GB", "Wales": "GB", "Northern Ireland": "GB",
		"United Kingdom of Great Britain and Northern Ireland": "GB", "Англия": "GB", "Шотландия": "GB", "Соединенное Королевство": "GB",
		"Inglaterra": "GB", "Angleterre": "GB", "İngiltere": "GB", "Großbritannien": "GB", "Gran Bretaña": "GB",
		"UAE": "AE", "U.A.E.": "AE", "Emirates": "AE", "Объединенные Арабские Эмираты": "AE", "Эмираты": "AE", "BAE": "AE",
		"Czech Republic": "CZ", "Czechia": "CZ", "Чешская Республика": "CZ", "Holland": "NL", "Голландия": "NL", "Нидерланды": "NL", "The Netherlands": "NL",
		"South Korea": "KR", "Korea": "KR", "Republic of Korea": "KR", "Южная Корея": "KR", "Корея": "KR",
		"Türkiye": "TR", "Turkiye": "TR", "Turkey": "TR", "Турция": "TR", "Macedonia": "MK", "North Macedonia": "MK", "Северная Македония": "MK", "Македония": "MK",
		"Ivory Coast": "CI", "Burma": "MM", "Бирма": "MM", "Vietnam": "VN", "Viet Nam": "VN", "Вьетнам": "VN", "Hong Kong": "HK", "Гонконг": "HK",
		"Macau": "MO", "Macao": "MO", "Макао": "MO", "Taiwan": "TW", "Тайвань": "TW", "China": "CN", "PRC": "CN", "КНР": "CN",
		"Palestine": "PS", "Палестина": "PS", "Congo": "CG", "DR Congo": "CD", "Democratic Republic of the Congo": "CD", "Eswatini": "SZ", "Swaziland": "SZ",
		"Bosnia": "BA", "Босния": "BA", "Persia": "IR", "KSA": "SA", "Саудовская Аравия": "SA", "Slovak Republic": "SK", "Bharat": "IN", "Brasil": "BR",
		"ЮАР": "ZA", "RSA": "ZA", "Южно-Африканская Республика": "ZA", "Шри Ланка": "LK", "Cote d'Ivoire": "CI", "Cabo Verde": "CV", "Lao": "LA", "Syria": "SY",
		"Deutschland": "DE", "ФРГ": "DE", "BRD": "DE", "España": "ES", "Italia": "IT", "Sverige": "SE", "Norge": "NO", "Danmark": "DK", "Suomi": "FI",
		"Polska": "PL", "Österreich": "AT", "Schweiz": "CH", "Suisse": "CH", "Svizzera": "CH", "Magyarország": "HU", "România": "RO", "Srbija": "RS",
		"Hrvatska": "HR", "Slovenija": "SI", "Slovensko": "SK", "Česko": "CZ", "Česká republika": "CZ", "Eesti": "EE", "Latvija": "LV", "Lietuva": "LT",
		"Ελλάδα": "GR", "България": "BG", "Србија": "RS", "Việt Nam": "VN", "ไทย": "TH", "Sakartvelo": "GE", "Hayastan": "AM",
	}
}
