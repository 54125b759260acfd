package transform

import (
	"strconv"
	"strings"

	"github.com/nyaruka/phonenumbers"

	"github.com/leadbridge/leadbridge/crmclient"
)

// maxPhoneTries bounds how often one event asks libphonenumber (about 30 µs each); further texts go into the comments
// unread.
const maxPhoneTries = 1000

// homeRegion is the region of numbers without a calling code.
type homeRegion struct {
	region string // ISO 3166 alpha-2; "" or unknown: only numbers with a calling code are read
	// stated: the event names the country, so that digits without a plus are
	// not read as a number of any other.
	stated bool
}

// normalizePhones reads phones in any shape a form sends them and gives them in E.164, without repeats, in their order.
// A number must be valid for libphonenumber, not merely possible. Digits of a text are left out of its number only as a
// trunk prefix, as an extension, or as another number; a text gives no number unless all of its digits are understood.
// E.164 knows no extensions: they are returned among unusable as "+74951234567 ext. 12". unusable also has, as given,
// every text with digits that are not a phone number, or with words that are more than a label.
//
// The kind is the one given, else MOBILE for numbers that can only be mobile,
// else WORK: where a numbering plan does not distinguish mobile from fixed numbers (+1), it is WORK.
func normalizePhones(raw any, home homeRegion) (phones []crmclient.Multifield, unusable []string) {
	return normalizePhonesOf(raw, home, nil)
}

// normalizePhonesOf is normalizePhones with a count of tries that goes on; nil: from zero.
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

// spreadsheetDigits returns the digits of a number as spreadsheets export it:
// "79161234567.0", "7.9161234567E+10".
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

// readLostPlus reads digits behind one blank, which is what is left of a plus that a form did not encode
// ("phone=+375…"). It may have been a blank, too: digits that are another number without the plus are not read. It
// reports whether it has read or refused the text.
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

// minInternational is how many digits without a plus are read as an
// international number: shorter ones may be a number of the home region with a
// digit missing.
const minInternational = 11

// lookUp reads digits, led by a plus or not, as a number of the home region, else as an international one. People write
// 00 and 011 for the plus in every region, whatever its own prefix is.
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

// dialsEight reports whether the home region is one of the calling code 7,
// where people write +8 916 … for 8 916 …: the trunk prefix, not China's code.
func (r *phoneReader) dialsEight() bool {
	return phonenumbers.GetCountryCodeForRegion(r.home.region) == 7
}

// ask has libphonenumber read digits, led by a plus or not.
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
	kind := phonenumbers.GetNumberType(number) // unknown: not valid
	if kind == phonenumbers.UNKNOWN {
		return phone{}, false
	}
	p := phone{e164: e164(number), typ: "WORK"}
	if kind == phonenumbers.MOBILE {
		p.typ = "MOBILE"
	}
	return p, true
}

// No number under 4 digits is valid for libphonenumber. 22 is its longest, 17 digits, and prefixes, the plus included.
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

// plainDigits are the digits of a text that is nothing but one number in the
// usual punctuation, "" for every other text.
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
