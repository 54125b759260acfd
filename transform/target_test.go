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
			if strings.Contains(got.Contact.Comments, "deal.") {
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
	for text, want := range map[string]json.Number{
		"1500": "1500", "1 500,50 ₽": "1500.50", "$1,299.00": "1299.00", "1.299,00 EUR": "1299.00", "1,000,000": "1000000", "12.5": "12.5",
		"1'000.50": "1000.50", "007": "7", "0": "0", "0.50": "0.50", "0,5 ₽": "0.5", "00.5": "0.5", "100 руб.": "100", "USD 20": "20",
		"": "", "1.500": "", "1,500": "", "-5": "", "10-20": "", "1.2.3,4,5": "", "ten": "", "1e9": "", "12345678901234": "",
	} {
		if got := amountOf(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
	for n, want := range map[json.Number]json.Number{"1.500": "1.500", "-1": "", "1e3": ""} {
		if got := amountOf(n); got != want {
			t.Errorf("%s: %q, want %q", n, got, want)
		}
	}
	if amountOf(true) != "" || currencyOf("xx") != "" || currencyOf("eur") != "EUR" || currencyOf("руб.") != "RUB" {
		t.Error("currencies")
	}
}
