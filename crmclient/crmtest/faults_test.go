package crmtest_test

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leadbridge/leadbridge/crmclient/crmtest"
)

// set sets faults by their text.
func (p *portal) set(text string) {
	p.t.Helper()
	f, err := crmtest.ParseFaults(text)
	if err == nil {
		err = p.SetFaults(f)
	}
	if err != nil {
		p.t.Fatal(err)
	}
}

func TestParseFaults(t *testing.T) {
	want := crmtest.Faults{FailBefore: 0.05, Hang: 0.01, LookupLag: crmtest.Duration(2 * time.Second), RetryAfter: 3,
		IgnoreFilters: true, Down: "503", Refuse: "no way", Mandatory: []string{"post", "companyId"}}
	for _, text := range []string{
		"fail_before=0.05, hang=0.01, lookup_lag=2s, retry_after=3, ignore_filters, down, refuse=no way, mandatory=post+companyId",
		`{"fail_before":0.05,"hang":0.01,"lookup_lag":"2s","retry_after":3,"ignore_filters":true,"down":"503","refuse":"no way","mandatory":["post","companyId"]}`,
	} {
		got, err := crmtest.ParseFaults(text)
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("%s: %v, differs (-want +got):\n%s", text, err, diff)
		}
		back, err := json.Marshal(got)
		if err != nil {
			t.Fatal(err)
		}
		if again, err := crmtest.ParseFaults(string(back)); err != nil || !cmp.Equal(again, got) {
			t.Errorf("%s reads back as %+v, %v", back, again, err)
		}
	}
	for _, text := range []string{"", "  ", "{}", ","} {
		if got, err := crmtest.ParseFaults(text); err != nil || !cmp.Equal(got, crmtest.Faults{}) {
			t.Errorf("%q: %+v, %v", text, got, err)
		}
	}
}

func TestParseBadFaults(t *testing.T) {
	tests := map[string][]string{ // text: words of the error
		"fail_befor=0.1":                      {"fail_befor", "fail_before, apply_then_fail"},
		"hang=2":                              {"hang", "0 to 1"},
		"hang=-0.1":                           {"hang", "0 to 1"},
		"hang=NaN":                            {"hang"},
		"hang=often":                          {"hang"},
		"hang":                                {"hang"},
		"hang=0.6,reset=0.6":                  {"together"},
		"lookup_lag=2":                        {"lookup_lag", "2s"},
		"lookup_lag=-2s":                      {"lookup_lag", "negative"},
		"down=maybe":                          {"down", "close", "503"},
		"ignore_filters=perhaps":              {"ignore_filters"},
		"hang=x,reset=y,nothing=1":            {"hang", "reset", "nothing"},
		`{"hang":"often"}`:                    {"hang"},
		`{"lookup_lag":2}`:                    {"lookup_lag"},
		`{"hang":0.1`:                         {"JSON"},
		`{"hang":0.1} trailing`:               {"JSON"},
		`{"mandatory":"post","nothing":true}`: {"mandatory", "nothing"},
	}
	for text, words := range tests {
		_, err := crmtest.ParseFaults(text)
		if err == nil {
			t.Errorf("%q is taken", text)
			continue
		}
		for _, word := range words {
			if !strings.Contains(err.Error(), word) {
				t.Errorf("%q: %q does not say %q", text, err, word)
			}
		}
	}
}

func TestFaultsHelpNamesAll(t *testing.T) {
	b, err := json.Marshal(crmtest.Faults{FailBefore: 1, ApplyThenFail: 1, ApplyLate: 1, BatchTrickle: 1, Hang: 1, Reset: 1, Truncate: 1, HTML: 1,
		Throttle: 1, BadKey: 1, ItemError: 1, ItemMissing: 1, LateBy: 1, TrickleEvery: 1, RetryAfter: 1, LookupLag: 1, IgnoreFilters: true,
		Down: "x", Refuse: "x", Business: "x", Forbid: "x", Conflict: "x", Poison: "x", Mandatory: []string{"x"}})
	if err != nil {
		t.Fatal(err)
	}
	var names map[string]any
	if err := json.Unmarshal(b, &names); err != nil {
		t.Fatal(err)
	}
	for name := range names {
		if help := crmtest.FaultsHelp; !strings.Contains(help, name) {
			t.Errorf("the help says nothing of %s", name)
		}
	}
}

func TestSetFaultsChecks(t *testing.T) {
	s := crmtest.New(crmtest.Options{})
	defer s.Close()
	if err := s.SetFaults(crmtest.Faults{Hang: 2}); err == nil {
		t.Error("a rate of 2 is taken")
	}
}

