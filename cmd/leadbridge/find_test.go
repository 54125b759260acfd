package main

import (
	"encoding/json"
	"maps"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/leadbridge/leadbridge/crmclient/crmtest"
)

// findRig has a contact, a letter and a lead that waits, and a service that is gone.
func findRig(t *testing.T) *rig {
	t.Helper()
	r := newRig(t, crmtest.Options{ExistingUserField: true}, "leads", "leads.dlt", "leads.results")
	r.produce(t,
		`{"name":"Анна Соколова","phone":"8 (916) 732-89-66","email":"Anna@Example.com"}`,
		`{"name":"Пётр Ильин","phone":"12"}`,
		`not JSON, of boris@example.com`)
	r.deliver(t, 3)
	r.produce(t, `{"name":"Вера Мороз","phone":"+375291234567"}`)
	return r
}

// find runs the command in this process and returns its events.
func (r *rig) find(t *testing.T, who string, env map[string]string, flags ...string) (events []foundEvent, stderr string) {
	t.Helper()
	all := map[string]string{"KAFKA_BROKERS": r.cluster.ListenAddrs()[0], "CRM_BASE_URL": r.crmURL, "CRM_API_KEY_FILE": r.keyFile}
	maps.Copy(all, env)
	code, stdout, stderr := inProcess(all, "", append([]string{"find", "--output", "json", who}, flags...)...)
	for line := range strings.Lines(stdout) {
		var e foundEvent
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		events = append(events, e)
	}
	if want := map[bool]int{true: exitOK, false: exitFailed}[len(events) > 0]; code != want {
		t.Errorf("find %s: exit %d with %d events: %s", who, code, len(events), stderr)
	}
	return events, stderr
}

func TestFindTellsWhereALeadIs(t *testing.T) {
	t.Parallel()
	r := findRig(t)
	contact := r.crm.Contacts()[0].ID
	for _, c := range []struct{ who, by, state string }{
		{"+79167328966", "phone", "contact"},
		{"8 916 732 89 66", "phone", "contact"},
		{"(916) 732-89-66", "phone", "contact"},
		{"anna@example.COM", "e-mail", "contact"},
		{"соколова анна", "name", "contact"},
		{"0:0", "place", "contact"},
		{"leads 0:0", "place", "contact"},
		{"leads.dlt/0/0", "place", "letter"},
		{"Соколова, Анна", "name", "contact"},
		{"Ильин Петр", "name", "letter"},
		{"boris@example.com", "text", "letter"},
		{"0:2", "place", "letter"},
		{"80291234567", "phone", ""}, // of Belarus, which is not the default region
		{"+375 29 123-45-67", "phone", "waiting"},
		{"Мороз", "name", "waiting"},
	} {
		events, stderr := r.find(t, c.who, nil)
		found := false
		for _, e := range events {
			found = found || string(e.FoundBy) == c.by && string(e.State) == c.state
			if e.State == "contact" && (e.ContactID != contact || e.KnownBy != "CRM") {
				t.Errorf("%s: %+v", c.who, e)
			}
		}
		if found != (c.state != "") {
			t.Errorf("%s: %+v, want by %s a %s\n%s", c.who, events, c.by, c.state, stderr)
		}
	}
}

func TestFindByIDs(t *testing.T) {
	t.Parallel()
	r := findRig(t)
	events, _ := r.find(t, "+79167328966", nil)
	id, origin := events[0].EventID, r.crm.Contacts()[0]
	for _, who := range []string{id, origin.OriginID(), origin.OriginID()[:19], jsonOf(t, origin.ID)} {
		events, stderr := r.find(t, who, nil)
		if len(events) != 1 || events[0].EventID != id || events[0].State != "contact" {
			t.Errorf("%s: %+v\n%s", who, events, stderr)
		}
	}
}

// Deals and leads are found by their numbers and the addresses of their cards without a topic of results.
func TestFindByDealsAndLeads(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"deal", "lead"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, crmtest.Options{ExistingUserField: true}, "leads", "leads.dlt")
			if _, err := r.crm.Create(`{"name":"By hand"}`); err != nil { // so that contact and deal have different numbers
				t.Fatal(err)
			}
			r.produce(t, `{"name":"Anna","email":"anna@example.com"}`)
			env := map[string]string{"CRM_TARGET": kind}
			s := startService(t, r.env(env))
			eventually(t, "the lead is delivered", func() bool { return r.committed() == 1 })
			s.signal(t, syscall.SIGTERM)
			s.exit(t)
			for _, who := range []string{"1", kind + " 1", "https://demo.bitrix24.ru/crm/" + kind + "/details/1/"} {
				events, stderr := r.find(t, who, env)
				if len(events) != 1 || events[0].FoundBy != "card" || max(events[0].DealID, events[0].LeadID) != 1 {
					t.Errorf("%s: %+v\n%s", who, events, stderr)
				}
			}
			if events, _ := r.find(t, "contact 1", env); len(events) != 0 {
				t.Errorf("the contact made by hand is %+v", events)
			}
		})
	}
}

// The id that the gate answers with is enough.
func TestFindByTheGatesID(t *testing.T) {
	t.Parallel()
	r := newRig(t, crmtest.Options{}, "leads", "leads.dlt")
	r.produce(t, `{"specversion":"1.0","id":"body-6396fa4c","source":"/hooks/site","type":"leadbridge.lead","data":{"phone":"+79161234567"}}`)
	events, stderr := r.find(t, "body-6396fa4c", nil)
	if len(events) != 1 || events[0].FoundBy != "event id" {
		t.Errorf("%+v\n%s", events, stderr)
	}
}

