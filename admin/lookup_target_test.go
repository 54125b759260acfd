package admin

import (
	"context"
	"testing"

	"github.com/leadbridge/leadbridge/crmclient"
	"github.com/leadbridge/leadbridge/transform"
)

// dealCRM knows deals.
type dealCRM struct {
	CRM
	asked crmclient.Target
}

func (c *dealCRM) FindMade(_ context.Context, r crmclient.Request) (crmclient.Made, error) {
	c.asked = r.Target
	return crmclient.Made{ContactID: 5, DealID: 7}, nil
}

func (c *dealCRM) ContactURL(id int64) string { return c.CardURL(crmclient.Made{ContactID: id}) }

func (*dealCRM) CardURL(m crmclient.Made) string { return crmclient.CardURL("acme.example", m) }

// What an event became is looked up by the target that it names.
func TestFindOfADeal(t *testing.T) {
	tr, err := transform.New(transform.Options{})
	if err != nil {
		t.Fatal(err)
	}
	crm := &dealCRM{}
	s := &Server{cfg: Config{CRM: crm, Transformer: tr}}
	event, err := tr.Decode(transform.Record{Topic: "leads", Value: []byte(`{"email":"a@example.com","target":"deal"}`)})
	if err != nil {
		t.Fatal(err)
	}
	made, err := s.whatBecame(t.Context(), crmclient.Request{Target: s.targetOf(event)})
	if err != nil || made.DealID != 7 || crm.asked != crmclient.TargetDeal {
		t.Errorf("asked for %q: %v, %v", crm.asked, made, err)
	}
}

// The address of each card is told, besides that of the one that shows the event best.
func TestAddressesOfADeal(t *testing.T) {
	s := &Server{cfg: Config{CRM: &dealCRM{}}}
	all, best := s.addresses(crmclient.Made{ContactID: 5, DealID: 7})
	want := cardURLs{ContactURL: "https://acme.example/crm/contact/details/5/", DealURL: "https://acme.example/crm/deal/details/7/"}
	if all != want || best != want.DealURL {
		t.Errorf("%+v, %s", all, best)
	}
}
