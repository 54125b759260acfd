package transform

import "github.com/nyaruka/phonenumbers"

// PhoneDigits returns the digits of a contact's phone number as people write them: with the country's code, such as
// 79167328966, and as it is dialled within the country, such as 89167328966. Of what is not a number they are its digits.
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
