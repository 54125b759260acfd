package webhook

import (
	"bytes"
	"encoding/base64"
	"errors"
	"strings"
	"sync"
	"time"
)

// secrets are those of one source: several while one is being replaced. Files
// are read again when nothing fits, so that a new secret needs no restart.
type secrets struct {
	fixed  [][]byte // of the environment
	files  []string
	read   func(name string) ([]byte, error)
	decode func(text string) ([]byte, error)

	mu     sync.Mutex
	filed  [][]byte  // guarded by mu; of the files, as last read
	readAt time.Time // guarded by mu
}

// rereadAfter bounds how often wrong signatures make us read files.
const rereadAfter = time.Second

// any tells whether one of the secrets fits. It tries all of them: how long it
// takes does not tell which one did.
func (s *secrets) any(now time.Time, fits func(key []byte) bool) bool {
	if anyOf(s.fixed, fits) {
		return true
	}
	keys, fresh := s.fromFiles(now, false)
	if anyOf(keys, fits) {
		return true
	}
	if fresh || len(s.files) == 0 {
		return false
	}
	keys, fresh = s.fromFiles(now, true)
	return fresh && anyOf(keys, fits)
}

func anyOf(keys [][]byte, fits func([]byte) bool) bool {
	found := false
	for _, key := range keys {
		found = fits(key) || found
	}
	return found
}

// fromFiles gives the files' secrets; again asks to have them read anew, which
// is done (fresh) when the last time is long enough ago. What cannot be read
// leaves the old one in force.
func (s *secrets) fromFiles(now time.Time, again bool) (keys [][]byte, fresh bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !again || now.Sub(s.readAt) < rereadAfter {
		return s.filed, false
	}
	s.readAt = now
	filed := make([][]byte, 0, len(s.files))
	for _, name := range s.files {
		text, err := s.read(name)
		if err != nil {
			return s.filed, false
		}
		key, err := s.decode(strings.TrimSpace(string(text)))
		if err != nil {
			return s.filed, false
		}
		filed = append(filed, key)
	}
	s.filed = filed
	return s.filed, true
}

var (
	errEmpty     = errors.New("is empty")
	errNotBase64 = errors.New("is no Base64")
	errNoSecret  = errors.New("holds a line end or another control character")
)

// plainSecret is used as it stands.
func plainSecret(text string) ([]byte, error) {
	switch {
	case text == "":
		return nil, errEmpty
	case strings.ContainsFunc(text, func(c rune) bool { return c < ' ' || c == 0x7f }):
		return nil, errNoSecret
	}
	return []byte(text), nil
}

// standardSecret is Base64 behind whsec_, which may be missing.
func standardSecret(text string) ([]byte, error) {
	text = strings.TrimPrefix(text, "whsec_")
	if text == "" {
		return nil, errEmpty
	}
	key, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		key, err = base64.RawStdEncoding.DecodeString(text)
	}
	if err != nil {
		return nil, errNotBase64
	}
	if len(bytes.TrimSpace(key)) == 0 {
		return nil, errEmpty
	}
	return key, nil
}
