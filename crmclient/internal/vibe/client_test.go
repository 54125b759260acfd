package vibe

import (
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// A renewed secret shows at once, is used by the next call, and shows no more then.
func TestKeyChanged(t *testing.T) {
	var got string
	refuse := false
	handler := func(w http.ResponseWriter, r *http.Request) {
		got = r.Header.Get("X-Api-Key") + " " + r.Header.Get("Authorization")
		if refuse {
			w.WriteHeader(http.StatusUnauthorized)
		}
	}
	key, token := filepath.Join(t.TempDir(), "key"), filepath.Join(t.TempDir(), "token")
	write(t, key, "vibe_app_1\n")
	write(t, token, "session-1\n")
	c := answering(t, handler)
	var err error
	if c.keys, err = newKeyring(Secret{File: key}, Secret{File: token}); err != nil {
		t.Fatal(err)
	}
	used := func(changed bool, want string) {
		t.Helper()
		if c.KeyChanged() != changed {
			t.Errorf("changed: %v", !changed)
		}
		c.Do(t.Context(), Me())
		if got != want {
			t.Errorf("sent %q, want %q", got, want)
		}
	}
	used(false, "vibe_app_1 Bearer session-1")
	write(t, key, "vibe_app_2\n\n")
	used(true, "vibe_app_2 Bearer session-1")
	used(false, "vibe_app_2 Bearer session-1")
	write(t, token, "session-2")
	used(true, "vibe_app_2 Bearer session-2")
	write(t, key, "")
	used(false, "vibe_app_2 Bearer session-2")
	if err := os.Remove(key); err != nil {
		t.Fatal(err)
	}
	used(false, "vibe_app_2 Bearer session-2")
	// After a refusal the files are read again without being asked.
	refuse = true
	c.Do(t.Context(), Me())
	write(t, key, "vibe_app_3")
	c.Do(t.Context(), Me())
	if got != "vibe_app_3 Bearer session-2" {
		t.Errorf("sent %q", got)
	}
	if values := newClient(t, Config{BaseURL: "http://crm.test", APIKey: Secret{Value: "vibe_api_1"}}); values.KeyChanged() || values.HasSession() || !c.HasSession() {
		t.Error("a value has changed, or is a session")
	}
}

// A personal key works alone, whatever session is left over in the settings.
func TestPersonalKeySendsNoSession(t *testing.T) {
	var got []string
	c := answering(t, func(_ http.ResponseWriter, r *http.Request) { got = r.Header["Authorization"] })
	var err error
	if c.keys, err = newKeyring(Secret{Value: "vibe_api_1"}, Secret{Value: "session"}); err != nil {
		t.Fatal(err)
	}
	if c.Do(t.Context(), Me()); got != nil {
		t.Errorf("sent %q", got)
	}
}

func TestOutcomesHoldNoSecret(t *testing.T) {
	c := answering(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Request-Id", "vibe_api_1")
		w.WriteHeader(http.StatusBadRequest)
		_, _ = io.WriteString(w, `{"error":{"code":"vibe_api_1","message":"`+strings.Repeat("x", maxMessage-1)+`vibe_api_1"}}`)
	})
	o := c.Do(t.Context(), Me())
	if o.Code != "" || o.RequestID != "" || o.Message != strings.Repeat("x", maxMessage-1)+"*" {
		t.Errorf("%q, %q, %q", o.Code, o.RequestID, o.Message[len(o.Message)-20:])
	}
}

func TestSkew(t *testing.T) {
	c := answering(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Date", time.Now().Add(time.Hour).UTC().Format(http.TimeFormat))
	})
	if c.Skew() != 0 {
		t.Errorf("%v before the first answer", c.Skew())
	}
	if c.Do(t.Context(), Me()); (c.Skew() - time.Hour).Abs() > time.Minute {
		t.Errorf("%v ahead", c.Skew())
	}
}

func TestPlainID(t *testing.T) {
	for given, want := range map[string]string{
		"A-z_0.9:": "A-z_0.9:", "": "", "a b": "", "ж": "", "a\n": "", strings.Repeat("a", 64): strings.Repeat("a", 64), strings.Repeat("a", 65): "",
	} {
		if got := PlainID(given); got != want {
			t.Errorf("%q: %q", given, got)
		}
	}
}

func TestBatchTime(t *testing.T) {
	for calls, want := range map[int]time.Duration{0: 0, 1: 0, 2: 200 * time.Millisecond, 50: 9800 * time.Millisecond} {
		if got := BatchTime(calls); got != want {
			t.Errorf("%d calls: %v", calls, got)
		}
	}
}
