package find

import (
	"fmt"
	"strings"
	"testing"

	"github.com/leadbridge/leadbridge/crmclient"
	"github.com/leadbridge/leadbridge/dlt"
	"github.com/leadbridge/leadbridge/transform"
)

// A record that cannot be decoded is found by its text, unless that is not to be searched; one that can be decoded is not,
// even if it gives no contact.
func TestTextOfRecordsThatCannotBeDecoded(t *testing.T) {
	t.Parallel()
	by, err := transform.New(transform.Options{SourceID: "WEB"})
	if err != nil {
		t.Fatal(err)
	}
	for _, off := range []bool{false, true} {
		w, err := (&Finder{Config: Config{Transformer: by, NoTextSearch: off}}).parse("bori")
		if err != nil {
			t.Fatal(err)
		}
		for _, decoded := range []bool{false, true} {
			_, met := w.matches(false, transform.Event{}, &crmclient.Contact{}, []byte("not a lead, of boris@example.com"), decoded)
			if want := !off && !decoded; met != want {
				t.Errorf("no text search %v, decoded %v: found %v", off, decoded, met)
			}
		}
	}
}

func newFinder(t *testing.T) *Finder {
	t.Helper()
	by, err := transform.New(transform.Options{SourceID: "WEB", PhoneRegion: "RU"})
	if err != nil {
		t.Fatal(err)
	}
	return &Finder{Config: Config{Transformer: by, Topic: "leads", DeadLetterTopic: "leads.dlt"}}
}

// A place is read as lists, logs and this project's output have it. With a topic it is of that one.
func TestPlaces(t *testing.T) {
	t.Parallel()
	f := newFinder(t)
	for text, want := range map[string]string{
		"2:4": "record letter", " 2:4 ": "record letter",
		"leads 2:4": "record", "leads/2/4": "record", "leads-2@4": "record", "leads[2]@4": "record", "leads:2:4": "record", "leads, partition 2, offset 4": "record",
		"leads.dlt 2:4": "letter", "leads.dlt/2/4": "letter", "leads.dlt-2@4": "letter", "leads.dlt partition 2 offset 4": "letter",
		"others 2:4": "", "leads2:4": "", "leads 2:4:6": "", "leads x2:4": "", "leads 2": "", "leads": "", "8/916": "", "rec:leads/2/4@1796032483507/2b88": "",
	} {
		w, err := f.parse(text)
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		for name, place := range map[string]*dlt.Position{"record": w.record, "letter": w.letter} {
			if place != nil && *place != (dlt.Position{Partition: 2, Offset: 4}) {
				t.Errorf("%q: %s %v", text, name, place)
			}
		}
		if w.record != nil {
			got = "record"
		}
		if w.letter != nil {
			got = strings.TrimSpace(got + " letter")
		}
		if got != want {
			t.Errorf("%q is the place of %q, want %q", text, got, want)
		}
	}
}

// A card is named by its number, its kind and number, or its address.
func TestCards(t *testing.T) {
	t.Parallel()
	f := newFinder(t)
	for text, want := range map[string]string{
		"166": " 166", "contact 166": "contact 166", "Deal 7": "deal 7", "lead 5": "lead 5",
		"https://demo.bitrix24.ru/crm/deal/details/7/": "deal 7", "https://demo.bitrix24.ru/crm/contact/details/166": "contact 166",
		"https://demo.bitrix24.ru/crm/lead/details/5/?IFRAME=Y": "lead 5",
		"deal": " 0", "deal seven": " 0", "https://demo.bitrix24.ru/crm/company/details/7/": " 0", "contact -1": " 0",
	} {
		w, err := f.parse(text)
		if got := fmt.Sprintf("%s %d", w.cardKind, w.cardID); err != nil || got != want {
			t.Errorf("%q: %q, %v; want %q", text, got, err, want)
		}
	}
	w, err := f.parse("deal 7")
	if err != nil || !w.isOf(crmclient.Made{ContactID: 9, DealID: 7}) || w.isOf(crmclient.Made{ContactID: 7, DealID: 9}) {
		t.Errorf("the deal 7 is not told from the contact 7: %v", err)
	}
}

// A name is found however its words are ordered, joined and spelt in Unicode.
func TestNames(t *testing.T) {
	t.Parallel()
	f := newFinder(t)
	for _, c := range []struct {
		who, name, last string
		found           bool
	}{
		{"Соколова, Анна", "Анна", "Соколова", true},
		{"СОКОЛОВА АННА", "Анна", "Соколова", true},
		{"Артем", "Артём", "", true},
		{"Арте\u0308м", "Артём", "", true},
		{"Андреи\u0306", "Андрей", "", true},
		{"Анна", "Анна-Мария", "", true},
		{"Анна-Мария", "Анна Мария", "", true},
		{"O'Brien", "Ann", "O’Brien", true},
		{"«Соколова»", "Анна", "Соколова", true},
		{"Ан", "Анна", "", false},
		{"Анна Иванова", "Анна", "Соколова", false},
	} {
		w, err := f.parse(c.who)
		if err != nil {
			t.Fatal(err)
		}
		by, found := w.matches(false, transform.Event{}, &crmclient.Contact{Name: c.name, LastName: c.last}, nil, true)
		if found != c.found || found && by != ByName {
			t.Errorf("%q finds %s %s: %v, by %s", c.who, c.name, c.last, found, by)
		}
	}
}

// An id that a list has cut is found by its beginning, unless that is very short.
func TestCutEventID(t *testing.T) {
	t.Parallel()
	f := newFinder(t)
	for text, want := range map[string]bool{"rec:leads/2/17@1796032483507/2b8869b032…": true, "rec:…": false, "rec:leads/2/17@1796032483507/2b8869b032": false} {
		w, err := f.parse(text)
		if err != nil {
			t.Fatal(err)
		}
		if _, found := w.matches(false, transform.Event{ID: "rec:leads/2/17@1796032483507/2b8869b032333e6786b4aafec48073fa"}, &crmclient.Contact{}, nil, true); found != want {
			t.Errorf("%q: found %v", text, found)
		}
	}
}
