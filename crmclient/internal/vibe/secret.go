package vibe

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
)

// Secret is a value, or a file that holds one and is read again when the
// value stops working. It prints as ***.
type Secret struct {
	Value string
	File  string
}

const masked = "***"

// String hides the value.
func (Secret) String() string { return masked }

// GoString hides the value from %#v.
func (Secret) GoString() string { return masked }

// MarshalText hides the value from encoders, loggers among them.
func (Secret) MarshalText() ([]byte, error) { return []byte(masked), nil }

// keyring holds the credentials that are in use.
type keyring struct {
	key, token Secret

	mu         sync.Mutex
	keyValue   string // guarded by mu, as all below
	tokenValue string
	stale      bool     // the portal did not accept the values: the files must be read again
	seen       []string // every value that was ever in use, the longest first
}

func newKeyring(key, token Secret) (*keyring, error) {
	k := &keyring{key: key, token: token}
	var faults [2]error
	k.keyValue, faults[0] = key.read("CRM_API_KEY")
	k.tokenValue, faults[1] = token.read("CRM_SESSION_TOKEN")
	k.remember()
	return k, errors.Join(faults[:]...)
}

// read returns the secret's value. Errors name the setting, never its value.
func (s Secret) read(setting string) (string, error) {
	value := s.Value
	if s.File != "" {
		content, err := os.ReadFile(s.File)
		if err != nil {
			return "", fmt.Errorf("%s_FILE cannot be read, give a readable file: %w", setting, err)
		}
		value = string(content)
		if strings.TrimSpace(value) == "" {
			return "", fmt.Errorf("%s_FILE is empty: put the secret into it", setting)
		}
	}
	value = strings.TrimSpace(value)
	for _, r := range value {
		if r <= ' ' || r > '~' {
			return "", fmt.Errorf("%s holds a blank or a character that no key has: copy it again", setting)
		}
	}
	return value, nil
}

// doubt notes that the portal did not accept the credentials.
func (k *keyring) doubt() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.stale = true
}

// current returns the credentials. After doubt it reads their files again. If a file cannot be read
// now, for example because it is being replaced, the old value stays.
func (k *keyring) current() (key, token string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.stale {
		k.stale = false
		k.keyValue, k.tokenValue = k.key.renewed(k.keyValue), k.token.renewed(k.tokenValue)
		k.remember()
	}
	return k.keyValue, k.tokenValue
}

// changed reports whether a file has another value than the one in use. If so, the next call of current
// returns the new value.
func (k *keyring) changed() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.key.renewed(k.keyValue) == k.keyValue && k.token.renewed(k.tokenValue) == k.tokenValue {
		return false
	}
	k.stale = true
	return true
}

// renewed returns the value that the secret has now, or inUse if it cannot be read.
func (s Secret) renewed(inUse string) string {
	value, err := s.read("")
	if err != nil {
		return inUse
	}
	return value
}

// leastSecret is the least length in bytes of a value that is hidden in texts. Shorter values may be parts
// of ordinary words.
const leastSecret = 4

// remember adds the values in use to those that are hidden. The caller holds the lock, or nobody else has the keyring yet.
func (k *keyring) remember() {
	for _, v := range [...]string{k.keyValue, k.tokenValue} {
		if len(v) >= leastSecret && !slices.Contains(k.seen, v) {
			k.seen = append(k.seen, v)
		}
	}
	// A value may begin with another one, so longer ones must be replaced first.
	slices.SortFunc(k.seen, func(a, b string) int { return len(b) - len(a) })
}

// hide masks, in a text from outside, every value that was ever in use.
func (k *keyring) hide(s string) string {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, v := range k.seen {
		s = strings.ReplaceAll(s, v, masked)
	}
	return s
}
