package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leadbridge/leadbridge/bench/internal/crm"
	"github.com/leadbridge/leadbridge/bench/internal/lead"
)

func TestRecoveryCasesAreWhole(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, c := range recoveryCases() {
		switch {
		case seen[c.Name]:
			t.Errorf("%s is there twice", c.Name)
		case c.Title == "" || c.MustBe == "" || c.Met == nil || c.Play == nil || c.Row == "":
			t.Errorf("%s lacks something", c.Name)
		case c.Partitions < c.Replicas || c.Replicas < 1 || c.Grace < 30*time.Second:
			t.Errorf("%s: %d partitions, %d replicas, grace %s", c.Name, c.Partitions, c.Replicas, c.Grace)
		}
		seen[c.Name] = true
	}
	// An empty result is one of a case that has shown nothing.
	if within(time.Second)(recoveryResult{}) {
		t.Error("a case without leads has reached its goal")
	}
	for _, r := range []recoveryResult{
		{Leads: 1, P99: seconds{2, false}}, {Leads: 1, P99: seconds{.5, true}}, {Leads: 1, Undelivered: 1}, {Leads: 1, LettersWrong: 1},
	} {
		if within(time.Second)(r) {
			t.Errorf("%+v has reached its goal", r)
		}
	}
}

func TestRecoveryCommandLine(t *testing.T) {
	t.Parallel()
	o, err := parse([]string{"--recovery", "--case", "kill-idle,poison", "--json", "--parallel", "2"}, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	if len(o.recoveries) != 2 || o.recoveries[0].Name != "poison" || o.cases != nil || !o.json || o.parallel != 2 {
		t.Errorf("%+v", o)
	}
	if all, err := parse([]string{"--recovery"}, io.Discard); err != nil || len(all.recoveries) != len(recoveryCases()) {
		t.Errorf("without cases: %d, %v", len(all.recoveries), err)
	}
	o, err = parse([]string{"--recovery", "--case", "poison,after-roll"}, io.Discard)
	if err != nil || o.runsOf(o.recoveries[0]) != 1 || o.runsOf(o.recoveries[1]) != afterRuns {
		t.Errorf("without --runs: %+v, %v", o, err)
	}
	o, err = parse([]string{"--recovery", "--case", "poison,after-roll", "--runs", "3"}, io.Discard)
	if err != nil || o.runsOf(o.recoveries[0]) != 3 || o.runsOf(o.recoveries[1]) != 3 {
		t.Errorf("with --runs 3: %+v, %v", o, err)
	}
	for _, bad := range [][]string{
		{"--recovery", "--case", "documented"}, {"--case", "poison"}, {"--recovery", "--parallel", "0"}, {"--recovery", "--runs", "-1"},
		{"--recovery", "--against", "/no/such/file"}, {"--recovery", "--against", "main.go"},
	} {
		if _, err := parse(bad, io.Discard); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}

func TestRecoveryWithoutABinary(t *testing.T) {
	t.Parallel()
	if code := status([]string{"--recovery", "--binary", "/no/such/file", "--out", t.TempDir()}, io.Discard, io.Discard); code != 1 {
		t.Errorf("it ends with %d", code)
	}
}

func TestRoles(t *testing.T) {
	t.Parallel()
	refused, hidden, plain := marked(refusedMarker).with(oneKey, oneID).lead(7), forbidden().lead(7), lead.New(7)
	if !strings.Contains(refused.Value, `"secondName":"Refused"`) || refused.Key == plain.Key || refused.ID == plain.ID {
		t.Errorf("%+v", refused)
	}
	if !strings.Contains(hidden.Value, `"assignedById":404`) {
		t.Errorf("%+v", hidden)
	}
	if l := useless().lead(7); strings.Contains(l.Value, "@") || strings.Contains(l.Value, lead.Phone(7)) {
		t.Errorf("a useless lead: %s", l.Value)
	}
	if n := len(fresh().with(large).lead(7).Value); n < 900_000 || n > 1<<20 {
		t.Errorf("a large lead has %d bytes", n)
	}
	office := fresh().with(sharedPhone)
	if a, b := office.lead(600), office.lead(607); a.Value == b.Value || !strings.Contains(a.Value, lead.Phone(600)) || !strings.Contains(b.Value, lead.Phone(600)) {
		t.Errorf("an office: %s and %s", a.Value, b.Value)
	}
	for _, r := range []role{marked(refusedMarker), forbidden(), useless(), fresh().with(large), office} {
		if !json.Valid([]byte(r.lead(7).Value)) {
			t.Errorf("not JSON: %.200s", r.lead(7).Value)
		}
	}
}

func TestRecoveryReport(t *testing.T) {
	t.Parallel()
	good := recoveryResult{Case: "a", Row: "1", Leads: 3, P99: seconds{1.5, false}, Max: seconds{60, true}, Bad: 2, LettersRight: 1, MustBe: "p99 ≤ 2 s", Met: true}
	for name, c := range map[string]struct {
		res   recoveryResult
		fails bool
	}{
		"late":       {recoveryResult{Case: "a", Undelivered: 3, LettersWrong: 2}, false},
		"twice":      {recoveryResult{Case: "a", Twice: 1}, true},
		"lost":       {recoveryResult{Case: "a", Lost: 1}, true},
		"not played": {recoveryResult{Case: "a", Error: "no broker"}, true},
	} {
		if err := (recoveryReport{Results: []recoveryResult{good, c.res}}).failure(); (err != nil) != c.fails {
			t.Errorf("%s: %v", name, err)
		}
	}
	var text strings.Builder
	o := options{out: t.TempDir()}
	r := recoveryReport{Version: "v1", Results: []recoveryResult{good, {Case: "b", Error: "no broker"}}}
	if err := r.publish(o, &text); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"| 1 a ", "1.50", "> 60.0", "1 of 2", "p99 ≤ 2 s", boundReached, "NOT PLAYED"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("the table lacks %q:\n%s", want, text.String())
		}
	}
	data, err := os.ReadFile(filepath.Join(o.out, "recovery.json"))
	if err != nil {
		t.Fatal(err)
	}
	text.Reset()
	o.json = true
	if err := r.publish(o, &text); err != nil || text.String() != string(data) || !json.Valid(data) {
		t.Errorf("%v: %s", err, text.String())
	}
}

