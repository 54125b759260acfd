package transform

import "testing"

// Reports and documents of what is typed and sent as a phone number.
const (
	reportNoPlus      = "https://github.com/catamphetamine/libphonenumber-js/issues/376"
	reportNoPlusZZ    = "https://github.com/ruimarinho/google-libphonenumber/issues/147"
	reportPlusBlank   = "https://github.com/tj/node-querystring/issues/106"
	reportDoubleZero  = "https://github.com/giggsey/libphonenumber-for-php/issues/176"
	reportCountry     = "https://github.com/facebook/facebook-for-woocommerce/pull/3510"
	reportVanity      = "https://github.com/daddyz/phonelib/issues/102"
	reportVanityFalse = "https://github.com/google/libphonenumber/issues/1302"
	reportVanityXYZ   = "https://github.com/daviddrysdale/python-phonenumbers/issues/114"
	reportExtension   = "https://github.com/daddyz/phonelib/issues/367"
	reportTwoNumbers  = "https://github.com/google/libphonenumber/issues/1591"
	reportGermanDash  = "https://github.com/TrevorPilley/phone-number-parser/issues/689"
	reportEntities    = "https://github.com/verbb/formie/issues/1488"
	documentWhatsApp  = "https://green-api.com/en/docs/faq/features-of-sending-and-receiving-messages-from-different-countries/"
	documentViber     = "https://developers.viber.com/docs/tools/deep-links/"
	documentSignal    = "https://github.com/signalapp/Signal-Android/issues/11627"
	documentClickCall = "https://web.dev/click-to-call"
	documentTel       = "https://www.rfc-editor.org/rfc/rfc3966"
	planOfSeven       = "the plan of calling code 7: trunk prefix 8 (ITU-T E.164, national numbering plans)"
)

func TestSentPhonesWithoutPlus(t *testing.T) {
	t.Parallel()
	checkSent(t, []sent{
		phoneSent(reportNoPlus, "", "375447521111", "+375447521111"),
		phoneSent(reportNoPlus, "", "375291234567", "+375291234567"),
		phoneSent(reportNoPlus, "", "380441234567", "+380441234567"),
		phoneSent(reportNoPlus, "", "4915112345678", "+4915112345678"),
		phoneSent(reportNoPlus, "", "996555123456", "+996555123456"),
		phoneSent(reportNoPlus, "", "37491123456", "+37491123456"),
		phoneSent(reportNoPlusZZ, "", "44 20 7928 5211", "+442079285211"),
		phoneSent(reportNoPlusZZ, "", "998 90 123 45 67", "+998901234567"),
		phoneSent(reportNoPlusZZ, "", "998-90-123-45-67", "+998901234567"),
		phoneSent(reportNoPlusZZ, "", "(375) 29 123-45-67", "+375291234567"),
		phoneSent(reportNoPlus, "US", "447911123456", "+447911123456"),
		phoneSent(reportDoubleZero, "", "00 61 2 6271 1111", "+61262711111"),
		phoneSent(reportNoPlus, "", "8 10 375 29 123 45 67", "+375291234567"),
		{source: reportNoPlus, data: `{"phone":375291234567}`, want: "+375291234567"},

		// Too short or too long by a digit: nobody's number.
		phoneSent(reportNoPlus, "", "495123456", "NO_CONTACT_POINT"),
		phoneSent(reportNoPlus, "", "8 916 123 45 6", "NO_CONTACT_POINT"),
		phoneSent(reportNoPlus, "", "8 916 123 45 67 8", "NO_CONTACT_POINT"),
		phoneSent(reportNoPlus, "", "998 90 123 45 6", "NO_CONTACT_POINT"),
		phoneSent(reportNoPlus, "", "0501234567", "NO_CONTACT_POINT"),
	})
}

