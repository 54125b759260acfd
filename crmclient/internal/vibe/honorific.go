package vibe

import (
	"strings"
	"unicode"
)

// HonorificField is the contact's field for how a person is addressed: an id of the portal's list Honorifics.
const HonorificField = "honorific"

// salutationKey is where a [Body] holds a contact's Salutation until Fit.
const salutationKey = "salutation"

// Honorifics asks for the portal's list of honorifics, read by [Fields.WithHonorifics].
func Honorifics() Call { return Statuses("HONORIFIC") }

// LacksHonorifics reports whether the portal takes HonorificField, but the list of its values is not known yet.
func (f Fields) LacksHonorifics() bool { return f.Writable(HonorificField) && f.honorifics == nil }

// WithHonorifics returns the fields with the values of HonorificField from the rows of Honorifics.
func (f Fields) WithHonorifics(rows []Row) Fields {
	f.honorifics = map[string]string{}
	for _, r := range rows {
		id, name := r.Text("statusId"), foldHonorific(r.Text("name"))
		if entity := r.Text("entityId"); id == "" || name == "" || entity != "" && entity != "HONORIFIC" {
			continue
		}
		if _, taken := f.honorifics[name]; !taken {
			f.honorifics[name] = id
		}
	}
	return f
}

// fitHonorific puts the portal's id for how a person is addressed into HonorificField. The value that an event gives for
// this field takes precedence over a title in front of the name.
func (f Fields) fitHonorific(b Body) {
	title, _ := b[salutationKey].(string)
	delete(b, salutationKey)
	given, isText := b[HonorificField].(string)
	if isText {
		title = given
	}
	if title == "" {
		return
	}
	if id := f.honorifics[foldHonorific(title)]; id != "" && f.Writable(HonorificField) {
		b[HonorificField] = id
	}
}

// foldHonorific makes the spellings of one honorific equal: Mr., mr and Mister, г-н and господин.
func foldHonorific(name string) string {
	folded := strings.Map(func(r rune) rune {
		if !unicode.IsLetter(r) {
			return -1
		}
		return unicode.ToLower(r)
	}, name)
	for short, spellings := range honorificSpellings() {
		if strings.Contains(spellings, " "+folded+" ") {
			return short
		}
	}
	return folded
}

// honorificSpellings returns further spellings of folded honorifics, each with a blank on both sides.
func honorificSpellings() map[string]string {
	return map[string]string{
		"mr": " mister мистер ", "mrs": " missis миссис ", "ms": " miss мисс ", "dr": " doctor др доктор ", "prof": " professor проф профессор ",
		"гн": " господин гну ", "гжа": " госпожа гже ", "herr": " hr ", "frau": " fr ",
		"madame": " mme ", "mademoiselle": " mlle ", "señor": " senor sr ", "señora": " senora sra ",
	}
}
