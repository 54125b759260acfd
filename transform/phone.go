package transform

import (
	"strconv"
	"strings"

	"github.com/nyaruka/phonenumbers"

	"github.com/leadbridge/leadbridge/crmclient"
)

// maxPhoneTries bounds how often libphonenumber is asked for one event, which takes about 30 µs each time. Further texts
// are not read, and go into the comments.
const maxPhoneTries = 1000

// homeRegion is the region of numbers without a calling code.
type homeRegion struct {
	region string // ISO 3166 alpha-2; if it is "" or unknown, only numbers with a calling code are read
	// stated says that the event names the country. Then digits without a plus are not read as a number of another country.
	stated bool
}

// normalizePhones reads phones in any shape that a form sends. It returns them in E.164, without repeats, in their order.
// A number must be valid for libphonenumber, not merely possible. A text gives numbers only if all of its digits are
// understood: as a number, its trunk prefix, or an extension. As E.164 has no extensions, these are returned in unusable,
// as in "+74951234567 ext. 12". unusable also has, as it was given, every text with digits that are not a phone number,
// or with words that are more than a label.
//
// The kind is the one that the event gives, else MOBILE for numbers that can only be mobile, else WORK. It is also WORK
// where a numbering plan does not distinguish mobile numbers (+1).
func normalizePhones(raw any, home homeRegion) (phones []crmclient.Multifield, unusable []string) {
	return normalizePhonesOf(raw, home, nil)
}

// normalizePhonesOf is like normalizePhones, and counts in tries how often libphonenumber is asked; tries may be nil.
func normalizePhonesOf(raw any, home homeRegion, tries *int) (phones []crmclient.Multifield, unusable []string) {
	home.region = strings.ToUpper(strings.TrimSpace(home.region))
	r := phoneReader{home: home}
	if tries != nil {
		r.tries = *tries
		defer func() { *tries = r.tries }()
	}
	r.multifields = multifields{parse: r.read, typeID: phoneTypeID, scope: r.scope}
	r.walk(raw, "")
	return r.list, r.unusable
}

// phoneReader is the state of one call of normalizePhones.
type phoneReader struct {
	multifields
	home  homeRegion
	tries int
}

// read finds the phones of one text.
func (r *phoneReader) read(text, typ string) {
	if r.readLostPlus(text, typ) {
		return
	}
	if digits, ok := spreadsheetDigits(text); ok {
		text = digits
	}
	if digits := plainDigits(text); digits != "" {
		if p, ok := r.lookUp(digits); ok && r.keep(p, typ) {
			return
		}
	}
	if r.full() || r.tries >= maxPhoneTries {
		r.reject(text)
		return
	}
	if p, ok := r.vanity(withoutEscapes(text)); ok && r.keep(p, typ) {
		return
	}
	home := r.home // scan may set the country from the text
	s := phoneText{reader: r, typ: typ}
	s.scan(text)
	r.home = home
	if s.informative {
		r.reject(text)
		return
	}
	for _, e := range s.extensions {
		r.reject(e)
	}
}

// spreadsheetDigits returns the digits of a number in the form in which spreadsheets export it, such as "79161234567.0" or
// "7.9161234567E+10".
func spreadsheetDigits(text string) (string, bool) {
	if strings.Trim(text, "0123456789.eE+") != "" || !strings.Contains(text, ".") || text[0] == '+' {
		return "", false
	}
	whole, fraction, _ := strings.Cut(text, ".")
	if strings.Trim(fraction, "0") != "" && !strings.ContainsAny(fraction, "eE") || whole == "" {
		return "", false
	}
	digits := wholeNumber(text)
	return digits, onlyDigits(digits)
}

func onlyDigits(s string) bool {
	return !strings.ContainsFunc(s, func(c rune) bool { return !isDigit(c) })
}

// readLostPlus reads digits after one blank: a plus that a form did not encode ("phone=+375…") becomes a blank. As it may
// have been a blank before, digits that are also a number without the plus, and another one, are refused. It reports
// whether the text was read or refused.
func (r *phoneReader) readLostPlus(text, typ string) bool {
	digits, ok := strings.CutPrefix(text, " ")
	if !ok || digits == "" || !onlyDigits(digits) {
		return false
	}
	abroad, ok := r.ask("+" + digits)
	if !ok {
		return false
	}
	if near, ok := r.ask(digits); ok && near.e164 != abroad.e164 {
		r.reject(text)
		return true
	}
	return r.keep(abroad, typ)
}

