package crmclient

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/leadbridge/leadbridge/crmclient/internal/vibe"
)

// transition is one edge of the diagram.
type transition struct{ from, on, to string }

// transitions are those of state.after.
func transitions() []transition {
	var all []transition
	for s := range state(len(stateNames)) {
		for t := range triggers {
			if next, ok := s.after(t); ok {
				all = append(all, transition{s.String(), t.String(), next.String()})
			}
		}
	}
	return all
}

// The diagram of docs/delivery.md has exactly the transitions of the code.
func TestDiagramShowsTheTransitions(t *testing.T) {
	page, err := os.ReadFile("../docs/delivery.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, ok := strings.Cut(string(page), "\n## An event with the CRM\n")
	if !ok {
		t.Fatal("docs/delivery.md has no section \"An event with the CRM\"")
	}
	section, _, _ = strings.Cut(section, "\n## ")
	var shown []transition
	var begins, ends []string
	for _, edge := range regexp.MustCompile(`(?m)^ +(\S+) --> (\S+?)(?:: (.+))?$`).FindAllStringSubmatch(section, -1) {
		switch from, to := edge[1], edge[2]; {
		case from == "[*]":
			begins = append(begins, to)
		case to == "[*]":
			ends = append(ends, from)
		default:
			for on := range strings.SplitSeq(edge[3], ", ") {
				shown = append(shown, transition{from, on, to})
			}
		}
	}
	code := transitions()
	for _, e := range code {
		if !slices.Contains(shown, e) {
			t.Errorf("the diagram lacks %s --> %s: %s", e.from, e.to, e.on)
		}
	}
	for _, e := range shown {
		if !slices.Contains(code, e) {
			t.Errorf("the code has no transition %s --> %s: %s", e.from, e.to, e.on)
		}
	}
	if !slices.Equal(begins, []string{"Fresh", "Suspect"}) || !slices.Equal(ends, []string{"Done", "Rejected", "NotWritten"}) {
		t.Errorf("the diagram begins with %v and ends with %v", begins, ends)
	}
}

// What may never be, whatever the transitions are.
func TestTransitionsAreSafe(t *testing.T) {
	all := transitions()
	for s := range state(len(stateNames)) {
		var out []string
		for _, e := range all {
			if e.from == s.String() {
				out = append(out, e.on)
			}
		}
		switch {
		case s.ended():
			if len(out) > 0 {
				t.Errorf("%v is an end, but %v leads on", s, out)
			}
		case s.looksUp(): // no create, and no letter, before a look-up has told
			if !slices.Equal(out, []string{"found", "absent", "give up"}) {
				t.Errorf("%v is left on %v", s, out)
			}
		case len(out) == 0:
			t.Errorf("no way leads on from %v", s)
		}
	}
	for _, e := range all {
		if e.to == stateRejected.String() && e.from != stateRefused.String() {
			t.Errorf("%s becomes a letter without a refusal that stands", e.from)
		}
		if e.on == onGiveUp.String() != (e.to == stateNotWritten.String()) {
			t.Errorf("%s --> %s: %s", e.from, e.to, e.on)
		}
		if e.to == stateInDoubt.String() && e.on != onDoubt.String() || e.on == onFound.String() && e.to != stateDone.String() {
			t.Errorf("%s --> %s: %s", e.from, e.to, e.on)
		}
	}
}

// Every state can be reached, and every end from every state.
func TestStatesAreReached(t *testing.T) {
	all := transitions()
	reach := func(from ...string) []string {
		for i := 0; i < len(from); i++ {
			for _, e := range all {
				if e.from == from[i] && !slices.Contains(from, e.to) {
					from = append(from, e.to)
				}
			}
		}
		return from
	}
	reached := reach(stateFresh.String(), stateSuspect.String())
	for _, name := range stateNames {
		if !slices.Contains(reached, name) {
			t.Errorf("nothing leads to %s", name)
		}
		if to := reach(name); !slices.Contains([]string{"Done", "Rejected", "NotWritten"}, name) && !(slices.Contains(to, "Done") && slices.Contains(to, "Rejected")) {
			t.Errorf("from %s lead only ways to %v", name, to)
		}
	}
	if len(triggerNames) != int(triggers) {
		t.Errorf("%d names of %d triggers", len(triggerNames), triggers)
	}
}

func TestMovePanicsWithoutATransition(t *testing.T) {
	defer func() {
		if got, want := fmt.Sprint(recover()), "crmclient: no transition from Fresh on created"; got != want {
			t.Errorf("panic %q, want %q", got, want)
		}
	}()
	s := newStep(vibe.Contacts, false, false)
	s.transition(onCreated)
	t.Error("it moved")
}

func TestStepBegins(t *testing.T) {
	for _, test := range []struct {
		suspect, lookUp bool
		want            state
		once            bool
	}{
		{false, false, stateFresh, true},
		{true, false, stateSuspect, false},
		{false, true, stateSuspect, true}, // CRM_LOOKUP=always: nobody has reason to suspect it
		{true, true, stateSuspect, false},
	} {
		s := newStep(vibe.Contacts, test.suspect, test.lookUp)
		if s.state != test.want || s.oneAbsenceSuffices != test.once || s.everUncertain != test.suspect {
			t.Errorf("newStep(%v, %v) = %v, once %v, uncertain %v", test.suspect, test.lookUp, s.state, s.oneAbsenceSuffices, s.everUncertain)
		}
	}
}