// TestCertainFaults sets each fault of whole calls to strike always.
func TestCertainFaults(t *testing.T) {
	coded := func(status int, code string) func(reply) bool {
		return func(r reply) bool { return r.status == status && r.Error.Code == code }
	}
	const (
		never = iota
		always
		either
	)
	tests := []struct {
		name string
		good func(reply) bool
		now  int // whether the contact is there at the answer
		then int // whether it is there 3 s later
	}{
		{"fail_before", coded(502, "BITRIX_UNAVAILABLE"), never, never},
		{"apply_then_fail", coded(502, "BITRIX_UNAVAILABLE"), always, always},
		{"apply_late", coded(502, "BITRIX_UNAVAILABLE"), never, always},
		{"reset", func(r reply) bool { return errors.Is(r.err, syscall.ECONNRESET) }, either, either},
		{"truncate", func(r reply) bool { return r.status == 201 && errors.Is(r.err, io.ErrUnexpectedEOF) }, always, always},
		{"html", func(r reply) bool { return r.status == 502 && strings.HasPrefix(r.text, "<html>") }, either, either},
		{"throttle", coded(429, "RATE_LIMITED"), never, never},
		{"bad_key", coded(401, "INVALID_API_KEY"), never, never},
		{"hang", func(r reply) bool { return r.err != nil }, either, either},
		{"batch_trickle", coded(201, ""), always, always}, // concerns batches only
	}
	const tries = 30
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			bubble(t, crmtest.Options{Seed: 1}, func(p *portal) {
				t := p.t
				p.client.Timeout = time.Second / 2
				p.set(test.name + "=1,late_by=2s")
				now, then := 0, 0
				for range tries {
					before := p.Count()
					if r := p.do("POST /v1/contacts", `{}`); !test.good(r) {
						t.Fatalf("got %d %q, %v", r.status, r.text, r.err)
					}
					now += p.Count() - before
					advance(3 * time.Second)
					then += p.Count() - before
				}
				for _, check := range []struct{ got, want int }{{now, test.now}, {then, test.then}} {
					ok := map[int]bool{never: check.got == 0, always: check.got == tries, either: test.name == "hang" || check.got > 0 && check.got < tries}
					if !ok[check.want] {
						t.Errorf("%d of %d at the answer, %d at last", now, tries, then)
					}
				}
				if got := p.Stats().Faults[test.name]; got != tries && test.name != "batch_trickle" {
					t.Errorf("%d counted, want %d", got, tries)
				}
			})
		})
	}
}

func TestBatchTrickle(t *testing.T) {
	bubble(t, crmtest.Options{}, func(p *portal) {
		t := p.t
		p.set("batch_trickle=1,trickle_every=100ms")
		p.do("POST /v1/batch", creates(50)).want(t, 502, "BITRIX_UNAVAILABLE")
		advance(2*time.Second + time.Millisecond)
		if got := p.Count(); got != 20 {
			t.Errorf("%d contacts after 2 s, want 20", got)
		}
		advance(3 * time.Second)
		if got := p.Count(); got != 50 {
			t.Errorf("%d contacts after 5 s, want 50", got)
		}
	})
}

// TestRates compares how often faults strike with their rates.
func TestRates(t *testing.T) {
	bubble(t, crmtest.Options{Seed: 7}, func(p *portal) {
		t := p.t
		p.set("fail_before=0.1,throttle=0.2,bad_key=0.3")
		const calls = 2000
		for range calls {
			p.do("GET /v1/me", "")
		}
		for name, rate := range map[string]float64{"fail_before": 0.1, "throttle": 0.2, "bad_key": 0.3} {
			if got := float64(p.Stats().Faults[name]) / calls; got < rate-0.04 || got > rate+0.04 {
				t.Errorf("%s strikes %.3f of the calls, want %v", name, got, rate)
			}
		}
	})
}

func TestSameSeedSameFaults(t *testing.T) {
	run := func(seed uint64) (statuses []int) {
		bubble(t, crmtest.Options{Seed: seed}, func(p *portal) {
			p.set("fail_before=0.5")
			for range 50 {
				statuses = append(statuses, p.do("GET /v1/me", "").status)
			}
		})
		return statuses
	}
	if !cmp.Equal(run(1), run(1)) || cmp.Equal(run(1), run(2)) {
		t.Error("faults do not follow the seed")
	}
}

