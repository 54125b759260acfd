package vibe

import (
	"strings"
	"unicode"
)

// HonorificField is the contact's field for how a person is addressed: an id of the portal's list Honorifics.
const HonorificField = "honorific"

// salutationKey is where a [Body] holds a contact's Salutation until Fit.
const salutationKey = "salutation"

// Honorifics asks for the ways to address a person that the portal lists, read by [Fields.WithHonorifics].
func Honorifics() Call { return Statuses("HONORIFIC") }

// LacksHonorifics reports whether the portal takes HonorificField, and its values are not known.
func (f Fields) LacksHonorifics() bool { return f.Writable(HonorificField) && f.honorifics == nil }

// WithHonorifics returns the fields with the values of HonorificField, as the rows of Honorifics name them.
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

// fitHonorific finds the portal's id for how a person is addressed. What the event gives for the field itself goes
// before a title in front of the name.
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

// foldHonorific makes the spellings of one honorific the same: Mr., mr and Mister, г-н and господин.
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

// honorificSpellings are further spellings of a folded honorific, with blanks around.
func honorificSpellings() map[string]string {
	return map[string]string{
		"mr": " mister мистер ", "mrs": " missis миссис ", "ms": " miss мисс ", "dr": " doctor др доктор ", "prof": " professor проф профессор ",
		"гн": " господин гну ", "гжа": " госпожа гже ", "herr": " hr ", "frau": " fr ",
		"madame": " mme ", "mademoiselle": " mlle ", "señor": " senor sr ", "señora": " senora sra ",
	}
}
