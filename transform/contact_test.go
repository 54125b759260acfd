package transform

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/leadbridge/leadbridge/crmclient"
)

// contactOf decodes a value and builds its contact.
func contactOf(t testing.TB, o Options, value string) (crmclient.Contact, error) {
	t.Helper()
	tr := newTransformer(t, o)
	e, err := tr.Decode(record(value))
	if err != nil {
		return crmclient.Contact{}, err
	}
	return tr.Contact(e)
}

// point is a field that makes a lead reachable.
const point = `"email":"a@example.com"`

var pointEmails = []crmclient.Multifield{{Value: "a@example.com", TypeID: "WORK"}}

func TestContactFields(t *testing.T) {
	yes, no := true, false
	type contact = crmclient.Contact
	tests := []struct {
		name string
		data string // members beside point
		want contact
	}{
		{"camelCase", `"firstName":"Ivan","lastName":"Petrov","secondName":"S"`, contact{Name: "Ivan", LastName: "Petrov", SecondName: "S"}},
		{"snake_case", `"first_name":"Ivan","last_name":"Petrov","second_name":"S"`, contact{Name: "Ivan", LastName: "Petrov", SecondName: "S"}},
		{"blanks", `"First Name":"Ivan","Last  Name":"Petrov","Middle Name":"S"`, contact{Name: "Ivan", LastName: "Petrov", SecondName: "S"}},
		{"dashes", `"first-name":"Ivan","last-name":"Petrov","middle-name":"S"`, contact{Name: "Ivan", LastName: "Petrov", SecondName: "S"}},
		{"upper case", `"FIRST_NAME":"Ivan","SURNAME":"Petrov","PATRONYMIC":"S"`, contact{Name: "Ivan", LastName: "Petrov", SecondName: "S"}},
		{"synonyms", `"fname":"Ivan","surname":"Petrov","patronymic":"S"`, contact{Name: "Ivan", LastName: "Petrov", SecondName: "S"}},
		{"Russian", `"Имя":"Иван","Фамилия":"Петров","Отчество":"Сергеевич"`, contact{Name: "Иван", LastName: "Петров", SecondName: "Сергеевич"}},
		{"Contact Form 7", `"your-name":"Ivan Petrov","your-message":"Hello","your-company":"Acme"`, contact{Name: "Ivan", LastName: "Petrov", Comments: "Hello\nyour-company: Acme"}},
		{"full name", `"fullName":"Петров Иван Сергеевич"`, contact{Name: "Иван", LastName: "Петров", SecondName: "Сергеевич"}},
		{"full_name", `"full_name":"Jane Mary Smith"`, contact{Name: "Jane", LastName: "Smith", SecondName: "Mary"}},
		{"name of several words", `"name":"Ivan Petrov"`, contact{Name: "Ivan", LastName: "Petrov"}},
		{"name of several words with a last name", `"name":"Anna Maria","lastName":"Rossi"`, contact{Name: "Anna Maria", LastName: "Rossi"}},
		{"name of initials and a last name together", `"name":"И.И.Иванов"`, contact{Name: "И.", SecondName: "И.", LastName: "Иванов"}},
		{"first name of several words", `"firstName":"Anna Maria"`, contact{Name: "Anna Maria"}},
		{"name of one word", `"name":"Ivan"`, contact{Name: "Ivan"}},
		{"name in upper case keeps it", `"name":"IVAN PETROV"`, contact{Name: "IVAN", LastName: "PETROV"}},
		{"name with the last name in it", `"name":"Ivan Petrov","lastName":"Petrov"`, contact{Name: "Ivan", LastName: "Petrov"}},
		{"full name beside the same parts", `"firstName":"Ivan","lastName":"Petrov","fullName":"Ivan Petrov"`, contact{Name: "Ivan", LastName: "Petrov"}},
		{"full name that is cut in another way", `"firstName":"Anna Maria","lastName":"Rossi","fullName":"Anna Maria Rossi"`, contact{Name: "Anna Maria", LastName: "Rossi"}},
		{"full name fills what is missing", `"firstName":"Ivan","fullName":"Petrov Ivan"`, contact{Name: "Ivan", LastName: "Petrov"}},
		{"full name that says something else", `"firstName":"Ivan","lastName":"Petrov","fullName":"Anna Smith"`, contact{Name: "Ivan", LastName: "Petrov", Comments: "fullName: Anna Smith"}},
		{"name and another first name", `"firstName":"Ivan","name":"Vanya"`, contact{Name: "Ivan", Comments: "name: Vanya"}},
		{"name in parts", `"name":{"first":"Ivan","middle":"S","last":"Petrov","prefix":"Dr."}`, contact{Name: "Ivan", LastName: "Petrov", SecondName: "S", Comments: "name.prefix: Dr."}},
		{"name that is a number", `"name":17`, contact{Comments: "name: 17"}},
		{"name in a list", `"name":["Ivan"]`, contact{Name: "Ivan"}},
		{"name with line ends and controls", `"firstName":" Iv\u0000an\nPetrov\u0007 "`, contact{Name: "Ivan Petrov"}},
		{"name of nothing", `"name":"  ","lastName":null`, contact{}},
		{"invalid UTF-8", "\"firstName\":\"Iv\xffan\"", contact{Name: "Iv\uFFFDan"}},

		{"name as a list", `"name":["Иван","Петров"]`, contact{Name: "Иван", LastName: "Петров"}},
		{"first name as a list", `"firstName":["Anna","Maria"],"lastName":"Berg"`, contact{Name: "Anna Maria", LastName: "Berg"}},
		{"company without companyId", `"companyName":"Acme"`, contact{Comments: "companyName: Acme"}},
		{"organization without companyId", `"organization":"Acme"`, contact{Comments: "organization: Acme"}},
		{"company with companyId", `"company":"Acme","companyId":15`, contact{CompanyID: 15}},
		{"company with unusable companyId", `"company":"Acme","companyId":"x"`, contact{Comments: "company: Acme\ncompanyId: x"}},
		{"other company fields", `"companyId":15,"companySize":"50-100"`, contact{CompanyID: 15, Comments: "companySize: 50-100"}},
		{"two company names", `"company":"Acme","organization":"Other"`, contact{Comments: "company: Acme\norganization: Other"}},

		{"position", `"position":"Manager"`, contact{Post: "Manager"}},
		{"job_title", `"job_title":"Manager"`, contact{Post: "Manager"}},
		{"jobTitle", `"jobTitle":"Manager"`, contact{Post: "Manager"}},
		{"post", `"post":"Manager"`, contact{Post: "Manager"}},
		{"message", `"message":"Call me\r\nplease"`, contact{Comments: "Call me\nplease"}},
		{"comment, comments and note", `"comment":"one","comments":"two","note":"three"`, contact{Comments: "one\ntwo\nthree"}},
		{"same field twice, same value", `"position":"Boss","job_title":"Boss"`, contact{Post: "Boss"}},
		{"same field twice, other value", `"position":"Boss","job_title":"CEO"`, contact{Post: "Boss", Comments: "job_title: CEO"}},
		{"same key twice", `"post":"Boss","post":"CEO"`, contact{Post: "Boss", Comments: "post: CEO"}},

		{"passed on", `"companyId":15,"typeId":"CLIENT","sourceId":"CALL","sourceDescription":"Spring","assignedById":1,"opened":true,"leadId":7,"honorific":"HNR_RU_1"`,
			contact{CompanyID: 15, TypeID: "CLIENT", SourceID: "CALL", SourceDescription: "Spring", AssignedByID: 1, Opened: &yes, LeadID: 7, Honorific: "HNR_RU_1"}},
		{"ids of others", `"company_id":15,"type_id":"CLIENT","source_id":"CALL","source_description":"Spring","assigned_by_id":1,"lead_id":7,"Opened":true,"LEADID":8`,
			contact{Comments: "company_id: 15\ntype_id: CLIENT\nsource_id: CALL\nsource_description: Spring\nassigned_by_id: 1\nlead_id: 7\nOpened: true\nLEADID: 8"}},
		{"user fields in other spellings", `"uf_crm_a":1,"UFCRM_B":2,"Uf_Crm_C":3`, contact{Comments: "uf_crm_a: 1\nUFCRM_B: 2\nUf_Crm_C: 3"}},
		{"numbers as texts", `"companyId":" 15 ","assignedById":"1","leadId":"7.0"`, contact{CompanyID: 15, AssignedByID: 1, LeadID: 7}},
		{"numbers with an exponent", `"companyId":1.5e1`, contact{CompanyID: 15}},
		{"two ids", `"companyId":15,"company_id":16`, contact{CompanyID: 15, Comments: "company_id: 16"}},
		{"two booleans", `"opened":true,"Opened":false`, contact{Opened: &yes, Comments: "Opened: false"}},
		{"booleans as texts", `"opened":"Y"`, contact{Opened: &yes}},
		{"booleans as texts, false", `"opened":"FALSE"`, contact{Opened: &no}},
		{"booleans as numbers", `"opened":0`, contact{Opened: &no}},
		{"numbers that are none", `"companyId":"abc","assignedById":true,"leadId":[1,2]`, contact{Comments: "companyId: abc\nassignedById: true\nleadId: 1, 2"}},
		{"numbers that are no ids", `"companyId":0,"assignedById":-5,"leadId":1.5`, contact{Comments: "companyId: 0\nassignedById: -5\nleadId: 1.5"}},
		{"numbers beyond all ids", `"companyId":99999999999999999999,"leadId":1e400`, contact{Comments: "companyId: 99999999999999999999\nleadId: 1e400"}},
		{"booleans that are none", `"opened":"maybe"`, contact{Comments: "opened: maybe"}},
		{"wrong types everywhere", `"lastName":{"a":1},"post":[{"b":2}],"companyId":{"c":3},"opened":{"d":4},"sourceId":[[5]],"message":{"e":6}`,
			contact{Comments: "lastName.a: 1\npost.0.b: 2\ncompanyId.c: 3\nopened.d: 4\nsourceId.0: 5\nmessage.e: 6"}},

		{"user fields", `"ufCrm_1":"x","UF_CRM_TWO":2,"ufCrm_3":[1,"a",true],"ufCrm_4":false`,
			contact{UserFields: map[string]any{"ufCrm_1": "x", "UF_CRM_TWO": num("2"), "ufCrm_3": []any{num("1"), "a", true}, "ufCrm_4": false}}},
		{"user fields of objects", `"ufCrm_1":{"a":1},"ufCrm_2":[{"b":2}]`, contact{Comments: "ufCrm_1.a: 1\nufCrm_2.0.b: 2"}},
		{"user fields of nothing", `"ufCrm_1":null,"ufCrm_2":" "`, contact{}},
		{"user field twice", `"ufCrm_1":"x","ufCrm_1":"y"`, contact{UserFields: map[string]any{"ufCrm_1": "x"}, Comments: "ufCrm_1: y"}},
		{"user field of an odd name", `"ufCrm_a b":"x"`, contact{Comments: "ufCrm_a b: x"}},

		{"utm flat", `"utm_source":"s","utm_medium":"m","utm_campaign":"c","utm_content":"n","utm_term":"t"`,
			contact{UTMSource: "s", UTMMedium: "m", UTMCampaign: "c", UTMContent: "n", UTMTerm: "t"}},
		{"utm flat in camelCase", `"utmSource":"s","utmMedium":"m"`, contact{UTMSource: "s", UTMMedium: "m"}},
		{"utm nested", `"utm":{"source":"s","medium":"m","utm_campaign":"c","Content":"n","term":"t","id":9}`,
			contact{UTMSource: "s", UTMMedium: "m", UTMCampaign: "c", UTMContent: "n", UTMTerm: "t", Tracking: map[string]string{"utm_id": "9"}}},
		{"utm as text", `"utm":"source=s"`, contact{Comments: "utm: source=s"}},

		{"unknown scalars", `"budget":1000,"agree":true,"City":"Omsk","empty":"","none":null`, contact{Comments: "budget: 1000\nagree: true\nCity: Omsk"}},
		{"unknown list", `"interests":["a","b"]`, contact{Comments: "interests: a, b"}},
		{"unknown nested", `"answers":{"q1":{"text":"yes"},"q2":["a",{"b":1}],"q3":null}`, contact{Comments: "answers.q1.text: yes\nanswers.q2.0: a\nanswers.q2.1.b: 1"}},
		{"message before all others", `"city":"Omsk","message":"Hi"`, contact{Comments: "Hi\ncity: Omsk"}},
		{"birthdate", `"birthdate":"1990-01-01"`, contact{Comments: "birthdate: 1990-01-01"}},
		{"export", `"export":"Y"`, contact{Comments: "export: Y"}},
		{"names and values with controls", `"a\nb\u0000":"x\u0000y\r\nz\t!"`, contact{Comments: "a b: xy\nz\t!"}},

		{"country", `"country":"de"`, contact{}},
		{"country that is none", `"country":"Germany"`, contact{Comments: "country: Germany"}},
		{"country of two letters that is none", `"country":"XX"`, contact{Comments: "country: XX"}},
		{"country of a wrong type", `"country":{"code":"DE"}`, contact{Comments: "country.code: DE"}},
		{"two countries", `"country":"Germany","country_code":"DE"`, contact{Comments: "country: Germany"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := contactOf(t, Options{}, "{"+point+","+tt.data+"}")
			if err != nil {
				t.Fatal(err)
			}
			tt.want.Emails = pointEmails
			if diff := cmp.Diff(tt.want, got, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("contact (-want +got):\n%s", diff)
			}
		})
	}
}

