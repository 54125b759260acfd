package demo

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/leadbridge/leadbridge/crmclient"
	"github.com/leadbridge/leadbridge/crmclient/crmtest"
)

// player is somebody at the playground of a demo that is kept.
type player struct {
	t         *testing.T
	client    *http.Client
	url, page string // the playground, and the operators' page
	crm       string
	sent      int
}

// screen is what a demo prints.
type screen struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (s *screen) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(b)
}

func (s *screen) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

// play keeps a demo without leads running while test plays, ends it, and waits for that.
func play(t *testing.T, cfg Config, test func(p *player)) {
	t.Helper()
	out := &screen{}
	cfg.Keep, cfg.Out, cfg.Version = true, out, "test"
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		_, err := Run(ctx, cfg)
		ended <- err
	}()
	p := &player{t: t, client: &http.Client{Transport: &http.Transport{}, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
	defer func() {
		p.client.CloseIdleConnections()
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("the demo ended with %v", err)
		}
		for _, address := range []string{p.url, p.page, p.crm} {
			if _, err := p.client.Get(address); err == nil {
				t.Errorf("%s answers after the end", address)
			}
		}
	}()
	p.until("it says where the playground is", func() bool { return strings.Contains(out.String(), "metrics") })
	find := func(pattern string) string {
		found := regexp.MustCompile(pattern).FindStringSubmatch(out.String())
		if found == nil {
			t.Fatalf("no %s in:\n%s", pattern, out)
		}
		return found[1]
	}
	p.url, p.page, p.crm = find(`Open (\S+)/ and`), find(`the page +(\S+)/`), find(`the contacts +(\S+)/`)
	test(p)
}

// until waits for something that the demo brings about by itself.
func (p *player) until(what string, is func() bool) {
	p.t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	late := time.After(time.Minute)
	for !is() {
		select {
		case <-tick.C:
		case <-late:
			p.t.Fatalf("not within a minute: %s\n%s", what, p.live())
		}
	}
}

func (p *player) ask(method, address, contentType, body string, change ...func(*http.Request)) (status int, header http.Header, text string) {
	p.t.Helper()
	req, err := http.NewRequestWithContext(p.t.Context(), method, address, strings.NewReader(body))
	if err != nil {
		p.t.Fatal(err)
	}
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	for _, c := range change {
		c(req)
	}
	res, err := p.client.Do(req)
	if err != nil {
		p.t.Fatal(err)
	}
	defer res.Body.Close()
	all, err := io.ReadAll(res.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	return res.StatusCode, res.Header, string(all)
}

const formType = "application/x-www-form-urlencoded"

// press sends one of the page's forms, as a browser does.
func (p *player) press(path string, fields url.Values) {
	p.t.Helper()
	status, header, text := p.ask("POST", p.url+path, formType, fields.Encode(), func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "same-origin") })
	to, err := url.Parse(header.Get("Location"))
	if status != http.StatusSeeOther || err != nil || to.Path != "/" {
		p.t.Fatalf("%s: %d to %q: %s", path, status, header.Get("Location"), text)
	}
}

func (p *player) trouble(id string) { p.press("/trouble", url.Values{"trouble": {id}}) }

// lead sends the form with a person of its own, and returns the person's e-mail address.
func (p *player) lead() (email string) {
	p.sent++
	email = fmt.Sprintf("anna.%d@example.com", p.sent)
	p.press("/hooks/playground", url.Values{"name": {"Anna Brown"}, "phone": {""}, "email": {email}, "message": {"Hello"}})
	return email
}

func (p *player) live() string {
	_, _, text := p.ask("GET", p.url+"/live", "", "")
	return text
}

// newest is the state of the lead that was sent last, as the page shows it.
func (p *player) newest() string {
	found := regexp.MustCompile(`<li data-state="(\w+)">`).FindStringSubmatch(p.live())
	if found == nil {
		return ""
	}
	return found[1]
}

