package transform

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leadbridge/leadbridge/crmclient"
)

func planOf(t *testing.T, o Options, value string) Plan {
	t.Helper()
	tr, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	e, err := tr.Decode(Record{Topic: "leads", Value: []byte(value)})
	if err != nil {
		t.Fatal(err)
	}
	p, err := tr.Plan(e)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestTargetOfAnEvent(t *testing.T) {
	for name, test := range map[string]struct {
		setting  crmclient.Target
		mapping  string
		value    string
		want     crmclient.Target
		comments string
	}{
		"none":              {"", "", `{"email":"a@example.com"}`, "", ""},
		"by the event":      {"", "", `{"email":"a@example.com","target":"lead"}`, "lead", ""},
		"contact by event":  {"deal", "", `{"email":"a@example.com","target":"contact"}`, "contact", ""},
		"another word":      {"", "", `{"email":"a@example.com","target":"_blank"}`, "", "target: _blank"},
		"inner":             {"", "", `{"email":"a@example.com","link":{"target":"lead"}}`, "", "link.target: lead"},
		"by a mapping":      {"", `{email, target: "deal"}`, `{"email":"a@example.com"}`, "deal", ""},
		"no leave":          {"", "", gated(`{"email":"a@example.com","target":"lead"}`, "assignedById"), "", "target: lead"},
		"leave":             {"", "", gated(`{"email":"a@example.com","target":"lead"}`, "target"), "lead", ""},
		"mapping for gated": {"", `. + {target: "lead"}`, gated(`{"email":"a@example.com","target":"deal"}`, ""), "lead", ""},
	} {
		t.Run(name, func(t *testing.T) {
			p := planOf(t, Options{Target: test.setting, Mapping: test.mapping}, test.value)
			if p.Target != test.want || p.Contact.Comments != test.comments {
				t.Errorf("target %q, comments %q", p.Target, p.Contact.Comments)
			}
		})
	}
}

// gated is an event as the gate writes it.
func gated(data, allowed string) string {
	return `{"specversion":"1.0","id":"1","source":"/gate","type":"lead","` + AttributeAllowed + `":"` + allowed + `","data":` + data + `}`
}

func TestCard(t *testing.T) {
	three := int64(3)
	for name, test := range map[string]struct {
		value string
		want  crmclient.Card
	}{
		"usual":       {`{"name":"Ivan Petrov","email":"a@example.com","formName":"Callback"}`, crmclient.Card{Title: "Ivan Petrov – Callback"}},
		"no name":     {`{"phone":"+79161234567","email":"a@example.com"}`, crmclient.Card{Title: "a@example.com"}},
		"phone alone": {`{"phone":"+79161234567","form":{"name":"Footer"}}`, crmclient.Card{Title: "+79161234567 – Footer"}},
		"amount":      {`{"email":"a@example.com","price":"1 500,50 ₽","currency":"rub"}`, crmclient.Card{Title: "a@example.com", Amount: "1500.50", Currency: "RUB"}},
		"payment":     {`{"email":"a@example.com","payment":{"amount":"99","currency":"$"}}`, crmclient.Card{Title: "a@example.com", Amount: "99", Currency: "USD"}},
		"own deal": {`{"email":"a@example.com","amount":5,"deal":{"title":"T","amount":7.5,"categoryId":3,"stageId":"C3:NEW","assignedById":"9","ufCrm_X":"y","nope":1}}`,
			crmclient.Card{Title: "T", Amount: "7.5", CategoryID: &three, StageID: "C3:NEW", AssignedByID: 9, UserFields: map[string]any{"ufCrm_X": "y"}}},
	} {
		t.Run(name, func(t *testing.T) {
			got := planOf(t, Options{Target: crmclient.TargetDeal}, test.value)
			if diff := cmp.Diff(test.want, got.Card); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if strings.Contains(strings.ReplaceAll(got.Contact.Comments, "deal.nope: 1", ""), "deal.") {
				t.Errorf("comments %q", got.Contact.Comments)
			}
		})
	}
	if got := planOf(t, Options{Target: crmclient.TargetDeal}, gated(`{"email":"a@example.com","deal":{"title":"T"}}`, "target")); got.Card.Title != "a@example.com" || got.Contact.Comments != "deal.title: T" {
		t.Errorf("without leave: %+v", got)
	}
}

func TestTitleTemplates(t *testing.T) {
	const value = `{"name":"Ivan","email":"a@example.com","goods":"Chair","utm_campaign":"spring"}`
	for template, want := range map[string]string{
		`"Request: " + .event.goods`:             "Request: Chair",
		`.name + " <" + .email + ">" # comment`:  "Ivan <a@example.com>",
		`"\(.name) / \(.utmCampaign)"`:           "Ivan / spring",
		`.nothing`:                               "Ivan", // the usual title
		`error("x")`:                             "Ivan",
		`[range(1e9)] | length | tostring`:       "Ivan",
		`"` + strings.Repeat("long ", 100) + `"`: strings.TrimSpace(strings.Repeat("long ", 50))[:248] + "g…",
	} {
		if got := planOf(t, Options{Target: crmclient.TargetLead, LeadTitle: template}, value).Card.Title; strings.TrimSpace(got) != strings.TrimSpace(want) {
			t.Errorf("%s: %q, want %q", template, got, want)
		}
	}
	for _, setting := range []Options{{LeadTitle: "Site request"}, {DealTitle: "("}} {
		if _, err := New(setting); err == nil || !strings.Contains(err.Error(), "_TITLE: ") || !strings.Contains(err.Error(), "quotation marks") {
			t.Errorf("%+v: %v", setting, err)
		}
	}
}

func TestAmounts(t *testing.T) {
	for text, want := range map[string]string{
		"1500": "1500", "1 500,50 ₽": "1500.50 RUB", "$1,299.00": "1299.00 USD", "1.299,00 EUR": "1299.00 EUR", "1,000,000": "1000000", "12.5": "12.5",
		"1'000.50": "1000.50", "007": "7", "0": "0", "100 руб.": "100 RUB", "USD 20": "20 USD", "1\u00a0234,56\u00a0₽": "1234.56 RUB",
		"1.234.567,89 €": "1234567.89 EUR", "12,34,567.89 INR": "1234567.89 INR", "5.": "5", "0,5": "0.5", "0,5 ₽": "0.5 RUB", "00.5": "0.5", "0.500": "0.500", "1500,- €": "1500 EUR",
		"100 рублей": "100 RUB", "$20 CAD": "20 CAD", "59.97000000000001": "59.97", "zł 5": "5 PLN", "usd100": "100 USD",
		"": "", "1.500": "", "1,500": "", "-5": "", "−5": "", "(5)": "", "10-20": "", "1.2.3,4,5": "", "ten": "", "1e9": "", "12345678901234": "",
		"999999999999.999999": "", ".5": "", "р. .5": "", "$12.5k": "", "12,5 тыс. руб.": "", "2 млн ₽": "", "3mln": "", "от 1500 ₽": "", "до 10 000": "", "1500 ₽/мес": "", "5 шт": "",
		"1500 руб. 50 коп.": "", "1,2,3": "", "1 50": "", "10 20": "", "1,000 000": "", "$5 EUR": "", "€5 USD": "", "1..5": "", "1,,000": "", "１２３": "",
	} {
		amount, around := amountOf(text)
		if amount == "" {
			around = ""
		}
		if got := strings.TrimSpace(string(amount) + " " + around); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
	for n, want := range map[json.Number]json.Number{
		"1.500": "1.500", "0": "0", "-1": "", "-0": "", "1e3": "1000", "1.5e+06": "1500000", "59.97000000000001": "59.97", "1e12": "", "1e400": "", "1e-9": "", "2e-1": "0.2",
	} {
		if got, _ := amountOf(n); got != want {
			t.Errorf("%s: %q, want %q", n, got, want)
		}
	}
	if amount, _ := amountOf(true); amount != "" {
		t.Errorf("true: %q", amount)
	}
	for value, want := range map[any]string{"xx": "", "eur": "EUR", "руб.": "RUB", "643": "RUB", json.Number("840"): "USD", "xyz": "", "": "", nil: "", true: ""} {
		if got := currencyOf(value); got != want {
			t.Errorf("%v: %q, want %q", value, got, want)
		}
	}
}

// TestMoney reads amount and currency of events: an amount never gets another currency than the event says.
func TestMoney(t *testing.T) {
	for value, want := range map[string]string{
		`"amount":"$1,299.00"`:                                        "1299.00 USD",
		`"total":300,"price":100`:                                     "100",
		`"total":"3","amount":"","price":null`:                        "3",
		`"amount":"$5","currency":"CAD"`:                              "5 CAD",
		`"amount":"5 €","currency":"USD"`:                             "",
		`"amount":5,"currency":"bonus points"`:                        "",
		`"amount":5,"currency":"рублей"`:                              "5 RUB",
		`"amount":5,"currency":{"code":"RUB"}`:                        "5 RUB",
		`"amount":{"value":"99.00","currency":"RUB"}`:                 "99.00 RUB",
		`"amount":{"value":"99.00","currency":"points"}`:              "",
		`"currency":"RUB","payment":{"sum":"9","currency":"USD"}`:     "9 USD",
		`"currency":"RUB","Payment":{"Sum":"9"}`:                      "9 RUB",
		`"amount":7,"order":{"currency":"KZT"}`:                       "7 KZT",
		`"amount":7,"currency":"RUB","deal":{"currency":"USD"}`:       "7 USD",
		`"amount":7,"currency":"RUB","deal":{"amount":"9","title":1}`: "9 RUB",
		`"amount":7,"deal":{"amount":"?"}`:                            "7",
	} {
		card := planOf(t, Options{Target: crmclient.TargetDeal}, `{"email":"a@example.com",`+value+`}`).Card
		if got := strings.TrimSpace(string(card.Amount) + " " + card.Currency); got != want {
			t.Errorf("%s: %q, want %q", value, got, want)
		}
	}
}

// TestUnusableMembersOfDealStayInTheComments shows that nothing that deal says is lost, and that nothing unusable is sent.
func TestUnusableMembersOfDealStayInTheComments(t *testing.T) {
	p := planOf(t, Options{Target: crmclient.TargetDeal}, `{"email":"a@example.com","deal":{"title":"T","amount":"many","currency":"USD","assignedById":-1,"categoryId":"x","probability":50.5,"nope":1,"stageId":null,"contactId":5}}`)
	if diff := cmp.Diff(crmclient.Card{Title: "T", Currency: "USD"}, p.Card); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	want := "deal.amount: many\ndeal.assignedById: -1\ndeal.categoryId: x\ndeal.probability: 50.5\ndeal.nope: 1\ndeal.contactId: 5"
	if p.Contact.Comments != want {
		t.Errorf("comments %q, want %q", p.Contact.Comments, want)
	}
}
