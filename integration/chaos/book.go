package main

import (
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

// clock is how logs tell the time; all of them in UTC.
const clock = "15:04:05.000"

// book is the action log: what was done when, and what was noticed meanwhile.
type book struct {
	began time.Time
	file  *os.File
	out   io.Writer

	mu       sync.Mutex
	breaches []string
	blows    map[blow]int
	absences []absence
}

// absence is a time in which a slot's process could not renew its lease: it was
// stopped, or cut off from the brokers.
type absence struct {
	slot     string
	from, to time.Time
}

func openBook(dir string, out io.Writer) (*book, error) {
	file, err := os.Create(filepath.Join(dir, "actions.log"))
	if err != nil {
		return nil, fmt.Errorf("action log: %w", err)
	}
	return &book{began: time.Now(), file: file, out: out, blows: map[blow]int{}}, nil
}

// note writes a line.
func (b *book) note(format string, args ...any) {
	now := time.Now()
	line := fmt.Sprintf("%s %+7.2fs  %s\n", now.UTC().Format(clock), now.Sub(b.began).Seconds(), fmt.Sprintf(format, args...))
	b.mu.Lock()
	defer b.mu.Unlock()
	_, _ = io.WriteString(b.file, line) // it is for people
	_, _ = io.WriteString(b.out, line)
}

// breach notes that something broke a promise.
func (b *book) breach(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	b.note("BREACH %s", text)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.breaches = append(b.breaches, text)
}

// deal notes a blow.
func (b *book) deal(a action) {
	b.note("%v", a)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.blows[a.blow]++
}

// away notes an absence.
func (b *book) away(slot string, from, to time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.absences = append(b.absences, absence{slot, from, to})
}

// dealt counts the blows.
func (b *book) dealt() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return counted(b.blows)
}

func (b *book) found() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.breaches
}

// counted tells counts by their names.
func counted[K ~string](counts map[K]int) string {
	var text strings.Builder
	for _, name := range slices.Sorted(maps.Keys(counts)) {
		fmt.Fprintf(&text, " %s=%d", string(name), counts[name])
	}
	return text.String()
}

func (b *book) close() { b.file.Close() }