func TestContactPoints(t *testing.T) {
	mobile := func(v string) []crmclient.Multifield { return []crmclient.Multifield{{Value: v, TypeID: "MOBILE"}} }
	type contact = crmclient.Contact
	tests := []struct {
		name, data string
		want       contact
	}{
		{"phone", `{"phone":"8 916 123-45-67"}`, contact{Phones: mobile("+79161234567")}},
		{"number", `{"phone":79161234567}`, contact{Phones: mobile("+79161234567")}},
		{"synonyms", `{"Phone_Number":"+79161234567"}`, contact{Phones: mobile("+79161234567")}},
		{"numbered", `{"tel-467":"+79161234567"}`, contact{Phones: mobile("+79161234567")}},
		{"several fields of one number", `{"phone":"+79161234567","tel":"89161234567"}`, contact{Phones: mobile("+79161234567")}},
		{"country as region", `{"phone":"0151 12345678","country":"de"}`, contact{Phones: mobile("+4915112345678")}},
		{"country behind the phone", `{"country":"DE","phone":"0151 12345678"}`, contact{Phones: mobile("+4915112345678")}},
		{"native form", `{"phone":[{"VALUE":"+79161234567","VALUE_TYPE":"WORK"}]}`, contact{Phones: []crmclient.Multifield{{Value: "+79161234567", TypeID: "WORK"}}}},
		{"unusable phone", `{"phone":"123",` + point + `}`, contact{Emails: pointEmails, Comments: "phone: 123"}},
		{"unusable e-mail", `{"Your-Email":"nobody","phone":"+79161234567"}`, contact{Phones: mobile("+79161234567"), Comments: "Your-Email: nobody"}},
		{"unusable of several fields", `{"tel":"123","mobile":"45",` + point + `}`, contact{Emails: pointEmails, Comments: "phone: 123\nphone: 45"}},
		{"numbered e-mail", `{"email-2":"a@example.com"}`, contact{Emails: pointEmails}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := contactOf(t, Options{PhoneRegion: "ru"}, tt.data)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("contact (-want +got):\n%s", diff)
			}
		})
	}
}

