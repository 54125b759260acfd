package main

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
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
	kills    int
	peak     usage
}

// absence is a time in which a slot's process could not renew its lease: it was
// stopped, or cut off from the brokers.
type absence struct {
	slot     string
	from, to time.Time
}

// errInUse says that another run has not ended yet: after an interruption one puts right what it has broken
// before it goes.
var errInUse = errors.New("another run works in the directory")

// openBook begins the action log of a run, or goes on with that of an earlier one.
func openBook(dir string, out io.Writer) (*book, error) {
	file, err := os.OpenFile(filepath.Join(dir, "actions.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("action log: %w", err)
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return nil, errors.Join(fmt.Errorf("%w: %s", errInUse, dir), file.Close())
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

// struck notes a blow.
func (b *book) struck(a action) {
	b.note("%v", a)
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.blows[a.blow]++; a.blow.kills() {
		b.kills++
	}
}

// killed counts a kill that is no blow by itself.
func (b *book) killed() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.kills++
}

// weigh notes what a process has.
func (b *book) weigh(u usage) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.peak = most(b.peak, u)
}

// turn ends a round: what it noted of absences, kills and peaks is over.
func (b *book) turn() (kills int, peak usage) {
	b.mu.Lock()
	defer b.mu.Unlock()
	kills, peak = b.kills, b.peak
	b.kills, b.peak, b.absences = 0, usage{}, nil
	return kills, peak
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
