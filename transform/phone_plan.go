package transform

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/nyaruka/phonenumbers"
)

// numberPlans answer for plain digits what libphonenumber would, from its own
// metadata, in a fraction of its time: it spends most of it on taking texts apart
// and on matching each pattern twice. They know nothing of its special cases (plans
// that rewrite numbers, codes of no country): for those they say so, and the library is asked.
type numberPlans struct {
	byRegion map[string]*numberPlan
	byCode   map[int][]*numberPlan // in libphonenumber's order, the main region first
}

// loadNumberPlans gives the one copy; patterns are compiled when their region
// is first met.
var loadNumberPlans = sync.OnceValue(newNumberPlans)

func newNumberPlans() *numberPlans {
	plans := &numberPlans{byRegion: map[string]*numberPlan{}, byCode: map[int][]*numberPlan{}}
	metadata, err := phonenumbers.MetadataCollection()
	if err != nil {
		return plans
	}
	codes := map[int]bool{}
	for _, m := range metadata.GetMetadata() {
		codes[int(m.GetCountryCode())] = true
		if m.GetId() != phonenumbers.REGION_CODE_FOR_NON_GEO_ENTITY {
			plans.byRegion[m.GetId()] = &numberPlan{meta: m, code: strconv.Itoa(int(m.GetCountryCode()))}
		}
	}
	for code := range codes {
		if regions, ok := plans.regions(code); ok {
			plans.byCode[code] = regions
		}
	}
	return plans
}

// regions are the plans under a calling code, if it is one of countries.
func (p *numberPlans) regions(code int) ([]*numberPlan, bool) {
	var regions []*numberPlan
	for _, name := range phonenumbers.GetRegionCodesForCountryCode(code) {
		plan := p.byRegion[name]
		if plan == nil {
			return nil, false
		}
		regions = append(regions, plan)
	}
	return regions, len(regions) > 0
}

// find reads digits, led by a plus or not, as phonenumbers.Parse,
// GetNumberType and E.164 formatting do; known is false where the library must be asked.
func (p *numberPlans) find(digits, region string) (found phone, valid, known bool) {
	if rest, ok := strings.CutPrefix(digits, "+"); ok {
		return p.international(rest)
	}
	home := p.byRegion[region]
	if home == nil || home.dialsAbroad(digits) {
		return phone{}, false, false
	}
	code, _ := strconv.Atoi(home.code)
	regions := p.byCode[code]
	if regions == nil || home.rewrites() || regions[0].rewrites() {
		return phone{}, false, false
	}
	national, withCode := home.withoutCode(digits)
	if withCode {
		home = regions[0]
	} else {
		national = digits
	}
	found, valid = typed(regions, home.withoutPrefix(national))
	return found, valid, true
}

// international reads the digits behind a plus.
func (p *numberPlans) international(digits string) (found phone, valid, known bool) {
	for n := 1; n <= 3 && n < len(digits); n++ {
		code, _ := strconv.Atoi(digits[:n])
		if len(phonenumbers.GetRegionCodesForCountryCode(code)) == 0 {
			continue
		}
		regions := p.byCode[code]
		if regions == nil || regions[0].rewrites() || digits[0] == '0' {
			return phone{}, false, false
		}
		found, valid = typed(regions, regions[0].withoutPrefix(digits[n:]))
		return found, valid, true
	}
	return phone{}, false, false
}

// typed finds the region of a national number, and by it whether the number
// is valid and can only be mobile.
func typed(regions []*numberPlan, national string) (found phone, valid bool) {
	for i, region := range regions {
		var kind numberKind
		if leading := region.leadingDigits(); leading != nil && len(regions) > 1 {
			if !leading.matchesStart(national) {
				continue
			}
			kind = region.kind(national)
		} else if kind = region.kind(national); kind == kindUnknown && i < len(regions)-1 {
			continue
		}
		switch kind {
		case kindMobile:
			return phone{e164: "+" + region.code + national, typ: "MOBILE"}, true
		case kindOther:
			return phone{e164: "+" + region.code + national, typ: "WORK"}, true
		}
		return phone{}, false
	}
	return phone{}, false
}

// numberPlan is what libphonenumber knows of one region.
type numberPlan struct {
	meta *phonenumbers.PhoneMetadata
	code string // calling code

	once                   sync.Once
	leading, abroad        *digitPattern  // nil: none
	plainPrefix            string         // the national prefix, where it is mere digits
	prefix                 *regexp.Regexp // where it is more
	general, fixed, mobile numberDesc
	others                 []numberDesc // every further kind
}

