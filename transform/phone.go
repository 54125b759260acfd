package transform

import (
	"strconv"
	"strings"

	"github.com/nyaruka/phonenumbers"

	"github.com/leadbridge/leadbridge/crmclient"
)

// maxPhoneTries bounds how often one event asks libphonenumber (about 10 µs
// each); what lies beyond goes into comments unread.
const maxPhoneTries = 1000

// normalizePhones reads phones in any shape a form sends them and gives them
// in E.164, without repeats, in their order. A number must be valid for
// libphonenumber, not merely possible; one without a country calling code
// belongs to region. E.164 knows no extensions: they are returned among
// unusable as "+74951234567 ext. 12". Unusable also holds, as given, every
// text with digits that are no phone or words that are no mere label.
//
// The kind is the one given, else MOBILE for numbers that can only be mobile,
// else WORK: where a plan does not tell mobile from fixed (+1), it is WORK.
func normalizePhones(raw any, region string) (phones []crmclient.Multifield, unusable []string) {
	r := phoneReader{region: strings.ToUpper(strings.TrimSpace(region))}
	r.multifields = multifields{parse: r.read, bare: r.readBare, typeID: phoneTypeID}
	r.walk(raw, "")
	return r.list, r.unusable
}

// phoneReader is the state of one call of normalizePhones.
type phoneReader struct {
	multifields
	region string
	tries  int
}

// read finds the phones of one text.
func (r *phoneReader) read(text, typ string) {
	if digits := plainDigits(text); digits != "" {
		if p, ok := r.lookUp(digits); ok && r.keep(p, typ) {
			return
		}
	}
	if r.full() || r.tries >= maxPhoneTries {
		r.reject(text)
		return
	}
	s := phoneText{reader: r, typ: typ}
	s.scan(text)
	if s.informative {
		r.reject(text)
		return
	}
	for _, e := range s.extensions {
		r.reject(e)
	}
}

// readBare reads the digits of a JSON number. What is no number of the region
// is one of another when it is with the plus that JSON has no room for; texts
// could have had it, so theirs are not guessed.
func (r *phoneReader) readBare(digits, typ string) {
	p, ok := r.lookUp(digits)
	if !ok && len(digits) > 10 {
		p, ok = r.ask("+" + digits)
	}
	if !ok || !r.keep(p, typ) {
		r.reject(digits)
	}
}

func (r *phoneReader) keep(p phone, typ string) bool {
	if typ == "" {
		typ = p.typ
	}
	return r.add(p.e164, typ)
}

// phone is a valid number and the kind that its plan tells.
type phone struct {
	e164, typ string
}

// lookUp asks libphonenumber for digits, led by a plus or not. Abroad people
// write 00 and 011 for the plus, also where the region has another prefix.
func (r *phoneReader) lookUp(digits string) (phone, bool) {
	if p, ok := r.ask(digits); ok {
		return p, true
	}
	for _, idd := range []string{"00", "011"} {
		if rest, ok := strings.CutPrefix(digits, idd); ok && rest != "" && rest[0] != '0' {
			return r.ask("+" + rest)
		}
	}
	return phone{}, false
}

func (r *phoneReader) ask(digits string) (phone, bool) {
	if n := len(digits); n < minPhoneDigits || n > maxPhoneDigits || r.tries >= maxPhoneTries {
		return phone{}, false
	}
	r.tries++
	if p, valid, known := loadNumberPlans().find(digits, r.region); known {
		return p, valid
	}
	return askLibrary(digits, r.region)
}

// askLibrary has libphonenumber read digits.
func askLibrary(digits, region string) (phone, bool) {
	number, err := phonenumbers.Parse(digits, region)
	if err != nil {
		return phone{}, false
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

// A number has 2 to 17 digits for libphonenumber, 15 in E.164; prefixes to
// dial abroad and doubled codes come on top. Shorter ones are never valid.
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
		switch c := text[i]; {
		case c >= '0' && c <= '9', c == '+' && len(b) == 0:
			if len(b) == maxPhoneDigits {
				return ""
			}
			b = append(b, c)
		case c == ' ', c == '-', c == '.', c == '(', c == ')':
		default:
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