// checkRecovery plays a case with each kind of lead, an update in the midst of it, a lead
// whose first create fails, and another one that the CRM gets a second time from elsewhere.
func checkRecovery(t *testing.T, l *lab) {
	t.Helper()
	c := recoveryCase{
		Name: "test", Title: "test", MustBe: "all delivered", Met: drained, Letters: true, CRM: crm.Config{Slots: 2}, Grace: time.Minute, Play: playTest,
	}.withDefaults()
	s, err := newScene(t.Context(), l, c, false)
	if err != nil {
		t.Fatal(err)
	}
	r, err := s.play(t.Context())
	if endErr := s.end(); err != nil || endErr != nil {
		t.Fatal(err, endErr)
	}
	if r.CRM.Requests == 0 || r.Max.Value <= 0 || r.Max.AtLeast {
		t.Errorf("%+v", r)
	}
	got := []int{r.Leads, r.Undelivered, r.Troubled, r.Background, r.BackgroundOpen, r.Bad, r.LettersRight, r.LettersWrong, r.Twice, r.Lost}
	if diff := cmp.Diff([]int{10, 0, 1, partitions, 0, 6, 6, 0, 1, 0}, got); diff != "" {
		t.Error(diff)
	}
}

func playTest(ctx context.Context, s *scene) error {
	s.crm.Break(refuse())
	s.crm.Break(crm.Fault{Times: 1, Status: http.StatusTooManyRequests, Code: "RATE_LIMITED", RetryAfter: time.Second})
	err := errors.Join(s.burst(ctx, fresh(), 1), s.await(ctx, lookEvery, func() bool { return s.missing() == 0 }))
	err = errors.Join(err, s.burst(ctx, marked(refusedMarker), 3), s.burst(ctx, useless(), 3), s.roll(ctx, 0), s.owned(ctx))
	if err = errors.Join(err, s.drip(ctx, 10, 10*time.Millisecond, s.freshOnly), s.settle(ctx)); err != nil {
		return err
	}
	body, err := json.Marshal(s.crm.Contacts()[partitions].Fields)
	if err != nil {
		return err
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	return postOne(ctx, client, s.url+"/v1/contacts", body)
}
