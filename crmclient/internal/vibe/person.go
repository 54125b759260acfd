package vibe

import (
	"bytes"
	"encoding/json"
	"strings"

	"github.com/leadbridge/leadbridge/internal/jsonscan"
)

// Known is what a contact's row says about its person.
type Known struct {
	Name, SecondName, LastName string
	Phones, Emails             []string // in the portal's spelling
}

// Known reads the person of a contact. The vendor's reference does not say in which form phones and e-mails are answered:
// they may be in fields of their own (phone, emailWork), as a text, an object or a list of these, or together in the list fm.
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

// add adds the phones and e-mails in a value.
func (k *Known) add(raw json.RawMessage) {
	raw = bytes.TrimSpace(raw)
	if len(raw) == 0 {
		return
	}
	switch raw[0] {
	case '[':
		var list []json.RawMessage
		_ = json.Unmarshal(raw, &list) // a list that cannot be read counts as empty
		for _, one := range list {
			k.add(one)
		}
	case '{':
		var held map[string]json.RawMessage
		_ = json.Unmarshal(raw, &held)
		for name, one := range held {
			isNested := len(one) > 0 && (one[0] == '[' || one[0] == '{')
			if isNested || strings.EqualFold(name, "value") {
				k.add(one)
			}
		}
	case '"':
		k.addText(jsonscan.Text(raw))
	case '-', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9':
		k.addText(string(raw))
	}
}

// addText adds a text with one phone or e-mail, or with several that are separated by commas, semicolons or line ends.
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