func TestSentPhonesOfStatedCountry(t *testing.T) {
	t.Parallel()
	row := func(data, want string) sent { return sent{source: reportCountry, data: data, want: want} }
	checkSent(t, []sent{
		row(`{"phone":"98765 43210","country":"India"}`, "+919876543210; ; ; country: India"),
		row(`{"phone":"98765 43210","country":"IND"}`, "+919876543210"),
		row(`{"phone":"98765 43210","country":"in"}`, "+919876543210"),
		row(`{"phone":"98765 43210","Страна":"Индия"}`, "+919876543210; ; ; Страна: Индия"),
		row(`{"phone":"98765 43210","phone_country":"IN"}`, "+919876543210"),
		row(`{"phone":"98765 43210","country_code":"+91"}`, "+919876543210"),
		row(`{"phone":"98765 43210","country_code":91}`, "+919876543210"),
		row(`{"phone":"98765 43210","dialCode":"0091"}`, "+919876543210"),
		row(`{"phone":"98765 43210","country":"India (+91)"}`, "+919876543210; ; ; country: India (+91)"),
		row(`{"phone":"98765 43210","country":"🇮🇳"}`, "+919876543210; ; ; country: 🇮🇳"),
		row(`{"phone":{"countryCode":"91","number":"9876543210"}}`, "+919876543210"),
		row(`{"phone":{"region":"Minsk","страна":"Беларусь","number":"291234567"}}`, "+375291234567"),
		row(`{"phone":{"country":"Minsk","dial_code":"+375","number":"291234567"}}`, "+375291234567"),
		row(`{"phone":{"country":"IN","number":"98765 43210"}}`, "+919876543210"),
		row(`{"phone":{"dialCode":"+44","nationalNumber":"07911 123456"}}`, "+447911123456"),
		row(`{"phone":{"area":"916","phone":"123-45-67"}}`, "+79161234567"),
		row(`{"phone":"0501234567","country":"Украина"}`, "+380501234567; ; ; country: Украина"),
		row(`{"phone":"0151 12345678","country":"Deutschland"}`, "+4915112345678; ; ; country: Deutschland"),
		row(`{"phone":"8 701 123 45 67","country":"Казахстан","country_code":"+7"}`, "+77011234567; ; ; country: Казахстан"),
		row(`{"phone":"98765 43210","address":{"country":"India","city":"Pune"}}`, "+919876543210; ; ; address.country: India\naddress.city: Pune"),
		row(`{"phone":"9876543210","country":{"code":"IN","name":"India"}}`, "+919876543210; ; ; country.code: IN\ncountry.name: India"),
		row(`{"phone":{"number":"9876543210","country":{"code":"IN"}}}`, "+919876543210"),
		row(`{"phone":"9161234567","country":{"code":"Narnia"}}`, "NO_CONTACT_POINT"),
		row(`{"phone":"India 98765 43210"}`, "+919876543210; ; ; phone: India 98765 43210"),
		row(`{"billing":{"first_name":"Asha","phone":"98765 43210","country":"IN"}}`, "+919876543210; ; Asha//"),

		row(`{"phone":"98765 43210","billing":{"country":"IN"}}`, "+919876543210; ; ; billing.country: IN"),
		row(`{"phone":"98765 43210","shipping":{"country":"IN"}}`, "+919876543210; ; ; shipping.country: IN"),

		// The plus wins; nothing else does.
		row(`{"phone":"+7 916 123-45-67","country":"India"}`, "+79161234567; ; ; country: India"),
		row(`{"phone":"9161234567","country":"India"}`, "+919161234567; ; ; country: India"),
		row(`{"phone":"8 916 123-45-67","country":"India"}`, "NO_CONTACT_POINT"),
		row(`{"phone":"79161234567","country":"DE"}`, "+4979161234567"),
		row(`{"phone":"375291234567","country":"IN"}`, "NO_CONTACT_POINT"),

		// Given and not understood: the default is not used.
		row(`{"phone":"9161234567","country":"Narnia"}`, "NO_CONTACT_POINT"),
		row(`{"phone":"9161234567","country":"другая"}`, "NO_CONTACT_POINT"),
		row(`{"phone":{"country":"XX","number":"9161234567"}}`, "NO_CONTACT_POINT"),
		row(`{"phone":"+79161234567","country":"Narnia"}`, "+79161234567; ; ; country: Narnia"),
		row(`{"phone":"9161234567","country":""}`, "+79161234567"),
		row(`{"phone":"9876543210","country_code":"91","phone_country":"DE"}`, "NO_CONTACT_POINT"),
	})
}

