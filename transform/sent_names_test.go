package transform

import "testing"

// Reports of what stands in the field of a name.
const (
	reportSuffix       = "https://github.com/derek73/python-nameparser/issues/3"
	reportCredential   = "https://github.com/derek73/python-nameparser/issues/43"
	reportTitleLast    = "https://github.com/derek73/python-nameparser/issues/7"
	reportTitles       = "https://github.com/derek73/python-nameparser/issues/27"
	reportDrBehind     = "https://github.com/derek73/python-nameparser/issues/62"
	reportInitials     = "https://github.com/derek73/python-nameparser/issues/29"
	reportShortLast    = "https://github.com/derek73/python-nameparser/issues/26"
	reportJunior       = "https://github.com/derek73/python-nameparser/issues/76"
	reportThreeParts   = "https://github.com/theiconic/name-parser/issues/18"
	reportSuffixFirst  = "https://github.com/ralyodio/humanparser/issues/17"
	reportHerr         = "https://github.com/RateGravity/parse-full-name/issues/29"
	reportEmoji        = "https://github.com/DoSomethingArchive/legacy-website/pull/7244"
	reportOgly         = "https://github.com/petrovich/petrovich-net/issues/6"
	reportOglyTwo      = "https://github.com/miyconst/Cyriller/pull/30"
	reportUulu         = "https://github.com/wapmorgan/Morphos/issues/14"
	reportBrackets     = "https://github.com/wapmorgan/Morphos/issues/175"
	reportNameOrder    = "https://github.com/petrovich/petrovich-ruby/issues/39"
	reportCompanyField = "https://github.com/frappe/erpnext/issues/4448"
	reportNoName       = "https://github.com/customeros/customeros/issues/3331"
)