// numberDesc is one kind of numbers of a plan.
type numberDesc struct {
	lengths []int32
	pattern *digitPattern // nil: no such numbers
}

func (p *numberPlan) compile() {
	p.once.Do(func() {
		m := p.meta
		p.leading, p.abroad = newDigitPattern(m.GetLeadingDigits()), newDigitPattern(m.GetInternationalPrefix())
		if prefix := m.GetNationalPrefixForParsing(); onlyDigits(prefix) {
			p.plainPrefix = prefix
		} else {
			p.prefix = regexp.MustCompile("^(?:" + prefix + ")")
		}
		p.general, p.fixed, p.mobile = newDesc(m.GetGeneralDesc()), newDesc(m.GetFixedLine()), newDesc(m.GetMobile())
		for _, d := range []*phonenumbers.PhoneNumberDesc{m.GetPremiumRate(), m.GetTollFree(), m.GetSharedCost(), m.GetVoip(),
			m.GetPersonalNumber(), m.GetPager(), m.GetUan(), m.GetVoicemail()} {
			if desc := newDesc(d); desc.pattern != nil {
				p.others = append(p.others, desc)
			}
		}
	})
}

func newDesc(d *phonenumbers.PhoneNumberDesc) numberDesc {
	return numberDesc{lengths: d.GetPossibleLength(), pattern: newDigitPattern(d.GetNationalNumberPattern())}
}

func (d numberDesc) matches(national string) bool {
	if d.pattern == nil || len(d.lengths) > 0 && !slices.Contains(d.lengths, int32(len(national))) {
		return false
	}
	return d.pattern.matches(national)
}

func (p *numberPlan) leadingDigits() *digitPattern {
	p.compile()
	return p.leading
}

// rewrites tells a plan that makes other digits of a national prefix.
func (p *numberPlan) rewrites() bool { return p.meta.GetNationalPrefixTransformRule() != "" }

// dialsAbroad tells digits that may begin with the prefix for calls abroad.
func (p *numberPlan) dialsAbroad(digits string) bool {
	p.compile()
	return p.abroad != nil && p.abroad.matchesStart(digits)
}

// withoutCode drops the calling code of digits that are too long, or no
// number of the plan, with it.
func (p *numberPlan) withoutCode(digits string) (string, bool) {
	rest, ok := strings.CutPrefix(digits, p.code)
	if !ok {
		return "", false
	}
	rest = p.stripped(rest)
	p.compile()
	tooLong := len(digits) > int(slices.Max(p.general.lengths))
	if tooLong || !p.general.pattern.matches(digits) && p.general.pattern.matches(rest) {
		return rest, true
	}
	return "", false
}

// withoutPrefix drops the national prefix where a number of a possible length is left.
func (p *numberPlan) withoutPrefix(national string) string {
	rest := p.stripped(national)
	n := int32(len(rest))
	local := slices.Contains(p.meta.GetGeneralDesc().GetPossibleLengthLocalOnly(), n)
	if !local && (slices.Contains(p.general.lengths, n) || n > slices.Max(p.general.lengths)) {
		return rest
	}
	return national
}

// stripped drops the national prefix unless only the number with it is one of the plan.
func (p *numberPlan) stripped(national string) string {
	p.compile()
	rest, ok := p.cutPrefix(national)
	if !ok {
		return national
	}
	if p.general.pattern.matches(national) && !p.general.pattern.matches(rest) {
		return national
	}
	return rest
}

func (p *numberPlan) cutPrefix(national string) (rest string, ok bool) {
	if p.prefix == nil {
		return strings.CutPrefix(national, p.plainPrefix)
	}
	at := p.prefix.FindStringIndex(national)
	if at == nil {
		return national, false
	}
	return national[at[1]:], true
}

func onlyDigits(s string) bool {
	return !strings.ContainsFunc(s, func(c rune) bool { return !isDigit(c) })
}

type numberKind int

const (
	kindUnknown numberKind = iota // not valid
	kindMobile
	kindOther
)

// kind is mobile only where no other kind, and no fixed line, may have the number.
func (p *numberPlan) kind(national string) numberKind {
	p.compile()
	if !p.general.matches(national) {
		return kindUnknown
	}
	for _, d := range p.others {
		if d.matches(national) {
			return kindOther
		}
	}
	switch {
	case p.fixed.matches(national):
		return kindOther
	case !p.meta.GetSameMobileAndFixedLinePattern() && p.mobile.matches(national):
		return kindMobile
	}
	return kindUnknown
}