func (r *phoneReader) keep(p phone, typ string) bool {
	if typ == "" {
		typ = p.typ
	}
	return r.add(p.e164, typ)
}

// phone is a valid number and the kind that its plan gives it.
type phone struct {
	e164, typ string
}

// minInternational is how many digits an international number without a plus must have. Fewer digits may be a number of
// the home region in which one is missing.
const minInternational = 11

// lookUp reads digits, with a plus in front or without, as a number of the home region, else as an international one. In
// every region people write 00 or 011 for the plus, whatever the region's own prefix is.
func (r *phoneReader) lookUp(digits string) (phone, bool) {
	if p, ok := r.ask(digits); ok {
		return p, true
	}
	for _, prefix := range []string{"00", "011"} {
		if rest, ok := strings.CutPrefix(digits, prefix); ok && rest != "" && rest[0] != '0' {
			return r.ask("+" + rest)
		}
	}
	if rest, ok := strings.CutPrefix(digits, "+8"); ok && r.dialsEight() {
		return r.ask("8" + rest)
	}
	if !r.home.stated && len(digits) >= minInternational && isDigit(rune(digits[0])) {
		return r.ask("+" + digits)
	}
	return phone{}, false
}

// dialsEight reports whether the home region has the calling code 7. There people write +8 916 … for 8 916 …, where 8 is
// the trunk prefix and not the begin of another calling code.
func (r *phoneReader) dialsEight() bool {
	return phonenumbers.GetCountryCodeForRegion(r.home.region) == 7
}

// ask reads digits, with a plus in front or without, by libphonenumber.
func (r *phoneReader) ask(digits string) (phone, bool) {
	if n := len(digits); n < minPhoneDigits || n > maxPhoneDigits || r.tries >= maxPhoneTries {
		return phone{}, false
	}
	r.tries++
	number, ok := plainNumber(digits, r.home.region)
	if !ok {
		var err error
		if number, err = phonenumbers.Parse(digits, r.home.region); err != nil {
			return phone{}, false
		}
	}
	kind := phonenumbers.GetNumberType(number)
	if kind == phonenumbers.UNKNOWN { // the number is not valid
		return phone{}, false
	}
	p := phone{e164: e164(number), typ: "WORK"}
	if kind == phonenumbers.MOBILE {
		p.typ = "MOBILE"
	}
	return p, true
}

// The shortest and the longest text that is asked for: no number with fewer than 4 digits is valid for libphonenumber,
// and its longest has 17 digits, to which a plus and prefixes are added.
const (
	minPhoneDigits = 4
	maxPhoneDigits = 22
)

func e164(n *phonenumbers.PhoneNumber) string {
	b := make([]byte, 0, 20)
	b = append(b, '+')
	b = strconv.AppendInt(b, int64(n.GetCountryCode()), 10)
	return string(append(b, phonenumbers.GetNationalSignificantNumber(n)...))
}

// plainDigits returns the digits of a text that is one number with the usual punctuation; "" for any other text.
func plainDigits(text string) string {
	b := make([]byte, 0, maxPhoneDigits)
	for i := range len(text) {
		c := text[i]
		if c >= '0' && c <= '9' || c == '+' && len(b) == 0 {
			if len(b) == maxPhoneDigits {
				return ""
			}
			b = append(b, c)
			continue
		}
		if !strings.ContainsRune(" -.()", rune(c)) {
			return ""
		}
	}
	return string(b)
}

// phoneTypeID maps the kinds of other systems to the CRM's four.
func phoneTypeID(spelling string) (string, bool) {
	switch s := strings.ToUpper(strings.TrimSpace(spelling)); s {
	case "WORK", "HOME", "MOBILE", "OTHER":
		return s, true
	case "MAIN", "BUSINESS", "OFFICE", "COMPANY":
		return "WORK", true
	case "CELL", "CELLULAR", "CELLPHONE", "MOB":
		return "MOBILE", true
	case "PRIVATE", "PERSONAL":
		return "HOME", true
	case "FAX", "WORKFAX", "WORK_FAX", "HOMEFAX", "HOME_FAX", "PAGER", "MAILING", "CUSTOM":
		return "OTHER", true
	}
	return "", false
}