func TestSentNames(t *testing.T) {
	t.Parallel()
	name := func(source, text, want string) sent {
		return sent{source: source, data: `{"email":"a@example.com","name":"` + text + `"}`, want: "; a@example.com; " + want}
	}
	kept := func(source, text, want string) sent { return name(source, text, want+"; name: "+text) }
	checkSent(t, []sent{
		// Titles in front.
		kept(reportTitleLast, "Mr Magoo", "//Magoo"),
		kept(reportTitleLast, "Mrs. Smith", "//Smith"),
		kept(reportTitles, "Dr. Martin Luther King", "Martin/Luther/King"),
		kept(reportTitles, "Frau Prof. Dr. Anna Schmidt", "Anna//Schmidt"),
		kept(reportTitleLast, "Herr Müller", "//Müller"),
		kept(reportTitleLast, "г-н Иванов Иван", "Иван//Иванов"),
		kept(reportTitleLast, "Г-жа Петрова", "//Петрова"),
		kept(reportTitleLast, "Sra. María López", "María//López"),
		kept(reportTitleLast, "Mme Claire Dubois", "Claire//Dubois"),
		kept(reportTitleLast, "Пан Іван Франко", "Іван//Франко"),
		name(reportHerr, "John Judge", "John//Judge"),
		name(reportHerr, "Don Johnson", "Don//Johnson"),

		// Suffixes and credentials behind.
		name(reportSuffix, "John Smith Jr.", "John//Smith Jr."),
		name(reportSuffixFirst, "Hearst Jr., William Randolf", "William/Randolf/Hearst Jr."),
		name(reportThreeParts, "Tiptree, James, Jr.", "James//Tiptree Jr."),
		name(reportSuffix, "Ken Griffey III", "Ken//Griffey III"),
		name(reportJunior, "Flávio Juvenal da Silva Junior", "Flávio/Juvenal/da Silva Junior"),
		kept(reportCredential, "John Smith, Ph.D.", "John//Smith"),
		kept(reportCredential, "John Smith, Ph. D.", "John//Smith"),
		kept(reportCredential, "John Smith PhD", "John//Smith"),
		kept(reportCredential, "Jane Smith, CEO", "Jane//Smith"),
		kept(reportDrBehind, "John Smith, Dr.", "John//Smith"),
		kept(reportCredential, "Иван Петров, к.т.н.", "Иван//Петров"),

		// Last, First.
		name(reportInitials, "Smith, J. R.", "J./R./Smith"),
		name(reportShortLast, "Ma, Andrew", "Andrew//Ma"),
		name(reportShortLast, "Петров, Иван Сергеевич", "Иван/Сергеевич/Петров"),
		name(reportShortLast, "García Márquez, Gabriel", "Gabriel//García Márquez"),

		// Companies, towns, ages, brackets, emoji.
		kept(reportCompanyField, "ИП Иванов Иван Иванович", "Иван/Иванович/Иванов"),
		kept(reportCompanyField, "ФОП Коваленко Олена", "Олена//Коваленко"),
		name(reportCompanyField, "ООО «Ромашка»", "; name: ООО «Ромашка»"),
		name(reportCompanyField, "Acme Ltd.", "; name: Acme Ltd."),
		kept(reportCompanyField, "Иван Петров, ООО Ромашка", "Иван//Петров"),
		kept(reportCompanyField, "ООО Ромашка, Иван Петров", "Иван//Петров"),
		kept(reportBrackets, "Иван Петров (Казань)", "Иван//Петров"),
		kept(reportBrackets, "Иван, Москва", "Иван//"),
		kept(reportBrackets, "Петров Иван, г. Казань", "Иван//Петров"),
		kept(reportBrackets, "Anna, Berlin", "Anna//"),
		kept(reportBrackets, "Анна, 25 лет", "Анна//"),
		kept(reportBrackets, "Анна 25", "Анна//"),
		kept(reportBrackets, "Анна - директор", "Анна//"),
		kept(reportEmoji, "🌸 Анна 🌸", "Анна//"),
		kept(reportEmoji, "Anna 👩‍💻 Smith", "Anna//Smith"),
		name(reportEmoji, "👍", "; name: 👍"),

		// Escapes.
		name(reportEntityName, "Example O&#039;Something", "Example//O'Something"),
		name(reportMagicQuotes, `Sean O\\'Connor`, "Sean//O'Connor"),
		name(reportEntityName, "Анна&nbsp;Петрова", "Анна//Петрова"),

		// Patronymics, and the order of the words.
		name(reportNameOrder, "Иванова Даша Ивановна", "Даша/Ивановна/Иванова"),
		name(reportNameOrder, "Иван Петров Сергеевич", "Иван/Сергеевич/Петров"),
		name(reportNameOrder, "Смирнова Анна Никитична", "Анна/Никитична/Смирнова"),
		name(reportNameOrder, "Иван Иваныч", "Иван/Иваныч/"),
		name(reportOglyTwo, "Алиев Саркар Самед Оглы", "Саркар/Самед Оглы/Алиев"),
		name(reportOgly, "Алиева Лейла Мамед-кызы", "Лейла/Мамед-кызы/Алиева"),
		name(reportUulu, "Сатыбалды-Уулу Салмонбек Сардарбекович", "Салмонбек/Сардарбекович/Сатыбалды-Уулу"),
		name(reportOgly, "Ахметов Нурлан Серікұлы", "Нурлан/Серікұлы/Ахметов"),
		name(reportOgly, "Сериков Нурлан Маратулы", "Нурлан/Маратулы/Сериков"),
		name(reportOgly, "Ахметова Айгуль Сериккызы", "Айгуль/Сериккызы/Ахметова"),
		name(reportOgly, "Алишер Каримов Рустам ўғли", "Алишер/Рустам ўғли/Каримов"),
		name(reportNameOrder, "Леся Петрівна Косач", "Леся/Петрівна/Косач"),
		name(reportNameOrder, "Ковальский Тадеуш Тадеушевич", "Тадеуш/Тадеушевич/Ковальский"),
		name(reportNameOrder, "Адам Мицкевич", "Адам//Мицкевич"),
		name(reportNameOrder, "Gabriel García Márquez", "Gabriel//García Márquez"),
		name(reportNameOrder, "Анна Мария Петрова", "Анна/Мария/Петрова"),

		name(reportThreeParts, "Smith, John Jr.", "John//Smith Jr."),
		kept(reportEmoji, "Анна!!!", "Анна//"),

		// What programs write where there is no name.
		name(reportNoName, "null", "; name: null"),
		name(reportNoName, "undefined undefined", "; name: undefined undefined"),
		name(reportNoName, "[object Object]", "; name: [object Object]"),

		// Names in parts.
		{source: reportTitles, data: `{"email":"a@example.com","first_name":"Mr. John","last_name":"Smith"}`, want: "; a@example.com; John//Smith; first_name: Mr. John"},
		{source: reportNameOrder, data: `{"email":"a@example.com","first_name":"Анна Ивановна","last_name":"Петрова"}`, want: "; a@example.com; Анна/Ивановна/Петрова"},
		{source: reportNameOrder, data: `{"email":"a@example.com","first_name":"Anna Maria","last_name":"Petrova"}`, want: "; a@example.com; Anna Maria//Petrova"},

		// A phone or an e-mail in the name's field is used.
		{source: reportNoPlus, data: `{"name":"Иван 8 916 123-45-67"}`, want: "+79161234567; ; Иван//"},
		{source: reportNoPlus, data: `{"name":"Анна Петрова anna@example.com"}`, want: "; anna@example.com; Анна//Петрова"},
		{source: reportNoPlus, data: `{"name":"89161234567"}`, want: "+79161234567"},
		{source: reportNoPlus, data: `{"name":"Анна 123456789012345"}`, want: "NO_CONTACT_POINT"},
	})
}