func TestNoContactPoint(t *testing.T) {
	for _, data := range []string{
		`{}`, `{"name":"Ivan"}`, `{"phone":"123","email":"nobody"}`, `{"phone":null,"email":""}`,
		`{"phone":[],"email":{}}`, `{"phone":true}`, `{"message":"call +79161234567"}`,
	} {
		if c, err := contactOf(t, Options{}, data); reasonOf(err) != ReasonNoContactPoint {
			t.Errorf("%s: %+v, %v", data, c, err)
		}
	}
}

func TestSourceIDDefault(t *testing.T) {
	for data, want := range map[string]string{
		`{` + point + `}`:                   "WEB",
		`{` + point + `,"sourceId":"CALL"}`: "CALL",
		`{` + point + `,"sourceId":" "}`:    "WEB",
	} {
		c, err := contactOf(t, Options{SourceID: "WEB"}, data)
		if err != nil || c.SourceID != want {
			t.Errorf("%s: %q, %v; want %q", data, c.SourceID, err, want)
		}
	}
}

func TestContactOfNoEvent(t *testing.T) {
	if _, err := newTransformer(t, Options{}).Contact(Event{}); reasonOf(err) != ReasonMalformed {
		t.Errorf("err = %v", err)
	}
}

func TestPhoneRegionFault(t *testing.T) {
	for _, region := range []string{"XX", "Russia", "7"} {
		if _, err := New(Options{PhoneRegion: region}); err == nil || !strings.Contains(err.Error(), "PHONE_REGION") {
			t.Errorf("%q: %v", region, err)
		}
	}
}

