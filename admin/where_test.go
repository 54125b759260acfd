package admin

import (
	"testing"
	"time"

	"github.com/leadbridge/leadbridge/dlt"
	"github.com/leadbridge/leadbridge/find"
)

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
