package transform

import "github.com/nyaruka/phonenumbers"

// PhoneDigits returns the digits of a contact's phone number in the two ways in which people write it: with the calling
// code (79167328966), and as it is dialled within the country (89167328966). Of a text that is not a phone number it
// returns the digits.
func PhoneDigits(value string) []string {
	forms := []string{digitsOf(value)}
	number, err := phonenumbers.Parse(value, phonenumbers.UNKNOWN_REGION)
	if err != nil {
		return forms
	}
	if national := digitsOf(phonenumbers.Format(number, phonenumbers.NATIONAL)); national != forms[0] {
		forms = append(forms, national)
	}
	return forms
}
