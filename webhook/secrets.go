package webhook

import (
	"bytes"
	"encoding/base64"
	"errors"
	"io/fs"
	"strings"
	"sync"
	"time"
)

// secrets are the secrets of one source: several while one is being replaced. Files are read again every second, so
// that a new secret needs no restart, and a removed one loses its force.
type secrets struct {
	fixed  [][]byte // from the environment
	read   func(name string) ([]byte, error)
	decode func(text string) ([]byte, error)

	mu       sync.Mutex
	onChange func(file string, why error) // guarded by mu; nil: none
	filed    []filedSecret                // guarded by mu
	readAt   time.Time                    // guarded by mu; when the files were last read
}

// filedSecret is a secret from a file.
type filedSecret struct {
	file   string
	key    []byte    // nil: it admits nobody
	goodAt time.Time // when the key was last read
	fault  string    // why the file could not be used when it was last read; "": it could
}

const (
	// secretAge is how long a secret that was read from a file is used before the file is read again.
	secretAge = time.Second
	// secretKept is how long a secret stays in force when its file cannot be read: while it is
	// being replaced it may be away for a moment, but a file that was deleted revokes its secret.
	secretKept = time.Minute
)

// watch has onChange called when a file cannot be read any more, or has no valid secret, and with a nil error when it has
// one again.
func (s *secrets) watch(onChange func(file string, why error)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.onChange = onChange
}

// any reports whether one of the secrets fits. It tries all of them, so that the time it takes does not show which one
// did.
func (s *secrets) any(now time.Time, fits func(key []byte) bool) bool {
	found := false
	for _, key := range s.fixed {
		found = fits(key) || found
	}
	for _, key := range s.fromFiles(now) {
		found = fits(key) || found
	}
	return found
}

// fromFiles returns the secrets in the files, which it reads again when secretAge has passed. Of a file that cannot be
// read, the last one is returned for secretKept.
func (s *secrets) fromFiles(now time.Time) (keys [][]byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if now.Sub(s.readAt) >= secretAge {
		s.readAt = now
		for i := range s.filed {
			s.refresh(&s.filed[i], now)
		}
	}
	for _, f := range s.filed {
		if f.key != nil {
			keys = append(keys, f.key)
		}
	}
	return keys
}

// refresh reads a file again.
func (s *secrets) refresh(f *filedSecret, now time.Time) {
	key, err := s.readFile(f.file)
	switch {
	case err == nil:
		f.key, f.goodAt = key, now
	case errors.Is(err, errEmpty), now.Sub(f.goodAt) >= secretKept:
		f.key = nil
	}
	fault := ""
	if err != nil {
		fault = err.Error()
	}
	if fault != f.fault && s.onChange != nil {
		s.onChange(f.file, err)
	}
	f.fault = fault
}

// readFile returns the secret in a file; the error says nothing of what it holds, nor its name.
func (s *secrets) readFile(name string) ([]byte, error) {
	text, err := s.read(name)
	if pathErr, ok := errors.AsType[*fs.PathError](err); ok {
		err = pathErr.Err
	}
	if err != nil {
		return nil, err
	}
	return s.decode(strings.TrimSpace(string(text)))
}

var (
	errEmpty     = errors.New("is empty")
	errNotBase64 = errors.New("is not Base64")
	errNoSecret  = errors.New("holds a line end or another control character")
)

// plainSecret returns a secret that is used as it is written.
func plainSecret(text string) ([]byte, error) {
	switch {
	case text == "":
		return nil, errEmpty
	case strings.ContainsFunc(text, func(c rune) bool { return c < ' ' || c == 0x7f }):
		return nil, errNoSecret
	}
	return []byte(text), nil
}

// standardSecret decodes a secret in Base64, with or without whsec_ before it; some providers write v1, before that.
func standardSecret(text string) ([]byte, error) {
	text = strings.TrimPrefix(strings.TrimPrefix(text, "v1,"), "whsec_")
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