// holds are the causes for which the delivery is held, as the operators' page shows them, and how many letters are open.
func (p *player) holds() (causes string, open int) {
	_, _, text := p.ask("GET", p.page+"/api/state", "", "")
	var is struct {
		Holds   []struct{ Cause string }
		Letters struct{ Open int }
	}
	if err := json.Unmarshal([]byte(text), &is); err != nil {
		p.t.Fatal(err)
	}
	for _, h := range is.Holds {
		causes += h.Cause + " "
	}
	return causes, is.Letters.Open
}

func (p *player) stats() (s crmtest.Stats) {
	_, _, text := p.ask("GET", p.crm+"/_sim/stats", "", "")
	if err := json.Unmarshal([]byte(text), &s); err != nil {
		p.t.Fatal(err)
	}
	return s
}

// delivered waits until the newest lead is a card, and checks that it has one.
func (p *player) delivered(email string) {
	p.t.Helper()
	p.until("the lead is a card", func() bool { return p.newest() == "contact" })
	if text := p.live(); strings.Count(text, email+" (work)") != 1 {
		p.t.Errorf("%s is on %d cards, want 1:\n%s", email, strings.Count(text, email+" (work)"), text)
	}
	if s := p.stats(); s.Duplicates != 0 {
		p.t.Errorf("%d duplicates", s.Duplicates)
	}
}

// replay puts the newest letter that the playground links to back, as the operators' page does, changed by a program if
// there is one.
func (p *player) replay(jq string) {
	p.t.Helper()
	link := regexp.MustCompile(`href="` + regexp.QuoteMeta(p.page) + `/#/letters/(\d+:\d+)"`).FindStringSubmatch(p.live())
	if link == nil {
		p.t.Fatalf("no link to a letter:\n%s", p.live())
	}
	order := map[string]any{"places": []string{link[1]}, "jq": jq}
	for _, dry := range []bool{true, false} {
		order["dryRun"] = dry
		body, err := json.Marshal(order)
		if err != nil {
			p.t.Fatal(err)
		}
		status, _, text := p.ask("POST", p.page+"/api/replay", "application/json", string(body))
		confirm := regexp.MustCompile(`"confirm":"(\w+)"`).FindStringSubmatch(text)
		if status != http.StatusOK || dry && confirm == nil {
			p.t.Fatalf("%d %s", status, text)
		}
		if dry {
			order["confirm"] = confirm[1]
		}
	}
}

// TestPlayground sends leads from the form to the card, through each trouble that can be made.
func TestPlayground(t *testing.T) {
	t.Parallel()
	play(t, Config{Seed: 1}, func(p *player) {
		p.delivered(p.lead())
		for id, cause := range map[string]string{"key": "credentials", "outage": "outage", "throttle": "throttle"} {
			p.trouble(id)
			email := p.lead()
			p.until("the page says that "+cause+" holds it", func() bool { causes, _ := p.holds(); return strings.Contains(causes, cause) })
			if text := p.live(); !strings.Contains(text, "Held: "+cause) || p.newest() == "contact" || strings.Contains(text, email+" (work)") {
				t.Errorf("%s: the playground does not show it:\n%s", id, text)
			}
			p.trouble("")
			p.delivered(email)
			p.until("nothing holds it", func() bool { causes, _ := p.holds(); return causes == "" })
		}

		before := p.stats().Lookups
		p.trouble("lost")
		p.delivered(p.lead())
		if after := p.stats().Lookups; after == before {
			t.Error("answers were not lost: nothing was looked up")
		}
		p.trouble("slow")
		p.delivered(p.lead())

		p.trouble("refuse")
		email := p.lead()
		p.until("the lead is a letter", func() bool { return p.newest() == "letter" })
		p.until("the page counts it", func() bool { _, open := p.holds(); return open == 1 })
		if text := p.live(); !strings.Contains(text, `href="`+p.page+`/#/letters/`) || !strings.Contains(text, "Field post is required") {
			t.Errorf("no link to the letter, or no reason:\n%s", text)
		}
		p.replay(`.data.position = "Buyer"`)
		p.delivered(email)
		email = p.lead()
		p.until("another lead is a letter", func() bool { return p.newest() == "letter" })
		p.trouble("")
		p.replay("")
		p.delivered(email)
	})
}

