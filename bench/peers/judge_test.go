package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leadbridge/leadbridge/bench/internal/lead"
	"github.com/leadbridge/leadbridge/bench/internal/proc"
	"github.com/leadbridge/leadbridge/internal/audit"
)

// TestJudge has one lead of each fate.
func TestJudge(t *testing.T) {
	t.Parallel()
	began := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	at := func(s int) time.Time { return began.Add(time.Duration(s) * time.Second) }
	e := evidence{
		held:      map[int][]time.Time{0: {at(0)}, 1: {at(4)}, 2: {at(5), at(6), at(7)}, 4: {at(8)}, 9: {at(32)}},
		letters:   map[int]int{3: 1, 4: 1, 7: 2},
		committed: []int64{9}, mended: at(20),
	}
	for n := range 10 {
		e.sent = append(e.sent, sentLead{warm: n == 0, refused: n == 7 || n == 8, place: audit.Place{Offset: int64(n)}, acked: at(1)})
	}
	e.sent[9].acked, e.sent[9].place.Offset = at(30), 10
	e.sent[5].place.Offset, e.sent[6].place.Offset = 5, 9 // below what is committed, and not

	want := outcome{
		Good: 8, Once: 3, Second: 2, Doubled: 1, Wrong: 2, Both: 1, Lost: 2, Waiting: 1,
		Refused: 2, Letters: 1, SameTwice: 1, P50: 3, Max: 7, First: 12, All: 12,
	}
	if diff := cmp.Diff(want, e.judge()); diff != "" {
		t.Error(diff)
	}
	if n := e.uncommitted(); n != 2 {
		t.Errorf("%d leads are not committed, want 2: the one that waits, and the last", n)
	}
}

func TestLettersNameLeads(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int{lead.New(7).Value: 7, refused(lead.New(8)).Value: 8, `{"email":"somebody@example.com"}`: -1, "no JSON": -1} {
		n, ok := leadIn([]byte(text))
		if ok != (want >= 0) || ok && n != want {
			t.Errorf("%s is lead %d, %t", text, n, ok)
		}
	}
}

func TestRefusedLeads(t *testing.T) {
	t.Parallel()
	if l := refused(lead.New(7)); !json.Valid([]byte(l.Value)) || !strings.Contains(l.Value, `"name":"`+refusedMarker) {
		t.Errorf("%s", l.Value)
	}
}

func TestSpeed(t *testing.T) {
	t.Parallel()
	began := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	from := moment{at: began, made: 100, usage: proc.Usage{CPU: time.Second}}
	to := moment{at: began.Add(10 * time.Second), made: 600, usage: proc.Usage{CPU: 2 * time.Second, Peak: 3 << 20}, ours: 4 * time.Second, machine: 9 * time.Second}
	want := speed{Seconds: 10, Contacts: 500, Rate: 50, CPU: 2000, PeakRSS: 3, Others: .2}
	if diff := cmp.Diff(want, between(from, to, 2)); diff != "" {
		t.Error(diff)
	}
	if got := between(from, from, 2); got.Rate != 0 || got.CPU != 0 {
		t.Errorf("nothing in no time: %+v", got)
	}
}

func TestReport(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "new")
	r := report{
		Short: true, Contestants: []contestant{{Name: "leadbridge", Version: "v1", How: "default settings"}},
		Outcomes: []outcome{
			{Case: "documented", Contestant: "naive", Speed: speed{Seconds: 30, Rate: 5, CPU: 2900, PeakRSS: 20.5, Others: .3}},
			{Case: "lost-answers", Contestant: "naive", Good: 1204, Once: 1100, Second: 61, P50: .123, Max: 4.5},
			{Case: "refused", Contestant: "leadbridge", Good: 64, Once: 64, Refused: 200, Letters: 199, First: 2},
			{Case: "kills", Contestant: "bento", Error: "no broker"},
		},
	}
	var text strings.Builder
	if err := r.publish(dir, &text); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"SHORT RUN", "leadbridge v1: default settings", "other work took 30.0 %", "| 1204 |", "| 61 |", "199 of 200", "NOT PLAYED"} {
		if !strings.Contains(text.String(), strings.ReplaceAll(want, "| ", "")) {
			t.Errorf("%q is not in the text\n%s", want, text.String())
		}
	}
	data, err := os.ReadFile(filepath.Join(dir, "peers.json"))
	if err != nil {
		t.Fatal(err)
	}
	var back report
	if err := json.Unmarshal(data, &back); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(r.Outcomes, back.Outcomes); diff != "" {
		t.Error(diff)
	}
}

// TestFailure fails a run for what leadbridge promises, and for nothing that others do.
func TestFailure(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		outcome outcome
		fails   bool
	}{
		"not played":               {outcome{Contestant: "naive", Error: "no broker"}, true},
		"a second contact of ours": {outcome{Contestant: "leadbridge", Second: 1}, true},
		"a lost lead of ours":      {outcome{Contestant: "leadbridge", Lost: 1}, true},
		"a wrong letter of ours":   {outcome{Contestant: "leadbridge", Wrong: 1}, true},
		"ours waits":               {outcome{Contestant: "leadbridge", Waiting: 1}, false},
		"all of it of others":      {outcome{Contestant: "naive", Second: 1, Lost: 1, Wrong: 1}, false},
	} {
		if err := (report{Outcomes: []outcome{c.outcome}}).failure(); (err != nil) != c.fails {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestCasesAreWhole(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, c := range troubles() {
		if seen[c.Name] || c.Title == "" || c.play == nil || c.Alone == (c.Grace > 0) {
			t.Errorf("%s is there twice, or lacks something", c.Name)
		}
		seen[c.Name] = true
	}
}