func TestItemFaults(t *testing.T) {
	bubble(t, crmtest.Options{Seed: 3}, func(p *portal) {
		t := p.t
		p.set("item_error=0.3,item_missing=0.3")
		codes, missing, applied := map[string]bool{}, 0, 0
		for range 20 {
			b := p.do("POST /v1/batch", creates(50)).want(t, 200, "").batch(t)
			for _, e := range b.Errors {
				codes[e.Code] = true
			}
			missing += 50 - len(b.Errors) - len(b.Results)
			applied += len(b.Results)
		}
		if len(codes) < 8 || missing < 200 || p.Count() <= applied || p.Count() >= 1000 {
			t.Errorf("codes %v, %d missing, %d in the answers, %d held", codes, missing, applied, p.Count())
		}
		if s := p.Stats(); s.Faults["item_missing"] != missing {
			t.Errorf("%d counted as missing, want %d", s.Faults["item_missing"], missing)
		}
	})
}

func TestDown(t *testing.T) {
	bubble(t, crmtest.Options{}, func(p *portal) {
		t := p.t
		p.set("down=503")
		if r := p.do("GET /v1/me", ""); r.status != http.StatusServiceUnavailable || r.Error.Code != "" {
			t.Errorf("got %d %q", r.status, r.text)
		}
		p.set("down=close")
		if r := p.do("POST /v1/contacts", `{}`); !errors.Is(r.err, io.EOF) {
			t.Errorf("got %d, %v", r.status, r.err)
		}
		p.set("")
		p.create(`{}`)
		if p.Count() != 1 || p.Stats().Faults["down"] != 2 {
			t.Errorf("%d contacts, %v", p.Count(), p.Stats().Faults)
		}
	})
}

func TestLookupLag(t *testing.T) {
	bubble(t, crmtest.Options{Skew: -time.Hour}, func(p *portal) {
		t := p.t
		p.set("lookup_lag=2s")
		p.create(`{"phone":"+71"}`)
		found := func() int { return len(p.do("POST /v1/contacts/search", `{"filter":{"phone":"+71"}}`).ids(t)) }
		if got := found(); got != 0 {
			t.Errorf("found %d at once", got)
		}
		p.do("GET /v1/contacts/1", "").want(t, 200, "") // by id it is there
		advance(2 * time.Second)
		if got := found(); got != 1 {
			t.Errorf("found %d after the lag", got)
		}
	})
}

func TestIgnoreFilters(t *testing.T) {
	bubble(t, crmtest.Options{}, func(p *portal) {
		t := p.t
		p.set("ignore_filters")
		for range 60 {
			p.create(`{"phone":"+71"}`)
		}
		r := p.do("POST /v1/contacts/search", `{"filter":{"phone":"+72"}}`)
		if got := r.ids(t); len(got) != 50 || got[0] != 60 || !r.Meta.HasMore {
			t.Errorf("ids %v, meta %+v; want the latest 50", got, r.Meta)
		}
	})
}

func TestMarkedContacts(t *testing.T) {
	tests := []struct {
		name   string
		status int
		code   string
	}{
		{"refuse", 400, "VALIDATION_ERROR"},
		{"business", 422, "BITRIX_ERROR"},
		{"forbid", 403, "BITRIX_ACCESS_DENIED"},
		{"conflict", 409, "ALREADY_EXISTS"},
		{"poison", 500, "INTERNAL_ERROR"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			bubble(t, crmtest.Options{}, func(p *portal) {
				t := p.t
				p.set(test.name + "=плохо")
				marked := []string{`{"comments":"это плохо"}`, `{"phone":["плохо"]}`, `{"name":"\u043f\u043b\u043e\u0445\u043e"}`}
				for _, body := range marked {
					p.do("POST /v1/contacts", body).want(t, test.status, test.code)
				}
				b := p.do("POST /v1/batch", calls(call("a", "create", marked[0]), call("b", "create", `{}`))).want(t, 200, "").batch(t)
				if b.Errors["a"].Code != test.code || len(b.Results) != 1 {
					t.Errorf("in a batch: %+v", b)
				}
				if p.Count() != 1 || p.Stats().Faults[test.name] != 4 {
					t.Errorf("%d contacts, %v", p.Count(), p.Stats().Faults)
				}
			})
		})
	}
}

func TestMandatory(t *testing.T) {
	bubble(t, crmtest.Options{}, func(p *portal) {
		t := p.t
		p.set("mandatory=post+companyId")
		for _, body := range []string{`{}`, `{"post":"Boss"}`, `{"post":"","companyId":1}`, `{"post":null,"companyId":1}`} {
			p.do("POST /v1/contacts", body).want(t, 400, "VALIDATION_ERROR")
		}
		p.create(`{"post":"Boss","companyId":1}`)
	})
}
