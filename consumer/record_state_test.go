package consumer

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestRecordStatesAreThoseOfTheDiagram compares the picture in docs/delivery.md with the transition function.
func TestRecordStatesAreThoseOfTheDiagram(t *testing.T) {
	text, err := os.ReadFile("../docs/delivery.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, found := strings.Cut(string(text), "A record's life in `consumer`")
	if !found {
		t.Fatal("docs/delivery.md does not draw a record's life")
	}
	section, _, _ = strings.Cut(section, "\n```\n")
	var drawn []string
	for _, edge := range regexp.MustCompile(`(?m)^    (\w+) --> (\w+): (.+)$`).FindAllStringSubmatch(section, -1) {
		drawn = append(drawn, fmt.Sprintf("%s --> %s: %s", edge[1], edge[2], edge[3]))
	}
	var coded []string
	for _, s := range []recordState{stateWaiting, stateWithCRM, stateParked, stateWritingLetter, stateWritingResult, stateDone} {
		for _, e := range recordEvents() {
			if next, err := s.after(e); err == nil {
				coded = append(coded, fmt.Sprintf("%s --> %s: %s", s, next, e))
			}
		}
	}
	slices.Sort(drawn)
	slices.Sort(coded)
	if diff := cmp.Diff(coded, drawn); diff != "" {
		t.Errorf("(-code +picture):\n%s", diff)
	}
}

func TestRecordThatIsDoneMeetsNothing(t *testing.T) {
	for _, e := range recordEvents() {
		if s, err := stateDone.after(e); err == nil || s != stateDone {
			t.Errorf("a done record meets %q: %s, %v", e, s, err)
		}
	}
	if s, err := stateParked.after(eventTurn); err == nil || s != stateParked {
		t.Errorf("a parked record went to the CRM without being read again: %s, %v", s, err)
	}
}

// recordEvents returns all events of records.
func recordEvents() []recordEvent {
	return []recordEvent{
		eventTurn, eventHeld, eventBehind, eventLookedUp, eventUnread, eventUseless, eventRepeat, eventDeferred, eventRefused, eventMade, eventUnwritable, eventWritten, eventDue, eventGone,
	}
}