// Without a key the CRM is not asked, and that is told.
func TestFindWithoutTheCRM(t *testing.T) {
	t.Parallel()
	r := findRig(t)
	events, stderr := r.find(t, "+79167328966", map[string]string{"CRM_API_KEY_FILE": ""})
	if len(events) != 1 || events[0].State != "ended" || !strings.Contains(stderr, "The CRM was not asked") {
		t.Errorf("%+v\n%s", events, stderr)
	}
	if events, stderr := r.find(t, "nobody@example.com", nil); len(events) != 0 || !strings.Contains(stderr, "Not seen.") || !strings.Contains(stderr, "reaches back to 20") {
		t.Errorf("%+v\n%s", events, stderr)
	}
}

// A closed letter is told as one, with when and why it was closed.
func TestFindTellsOfAClosedLetter(t *testing.T) {
	t.Parallel()
	r := findRig(t)
	r.dlt(t, exitOK, "close", "0:0", "0:1", "--word", "our own test")
	_, stdout, stderr := inProcess(r.brokers(), "", "find", "Ильин")
	if !regexp.MustCompile(`(?m)^Dead letter, closed 20[-0-9]+ [:0-9]+: our own test$`).MatchString(stdout) {
		t.Errorf("%s%s", stdout, stderr)
	}
}

// What is shown is masked unless it is asked for; of an erased event nothing is shown.
func TestFindMasksAndForgets(t *testing.T) {
	t.Parallel()
	r := findRig(t)
	masked, _ := r.find(t, "+79167328966", nil)
	if v := masked[0].Value; strings.Contains(v, "732") || strings.Contains(v, "Анна") || v == "" {
		t.Errorf("masked: %s", v)
	}
	plain, _ := r.find(t, "+79167328966", nil, "--unmask")
	if v := plain[0].Value; !strings.Contains(v, "732-89-66") {
		t.Errorf("unmasked: %s", v)
	}
	letter, _ := r.find(t, "Ильин", nil)
	r.dlt(t, exitOK, "replay", "--erase", "--event-id", letter[0].EventID)
	for _, e := range first(r.find(t, "Ильин", nil, "--unmask")) {
		if e.State != "erased" || e.Value != "" {
			t.Errorf("after it was erased: %+v", e)
		}
	}
}

// A service that runs is asked what holds it; one that is not there, or is not a service of ours, is named.
func TestFindAsksTheService(t *testing.T) {
	t.Parallel()
	r := findRig(t)
	r.key(t, "vibe_api_revoked")
	if err := r.crm.SetFaults(crmtest.Faults{BadKey: 1}); err != nil {
		t.Fatal(err)
	}
	s := startService(t, r.env(nil))
	s.answers(t, "/readyz", 503, "credentials")
	env := maps.Clone(r.brokers())
	_, stdout, stderr := inProcess(env, "", "find", "+375291234567", "--live", s.url)
	if !strings.Contains(stdout, "credentials since") || !strings.Contains(stdout, "found by phone") {
		t.Errorf("%s%s", stdout, stderr)
	}
	code, _, stderr := inProcess(env, "", "find", "+375291234567", "--live", r.crmURL)
	if code != exitFailed || !strings.Contains(stderr, "give the address of HTTP_ADDR") {
		t.Errorf("exit %d: %s", code, stderr)
	}
	s.signal(t, syscall.SIGTERM)
	s.exit(t)
}

func first(events []foundEvent, _ string) []foundEvent { return events }

func jsonOf(t *testing.T, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// A search ends, and says how it would have gone on; a list of letters finds the person that the events became.
func TestSearchesAreBoundedAndFindPersons(t *testing.T) {
	t.Parallel()
	r := findRig(t)
	code, _, stderr := inProcess(r.brokers(), "", "find", "--timeout", "1ns", "+375291234567")
	if code != exitFailed || !strings.Contains(stderr, "give a longer --timeout") {
		t.Errorf("exit %d: %s", code, stderr)
	}
	for query, want := range map[string]int{"Ильин Пётр": 1, "петр ильин": 1, "BORIS@": 1, "nobody at all": 0} {
		_, stdout, stderr := inProcess(r.brokers(), "", "dlt", "list", "--output", "json", "--search", query)
		if got := strings.Count(stdout, "\n"); got != want {
			t.Errorf("%q: %d letters, want %d: %s%s", query, got, want, stdout, stderr)
		}
	}
}

// TestFindShowsEachCard names contact and deal each with its own address.
func TestFindShowsEachCard(t *testing.T) {
	t.Parallel()
	e := foundEvent{State: "contact", ContactID: 5, DealID: 7, KnownBy: "CRM", foundCards: foundCards{ContactURL: "https://acme.example/5/", DealURL: "https://acme.example/7/"}}
	if want := "Card     contact 5 https://acme.example/5/, deal 7 https://acme.example/7/ (by the CRM)"; !strings.Contains(e.text(), want) {
		t.Errorf("no %q in\n%s", want, e.text())
	}
	if e := (foundEvent{State: "contact", LeadID: 5, KnownBy: "CRM"}); !strings.Contains(e.text(), "Card     lead 5 (by the CRM)") {
		t.Errorf("%s", e.text())
	}
}
