package transform

import "testing"

// Reports of what is sent as an e-mail address.
const (
	reportEntityName   = "https://github.com/verbb/formie/issues/1294"
	reportEntityEmail  = "https://github.com/SuiteCRM/SuiteCRM/issues/7962"
	reportBackslash    = "https://github.com/umbraco/Umbraco.Forms.Issues/issues/345"
	reportMagicQuotes  = "https://github.com/savetheinternet/Tinyboard/issues/6"
	reportEmailPlus    = "https://github.com/segmentio/analytics.js-core/pull/25"
	reportEmailPlusTwo = "https://github.com/brandonseydel/MailChimp.Net/issues/614"
	reportDots         = "https://github.com/exceedone/exment/issues/800"
	reportDotsTwo      = "https://github.com/PHPMailer/PHPMailer/issues/418"
	reportCurly        = "https://github.com/ukwa/w3act/issues/665"
	standardAddress    = "https://www.rfc-editor.org/rfc/rfc5322"
	standardMailto     = "https://www.rfc-editor.org/rfc/rfc6068"
)

func TestSentEmails(t *testing.T) {
	t.Parallel()
	email := func(source, text, want string) sent { return fieldSent(source, "", "email", text, want) }
	checkSent(t, []sent{
		email(reportEntityEmail, "o&#039;connor@example.com", "; o'connor@example.com"),
		email(reportEntityEmail, "o&amp;#039;connor@example.com", "; o'connor@example.com"),
		email(reportEntityEmail, "o&apos;connor@example.com", "; o'connor@example.com"),
		email(reportEntityEmail, "anna&#64;example.com", "; anna@example.com"),
		email(reportEntityEmail, "anna&commat;example.com", "; anna@example.com"),
		email(reportEntityEmail, "&lt;anna@example.com&gt;", "; anna@example.com"),
		email(reportEntityEmail, "Anna &lt;anna@example.com&gt;", "; anna@example.com"),
		email(reportEntityEmail, "anna@example.com&nbsp;", "; anna@example.com"),
		email(reportEntityEmail, "anna@example.com&nbsp", "; anna@example.com"),
		email(reportEntityEmail, "a&copy@example.com", "; a&copy@example.com"), // no entity: an address
		email(reportEntityEmail, "o&#039connor@example.com", "NO_CONTACT_POINT"),
		email(reportBackslash, `o\'brien@example.com`, "; o'brien@example.com"),
		email(reportMagicQuotes, `\"anna\"@example.com`, "; anna@example.com"),
		email(reportBackslash, `anna\u0040example.com`, "; anna@example.com"),
		email(standardMailto, "anna%40example.com", "; anna@example.com"),
		email(standardMailto, "anna%2Bshop%40example.com", "; anna+shop@example.com"),
		email(standardMailto, "anna@example.com%20", "; anna@example.com"),
		email(standardMailto, "mailto:anna%40example.com", "; anna@example.com"),

		email(reportEntityEmail, `<a href="mailto:anna@example.com">anna@example.com</a>`, "; anna@example.com"),
		email(reportBackslash, `anna@example.com\r\n`, "; anna@example.com"),
		email(reportBackslash, `anna\north@example.com`, "NO_CONTACT_POINT"),

		// Never a part of an address.
		email(reportEmailPlus, "test 1@example.com", "NO_CONTACT_POINT"),
		email(reportEmailPlusTwo, "anna shop@example.com", "NO_CONTACT_POINT"),
		email(reportEmailPlusTwo, "anna shop 2@example.com", "NO_CONTACT_POINT"),
		email(reportEmailPlus, "anna&nbsp;shop@example.com", "NO_CONTACT_POINT"),
		email(reportEmailPlus, "anna%20shop@example.com", "NO_CONTACT_POINT"),
		email(standardAddress, "ivan,petrov@example.com", "NO_CONTACT_POINT"),
		email(standardAddress, "anna@mail.example,com", "NO_CONTACT_POINT"),
		email(standardAddress, "anna@mail.example. com", "NO_CONTACT_POINT"),
		email(standardAddress, "anna @ example.com", "NO_CONTACT_POINT"),
		email(standardAddress, "(ivan)petrov@example.com", "NO_CONTACT_POINT"),
		email(reportCurly, "o’kane@example.com", "NO_CONTACT_POINT"),
		email(standardAddress, "Anna Smith anna@example.com", "; anna@example.com; ; email: Anna Smith anna@example.com"),
		email(standardAddress, "Анна anna@example.com", "; anna@example.com; ; email: Анна anna@example.com"),

		// Against the standard, and in use.
		email(reportDots, "aaa..bbbb.cc@docomo.ne.jp", "; aaa..bbbb.cc@docomo.ne.jp"),
		email(reportDots, "xxx.yyy.@docomo.ne.jp", "; xxx.yyy.@docomo.ne.jp"),
		email(reportDotsTwo, "try..this..0511@ezweb.ne.jp", "; try..this..0511@ezweb.ne.jp"),
		{source: reportDots, data: `{"email":"a..b@example.com","phone":"+79161234567"}`, want: "+79161234567; ; ; email: a..b@example.com"},

		// In the other's field.
		email(standardAddress, "8 916 123-45-67", "+79161234567"),
		fieldSent(standardAddress, "", "phone", "anna@example.com", "; anna@example.com"),
		fieldSent(standardAddress, "", "Телефон или e-mail", "anna@example.com", "; anna@example.com"),
		fieldSent(standardAddress, "", "contact", "8 916 123-45-67", "+79161234567"),
	})
}
