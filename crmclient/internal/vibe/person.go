package vibe

import (
	"bytes"
	"encoding/json"
	"strings"

	"github.com/leadbridge/leadbridge/internal/jsonscan"
)

// Known is what a row of a contact tells of its person.
type Known struct {
	Name, SecondName, LastName string
	Phones, Emails             []string // in the portal's spelling
}

// Known reads the person of a contact. Phones and e-mails may stand in fields of their own (phone, emailWork), as a
// text, an object or a list of these, and in a list fm of both: the vendor's reference leaves their shape open.
func (r Row) Known() Known {
	var k Known
	if !jsonscan.IsObject(json.RawMessage(r)) {
		return k
	}
	for key, value := range jsonscan.Members(json.RawMessage(r)) {
		switch name := strings.ToLower(strings.ReplaceAll(string(key), "_", "")); {
		case name == "name":
			k.Name = jsonscan.Text(value)
		case name == "secondname":
			k.SecondName = jsonscan.Text(value)
		case name == "lastname":
			k.LastName = jsonscan.Text(value)
		case name == "fm", strings.HasPrefix(name, "phone"), strings.HasPrefix(name, "email"):
			k.add(value)
		}
	}
	return k
}

// add takes the phones and e-mails of a value.
func (k *Known) add(raw json.RawMessage) {
	raw = bytes.TrimSpace(raw)
	if len(raw) == 0 {
		return
	}
	switch raw[0] {
	case '[':
		var list []json.RawMessage
		_ = json.Unmarshal(raw, &list) // what cannot be read holds nothing
		for _, one := range list {
			k.add(one)
		}
	case '{':
		var held map[string]json.RawMessage
		_ = json.Unmarshal(raw, &held)
		for name, one := range held {
			if strings.EqualFold(name, "value") || len(one) > 0 && (one[0] == '[' || one[0] == '{') {
				k.add(one)
			}
		}
	case '"':
		k.addText(jsonscan.Text(raw))
	case '-', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9':
		k.addText(string(raw))
	}
}

// addText takes a text with one phone or e-mail, or several that a comma or semicolon parts.
func (k *Known) addText(text string) {
	for one := range strings.FieldsFuncSeq(text, func(r rune) bool { return r == ';' || r == '\n' || r == ',' }) {
		one = strings.TrimSpace(one)
		switch {
		case one == "":
		case strings.Contains(one, "@"):
			k.Emails = append(k.Emails, one)
		default:
			k.Phones = append(k.Phones, one)
		}
	}
}