func TestCommentsAreBounded(t *testing.T) {
	long := strings.Repeat("я", 100_000)
	var many strings.Builder
	for i := range 5000 {
		fmt.Fprintf(&many, `,"field%d":"a value of some length"`, i)
	}
	tests := []struct {
		name, data, begin string
		mark              bool
	}{
		{"long message", `"message":"` + long + `"`, "яяя", true},
		{"long message and an unknown field", `"message":"` + long + `","city":"Omsk"`, "яяя", true},
		{"long unknown field", `"city":"` + long + `"`, "city: яяя", true},
		{"many unknown fields", `"message":"Hi"` + many.String(), "Hi\nfield0: a value", true},
		{"many unusable phones", `"phone":["1` + strings.Repeat(`","1`, 50_000) + `"]`, "phone: 1", false},
		{"long name of a field", `"` + strings.Repeat("k", 5000) + `":"x"`, strings.Repeat("k", 199) + "…: x", false},
		{"deep", `"a":` + strings.Repeat(`{"a":`, 5000) + `1` + strings.Repeat("}", 5000), strings.Repeat("a.", 15) + "a: 1", false},
		{"wide and deep", `"a":` + strings.Repeat(`[`, 9000) + strings.Repeat(`1,`, 200_000) + `1` + strings.Repeat("]", 9000), "a.0.0.", true},
		{"just fits", `"message":"` + strings.Repeat("я", maxComments-cutRoom) + `"`, "яяя", false},
		{"just does not fit", `"message":"` + strings.Repeat("я", maxComments-cutRoom+1) + `"`, "яяя", true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c, err := contactOf(t, Options{}, "{"+point+","+tt.data+"}")
			if err != nil {
				t.Fatal(err)
			}
			if n := utf8.RuneCountInString(c.Comments); n > maxComments {
				t.Errorf("%d characters", n)
			}
			if !strings.HasPrefix(c.Comments, tt.begin) {
				t.Errorf("begins with %.250q", c.Comments)
			}
			if got := strings.Contains(c.Comments, "[cut at 60000 characters: "); got != tt.mark {
				t.Errorf("mark: %v; ends with %q", got, c.Comments[max(0, len(c.Comments)-100):])
			}
		})
	}
}
