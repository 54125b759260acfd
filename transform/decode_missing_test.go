package transform

import (
	"errors"
	"testing"
)

// A value that could not be kept is refused for what it was, not for being empty; its identity is that of its place.
func TestMissingValueIsRefusedForWhatItWas(t *testing.T) {
	t.Parallel()
	tr, err := New(Options{})
	if err != nil {
		t.Fatal(err)
	}
	for missing, want := range map[Missing]Reason{MissingTooLong: ReasonTooLarge, MissingUnreadable: ReasonMalformed} {
		event, err := tr.Decode(Record{Topic: "leads", Offset: 7, Value: []byte{}, Missing: missing})
		no, ok := errors.AsType[*Rejection](err)
		if !ok || no.Reason != want || no.Message == "the value is empty" || event.ID == "" {
			t.Errorf("missing %d: %v, id %q", missing, err, event.ID)
		}
	}
}
