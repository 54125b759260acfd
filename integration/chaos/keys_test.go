package main

import (
	"os"
	"testing"
)

func keyIn(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestRotationOfKeys revokes all keys: a process that starts then has a good one, the others get theirs later.
func TestRotationOfKeys(t *testing.T) {
	t.Parallel()
	k, err := newKeyring(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	issue := func(name string) string {
		file, err := k.issue(name)
		if err != nil {
			t.Fatal(err)
		}
		return file
	}
	one := issue("member-0.3")
	if key := keyIn(t, one); !k.good(key) || holderOf(key) != "member-0.3" {
		t.Errorf("key %q", key)
	}
	k.revoke()
	two := issue("guest.0")
	if k.good(keyIn(t, one)) || !k.good(keyIn(t, two)) {
		t.Error("an old key is good, or a new one is not")
	}
	if err := k.renew(); err != nil {
		t.Fatal(err)
	}
	if !k.good(keyIn(t, one)) || !k.good(keyIn(t, two)) || k.good("vibe_api_stranger") {
		t.Error("a renewed key is not good, or a stranger's is")
	}
	k.withdraw("guest.0")
	if _, err := os.Stat(two); !os.IsNotExist(err) {
		t.Errorf("the key of a process that is gone stays: %v", err)
	}
}