// TestPlaygroundOfOtherTargets sends leads that become leads, and deals with one contact a person.
func TestPlaygroundOfOtherTargets(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		cfg   Config
		cards []string
	}{
		"leads":                    {Config{Target: crmclient.TargetLead}, []string{`id="lead-1"`}},
		"deals of the same person": {Config{Target: crmclient.TargetDeal, Match: true, Comment: crmclient.CommentOn}, []string{`id="deal-1"`, `id="deal-2"`, `id="contact-1"`}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			play(t, c.cfg, func(p *player) {
				p.delivered(p.lead())
				p.sent-- // the same person again
				if c.cfg.Match {
					p.delivered(p.lead())
				}
				for _, card := range c.cards {
					if text := p.live(); !strings.Contains(text, card) {
						t.Errorf("no %s:\n%s", card, text)
					}
				}
				p.trouble("refuse")
				p.sent = 100
				email := p.lead()
				p.until("the lead is a letter", func() bool { return p.newest() == "letter" })
				p.trouble("")
				p.replay("")
				p.delivered(email)
			})
		})
	}
}

// TestPlaygroundSendsInventedLeads sends several at once, through the gate.
func TestPlaygroundSendsInventedLeads(t *testing.T) {
	t.Parallel()
	play(t, Config{}, func(p *player) {
		p.press("/invented", nil)
		p.until("ten leads are cards", func() bool { return strings.Count(p.live(), `<li data-state="contact">`) == 10 })
		if s := p.stats(); s.Contacts != 10 || s.Duplicates != 0 {
			t.Errorf("%d contacts, %d duplicates", s.Contacts, s.Duplicates)
		}
	})
}

// TestPlaygroundIsForThisMachineAlone refuses other sites' pages, names that point here, and proxies.
func TestPlaygroundIsForThisMachineAlone(t *testing.T) {
	t.Parallel()
	play(t, Config{}, func(p *player) {
		from := func(name, value string) func(*http.Request) {
			return func(r *http.Request) {
				if name == "Host" {
					r.Host = value
				}
				r.Header.Set(name, value)
			}
		}
		for name, change := range map[string]func(*http.Request){
			"another site": from("Sec-Fetch-Site", "cross-site"), "another origin": from("Origin", "http://evil.example"),
			"a name that points here": from("Host", "evil.example"), "a proxy": from("X-Forwarded-For", "10.0.0.7"),
		} {
			for path, body := range map[string]string{"/trouble": "trouble=key", "/invented": "", "/hooks/playground": "email=a@example.com"} {
				if status, _, text := p.ask("POST", p.url+path, formType, body, change); status != http.StatusForbidden {
					t.Errorf("%s by %s: %d %s", path, name, status, text)
				}
			}
		}
		if status, _, _ := p.ask("GET", p.url+"/", "", "", from("Host", "evil.example")); status != http.StatusForbidden {
			t.Errorf("the page for a name that points here: %d", status)
		}
		if status, _, text := p.ask("POST", p.url+"/trouble", formType, "trouble=nothing"); status != http.StatusBadRequest || !strings.Contains(text, "no such trouble") {
			t.Errorf("an unknown trouble: %d %s", status, text)
		}
		status, header, text := p.ask("GET", p.url+"/", "", "")
		for _, part := range []string{`<form method="post" action="/hooks/playground"`, "You have sent none yet", "There is none now", p.page + "/"} {
			if status != http.StatusOK || !strings.Contains(text, part) {
				t.Errorf("the page has no %q: %d", part, status)
			}
		}
		if policy := header.Get("Content-Security-Policy"); !strings.Contains(policy, "default-src 'none'") || strings.Contains(policy, "unsafe") {
			t.Errorf("policy %q", policy)
		}
		if s := p.stats(); s.Creates != 0 || strings.Contains(text, "(on)") {
			t.Errorf("a refused request did something: %+v", s)
		}
		if _, _, text := p.ask("GET", p.page+"/api/session", "", ""); !strings.Contains(text, `"playground":"`+p.url+`"`) {
			t.Errorf("the operators' page does not link back: %s", text)
		}
	})
}
