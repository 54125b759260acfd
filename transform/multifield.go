package transform

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/leadbridge/leadbridge/crmclient"
)

// maxMultifields is how many different phones or e-mails one contact keeps;
// the rest goes into comments. The CRM names no limit of its own.
const maxMultifields = 50

// multifields collects the values of one field of the event, in their order.
type multifields struct {
	// parse reads one text, and calls add for each value and reject for what it cannot use. typ is the kind that the
	// event gives, "" for none.
	parse func(text, typ string)
	// scope reads what an object says about all its values, such as their country. It returns the other members, and a
	// function that ends the scope. It may be nil.
	scope func(o map[string]any) (rest map[string]any, leave func())
	// typeID returns the CRM's id of a kind, such as WORK; ok is false for a text that is not a kind.
	typeID func(spelling string) (id string, ok bool)

	list     []crmclient.Multifield
	unusable []string
	seen     map[string]bool // texts of a list that were parsed already; nil until there is a list
}

// add adds a value to the list, unless the list has it already, whatever its kind. It returns false when the list is full.
func (m *multifields) add(value, typ string) bool {
	for _, f := range m.list {
		if f.Value == value {
			return true
		}
	}
	if len(m.list) >= maxMultifields {
		return false
	}
	m.list = append(m.list, crmclient.Multifield{Value: value, TypeID: typ})
	return true
}

func (m *multifields) full() bool { return len(m.list) >= maxMultifields }

func (m *multifields) reject(text string) {
	if text = strings.TrimSpace(text); text != "" {
		m.unusable = append(m.unusable, text)
	}
}

// walk reads any decoded JSON value. typ is the kind that an outer object gives.
func (m *multifields) walk(raw any, typ string) {
	switch v := raw.(type) {
	case nil:
	case string:
		m.text(v, typ)
	case json.Number:
		m.number(v.String(), typ)
	case float64:
		m.number(strconv.FormatFloat(v, 'g', -1, 64), typ)
	case []any:
		if m.seen == nil && len(v) > 1 {
			m.seen = make(map[string]bool)
		}
		for _, e := range v {
			m.walk(e, typ)
		}
	case map[string]any:
		m.object(v, typ)
	default:
		m.reject(fmt.Sprint(v))
	}
}

// text parses a text, but not again if it repeats in a list.
func (m *multifields) text(s, typ string) {
	if s == "" || m.seen[s] {
		return
	}
	if m.seen != nil {
		m.seen[s] = true
	}
	m.parse(s, typ)
}

// object reads {"value","typeId"}, the CRM's own {"VALUE","VALUE_TYPE"}, lists that PHP wrote as objects ({"1":…}), and
// values under their kind ({"mobile":…}). Other members become unusable texts of the form "key: value".
func (m *multifields) object(o map[string]any, typ string) {
	if m.scope != nil {
		rest, leave := m.scope(o)
		defer leave()
		o = rest
	}
	keys := slices.Sorted(maps.Keys(o))
	slices.SortStableFunc(keys, func(a, b string) int { return keyRank(a) - keyRank(b) })
	for _, k := range keys {
		kind, isKind := m.typeID(k)
		switch role, _ := objectKey(k); {
		case role == roleType:
			typ = m.givenType(k, o[k], typ)
		case role == roleValue:
			m.walk(o[k], typ)
		case role == roleNoise:
		case isKind:
			m.walk(o[k], kind)
		default:
			m.extra(k, o[k])
		}
	}
}

// givenType returns the kind that a member of an object gives, or outer if it is not a kind. Such a member is kept among
// the unusable texts, unless it only says that this is a phone or an e-mail.
func (m *multifields) givenType(key string, raw any, outer string) string {
	s, isText := raw.(string)
	if !isText {
		m.extra(key, raw)
		return outer
	}
	if id, ok := m.typeID(s); ok {
		return id
	}
	if what := strings.ToUpper(strings.TrimSpace(s)); what != "PHONE" && what != "EMAIL" && what != "TEL" {
		m.extra(key, s)
	}
	return outer
}

// extra keeps a further member of an object among the unusable texts.
func (m *multifields) extra(key string, v any) {
	switch v := v.(type) {
	case nil:
	case string:
		if strings.TrimSpace(v) != "" {
			m.reject(key + ": " + v)
		}
	case map[string]any, []any:
		if b, err := json.Marshal(v); err == nil {
			m.reject(key + ": " + string(b))
		}
	default:
		m.reject(key + ": " + fmt.Sprint(v))
	}
}

type keyRole int

const (
	roleExtra keyRole = iota // kept in comments
	roleType
	roleValue
	roleNoise // an id in another system
)

// objectKey returns what a key of a multifield object means, and the rank by which the keys are read. Kinds come before
// values, as they must be known first. VALUE_TYPE comes after the other kinds, and so replaces TYPE_ID, which only says
// "PHONE" beside it.
func objectKey(key string) (role keyRole, rank int) {
	name := strings.ToLower(strings.ReplaceAll(strings.ReplaceAll(strings.TrimSpace(key), "_", ""), "-", ""))
	switch name {
	case "typeid", "type", "kind", "label", "fieldtype":
		return roleType, -2
	case "valuetype":
		return roleType, -1
	case "e164", "canonicalform", "international", "internationalnumber", "full", "fullnumber", "normalized":
		return roleValue, 0
	case "value", "number", "phone", "phonenumber", "email", "emailaddress", "address", "nationalnumber", "localnumber", "subscribernumber", "national", "номер", "телефон":
		return roleValue, 1
	case "id":
		return roleNoise, 0
	}
	if n, err := strconv.Atoi(strings.TrimPrefix(name, "n")); err == nil && n >= 0 && n < 1<<30 {
		return roleValue, 2 + n // a list in PHP's order
	}
	return roleExtra, 0
}

func keyRank(key string) int {
	_, rank := objectKey(key)
	return rank
}

// number parses a JSON number by its digits, as spreadsheets turn phones into 7.9161234567e10. A negative number or a
// fraction is unusable.
func (m *multifields) number(s, typ string) {
	if s = wholeNumber(s); strings.ContainsAny(s, "-.eE") {
		m.reject(s)
		return
	}
	m.text(s, typ)
}

// wholeNumber writes a whole number without a point and an exponent; it returns any other text as it is.
func wholeNumber(s string) string {
	if strings.ContainsAny(s, ".eE") {
		if f, err := strconv.ParseFloat(s, 64); err == nil && f >= 0 && f < 1<<53 && f == float64(int64(f)) {
			return strconv.FormatInt(int64(f), 10)
		}
	}
	return s
}
