package vibe

import (
	"testing"
	"time"
)

// Answers show phones and e-mails in several shapes.
func TestPointOfARow(t *testing.T) {
	for text, want := range map[string]string{
		`{"phone":"+7916"}`:                          "+7916",
		`{"phone":["+7916","+7917"]}`:                "+7916",
		`{"phone":[{"value":"+7916","typeId":"W"}]}`: "+7916",
		`{"phone":{"value":"+7916"}}`:                "+7916",
		`{"phone":[]}`:                               "",
		`{"phone":null}`:                             "",
		`{"phone":7916}`:                             "",
		`{}`:                                         "",
	} {
		if got := Row(text).Point("phone"); got != want {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
}

func TestTimeOfARow(t *testing.T) {
	at, ok := Row(`{"createdTime":"2026-04-15T12:26:17+03:00"}`).Time("createdTime")
	if want := time.Date(2026, 4, 15, 9, 26, 17, 0, time.UTC); !ok || !at.Equal(want) {
		t.Errorf("%v, %v, want %v", at, ok, want)
	}
	for _, text := range []string{`{}`, `{"createdTime":null}`, `{"createdTime":"2026-04-15 12:26:17"}`} {
		if at, ok := Row(text).Time("createdTime"); ok {
			t.Errorf("%s: %v", text, at)
		}
	}
}