// TestSentFieldNames: one field of each kind, by the names that forms of nine
// languages have for it; what is somebody else's is none.
func TestSentFieldNames(t *testing.T) {
	t.Parallel()
	for want, names := range map[field][]string{
		fieldName: {"name", "Your name", "your-name", "Ваше имя", "name-1", "Name_2", "contact_name", "customer_name", "user_name", "billing_name", "names", "What is your name?", "Имя клиента", "Name of the customer", "Client's name", "Ім’я клієнта", "Name des Kunden",
			"Как вас зовут?", "Ім'я", "Есіміңіз", "Nombre", "Nome", "Nom", "Adınız", "1. Ваше имя *"},
		fieldFullName:   {"displayName", "full_name", "ФИО", "Имя и фамилия", "Прізвище та ім'я", "Аты-жөні", "Vor- und Nachname", "Nombre y apellidos", "Nome completo", "Nom complet", "Adınız Soyadınız"},
		fieldFirstName:  {"first_name", "givenName", "Vorname", "Prénom", "Primer nombre"},
		fieldLastName:   {"last-name", "Фамилия покупателя", "Фамилия", "Прізвище", "Тегі", "Nachname", "Apellidos", "Sobrenome", "Nom de famille", "Soyadı"},
		fieldSecondName: {"patronymic", "Отчество", "По батькові", "Segundo nombre"},
		fieldPhone: {"phone", "Ваш номер телефона", "Номер телефона для связи", "Контактный телефон (обязательно)", "contact_phone", "lead_phone", "customer-phone", "billing_phone", "tel-467",
			"Номер телефону", "Ұялы телефон нөмірі", "Telefonnummer", "Handynummer", "Teléfono", "Celular", "Telemóvel", "Numéro de téléphone", "Telefon numaranız", "WhatsApp number", "phone2",
			"Телефон клиента", "Номер телефона заказчика", "Phone number of the customer", "Customer's phone", "Моб. тел.", "WhatsApp/Telegram", "Телефон нөміріңіз", "Mobilfunknummer", "Best number to reach you"},
		fieldEmail: {"email_addresses", "E-Mail-Adresse", "Ваш e-mail", "Электронная почта", "Эл. почта", "Електронна пошта", "Электрондық пошта", "Correo electrónico", "Endereço de e-mail",
			"Adresse e-mail", "E-posta adresiniz", "contactEmail", "user_email", "What's your email address?",
			"E-mail клиента", "Adresse électronique", "Ваша електронна адреса", "Поштаңыз"},
		fieldContactPoint: {"Телефон или e-mail", "contact", "phone_or_email"},
		fieldCountry:      {"country", "country_code", "Страна", "Країна", "País", "Pays", "Ülke", "billing_country"},
		fieldPhoneCountry: {"phone_country", "dialCode", "phoneCountryCode", "Landesvorwahl"},
		fieldComments:     {"Сообщение", "Ваш вопрос", "Nachricht", "Mensaje", "Votre message", "Mesajınız"},
		fieldTracking:     {"utm_name", "gclid"},
		fieldUnknown: {"manager_phone", "agent_email", "operator_name", "employee phone", "company_phone", "emergency_contact_phone", "Телефон друга", "Имя менеджера", "form_name", "product_name",
			"phone_model", "phone verified", "email_opt_in", "username", "Имя пользователя", "номер заказа", "Имя питомца", "Телефон компании", "Name of the company", "номер телеграм", "telegram", "mobile app"},
	} {
		for _, name := range names {
			if got := fieldOf(name); got != want {
				t.Errorf("%q is field %d, want %d", name, got, want)
			}
		}
	}
}