func TestSentPhonesInDisguise(t *testing.T) {
	t.Parallel()
	checkSent(t, []sent{
		phoneSent(reportPlusBlank, "", " 375291234567", "+375291234567"),
		phoneSent(reportPlusBlank, "", " 3725123456", "+3725123456"),
		phoneSent(reportPlusBlank, "", " 9161234567", "+79161234567"),
		phoneSent(reportPlusBlank, "", " 4951234567", "NO_CONTACT_POINT"), // Moscow, or Germany with its plus lost
		phoneSent(reportPlusBlank, "", "%2B79161234567", "+79161234567"),
		phoneSent(reportPlusBlank, "", "%252B79161234567", "+79161234567"),
		phoneSent(reportPlusBlank, "", "%2B7%20916%20123-45-67", "+79161234567"),
		phoneSent(reportEntities, "", "+7&nbsp;916&nbsp;123-45-67", "+79161234567"),
		phoneSent(reportEntities, "", "&#43;79161234567", "+79161234567"),
		phoneSent(reportEntities, "", "8&nbsp;(916) 123&ndash;45&#8209;67", "+79161234567"),
		phoneSent(reportEntities, "", "&amp;plus;7 916 123 45 67", "+79161234567"),
		phoneSent(reportNoPlus, "", "79161234567.0", "+79161234567"),
		phoneSent(reportNoPlus, "", "7.9161234567E+10", "+79161234567"),
		phoneSent(reportNoPlus, "", "7.916", "NO_CONTACT_POINT"),
		phoneSent(documentWhatsApp, "", "79161234567@c.us", "+79161234567"),
		phoneSent(documentWhatsApp, "", "5491123456789@c.us", "+5491123456789"),
		phoneSent(documentWhatsApp, "", "375291234567@s.whatsapp.net", "+375291234567"),
		phoneSent(documentWhatsApp, "", "https://wa.me/375291234567", "+375291234567"),
		phoneSent(documentWhatsApp, "", "wa.me/+79161234567", "+79161234567"),
		phoneSent(documentWhatsApp, "", "https://api.whatsapp.com/send?phone=79161234567", "+79161234567"),
		phoneSent(documentWhatsApp, "", "https://api.whatsapp.com/send/?phone=%2B79161234567&text&type=phone_number&app_absent=0", "+79161234567"),
		phoneSent(documentWhatsApp, "", "https://wa.me/79161234567?text=call%2089031112233", "+79161234567; ; ; phone: https://wa.me/79161234567?text=call%2089031112233"),
		phoneSent(documentViber, "", "viber://chat?number=%2B79161234567", "+79161234567"),
		phoneSent(documentViber, "", "viber://chat?number=375291234567", "+375291234567"),
		phoneSent(documentSignal, "", "https://signal.me/#p/%2B79161234567", "+79161234567"),
		phoneSent(documentClickCall, "", "tel:+1-303-499-7111", "+13034997111"),
		phoneSent(documentTel, "", "tel:+7-495-123-45-67;ext=12", "+74951234567; ; ; phone: +74951234567 ext. 12"),
		phoneSent(documentTel, "", "tel:4951234567;phone-context=+7", "+74951234567"),
		phoneSent(planOfSeven, "", "+8 916 123-45-67", "+79161234567"),
		phoneSent(planOfSeven, "KZ", "+8 (701) 123-45-67", "+77011234567"),
		phoneSent(planOfSeven, "", "+86 138 0013 8000", "+8613800138000"),
		phoneSent(planOfSeven, "DE", "+8 916 123-45-67", "NO_CONTACT_POINT"),

		// Digits of other addresses are no phones.
		phoneSent(documentWhatsApp, "", "120363012345678901@g.us", "NO_CONTACT_POINT"),
		phoneSent(documentWhatsApp, "", "https://t.me/79161234567", "NO_CONTACT_POINT"),
		phoneSent(documentWhatsApp, "", "https://example.com/79161234567", "NO_CONTACT_POINT"),
		phoneSent(documentWhatsApp, "", "89161234567@example.com", "; 89161234567@example.com"),
	})
}

func TestSentPhonesWithLettersAndOthers(t *testing.T) {
	t.Parallel()
	checkSent(t, []sent{
		phoneSent(reportVanity, "US", "800-44-STERN", "+18004478376"),
		phoneSent(reportVanity, "US", "1-800-FLOWERS", "+18003569377"),
		phoneSent(reportVanity, "", "+1 800 FLOWERS", "+18003569377"),
		phoneSent(reportVanity, "US", "1800-9BELOIT", "+18009235648"),
		phoneSent(reportVanity, "AU", "1300 FLOWER", "+611300356937"),
		phoneSent(reportVanity, "US", "1-800-CONTACTS", "NO_CONTACT_POINT"), // one letter more than the number has digits
		phoneSent(reportVanity, "", "1-800-FLOWERS", "NO_CONTACT_POINT"),
		phoneSent(reportVanity, "US", "202 555 call", "NO_CONTACT_POINT"),
		phoneSent(reportVanityFalse, "SE", "070 123 45 67 (Axel)", "+46701234567; ; ; phone: 070 123 45 67 (Axel)"),
		phoneSent(reportVanityXYZ, "IN", "+917878787xyz", "NO_CONTACT_POINT"),

		phoneSent(reportExtension, "US", "+16502530000 x136", "+16502530000; ; ; phone: +16502530000 ext. 136"),
		phoneSent(reportExtension, "US", "+16502530000 ext. 136", "+16502530000; ; ; phone: +16502530000 ext. 136"),
		phoneSent(reportExtension, "", "8 (495) 123-45-67 доб. № 12", "+74951234567; ; ; phone: +74951234567 ext. 12"),
		phoneSent(reportExtension, "UA", "044 123-45-67 дод. 12", "+380441234567; ; ; phone: +380441234567 ext. 12"),
		phoneSent(reportExtension, "DE", "030 123456 Durchwahl 12", "+4930123456; ; ; phone: +4930123456 ext. 12"),
		phoneSent(reportGermanDash, "DE", "0234/123456-106", "+49234123456106"),
		phoneSent(reportTwoNumbers, "", "8 916 123-45-67, 8 (495) 123-45-67", "+79161234567, +74951234567"),
		phoneSent(reportTwoNumbers, "", "89161234567/375291234567", "+79161234567, +375291234567"),
		phoneSent(reportTwoNumbers, "", "+79161234567 / +375291234567", "+79161234567, +375291234567"),
		phoneSent(reportTwoNumbers, "", "8 916 123 45 67 8 903 111 22 33", "+79161234567, +79031112233"),
		phoneSent(reportTwoNumbers, "", "8 916 123 45 67 8 903 111 22", "NO_CONTACT_POINT"),
		phoneSent(reportTwoNumbers, "IN", "1/112000/0000", "NO_CONTACT_POINT"),
		phoneSent(reportTwoNumbers, "", "A91 9876543210", "NO_CONTACT_POINT"),
	})
}
