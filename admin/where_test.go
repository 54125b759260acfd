package admin

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/leadbridge/leadbridge/crmclient"
	"github.com/leadbridge/leadbridge/dlt"
	"github.com/leadbridge/leadbridge/find"
)

// Each object that an event became has its own address, as lead and deal are not the contact.
func TestFoundLeadHasTheAddressOfEachCard(t *testing.T) {
	t.Parallel()
	got := foundLeads(find.Report{Events: []find.Event{{Made: crmclient.Made{ContactID: 5, DealID: 7}, Cards: crmclient.CardURLsIn("acme.example", crmclient.Made{ContactID: 5, DealID: 7})}}})[0]
	want := cardURLs{ContactURL: "https://acme.example/crm/contact/details/5/", DealURL: "https://acme.example/crm/deal/details/7/"}
	if got.cardURLs != want {
		t.Errorf("%+v, want %+v", got.cardURLs, want)
	}
	text, err := json.Marshal(got)
	if err != nil || !strings.Contains(string(text), `"dealUrl":"https://acme.example/crm/deal/details/7/"`) {
		t.Errorf("%s, %v", text, err)
	}
}

// Of a closed letter it is told when and why it was closed; of a letter that was replayed that is not told.
func TestFoundLeadTellsOfAClosedLetter(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	for state, want := range map[dlt.State]time.Time{dlt.StateClosed: at, dlt.StateReplayed: {}, dlt.StateOpen: {}} {
		letter := dlt.Letter{State: state, Marked: at, Word: "our own test"}
		got := foundLeads(find.Report{Events: []find.Event{{Letter: &letter}}})[0]
		if got.ClosedAt != want || (got.Closed == letter.Word) != !want.IsZero() {
			t.Errorf("%s: closed at %v for %q", state, got.ClosedAt, got.Closed)
		}
	}
}
