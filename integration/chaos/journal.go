package main

import (
	"encoding/json"
	"regexp"
	"sync"
	"time"
)

// journal is what the run needs to know of a process's log.
type journal struct {
	mu       sync.Mutex
	assigned []time.Time // when partitions were taken up
	personal []string    // lines with personal data
	panics   []string
	http     string // where it answers
}

func newJournal() *journal { return &journal{} }

// personalData is what a lead's phone, e-mail and name look like.
var personalData = regexp.MustCompile(`\+?7916\d{7}|@chaos\.example|Nobody \d`)

// read takes a line over.
func (j *journal) read(line []byte) {
	var entry struct {
		Time time.Time `json:"time"`
		Msg  string    `json:"msg"`
		HTTP string    `json:"http"`
	}
	_ = json.Unmarshal(line, &entry) // a panic is no JSON
	j.mu.Lock()
	defer j.mu.Unlock()
	switch {
	case entry.Msg == "started":
		j.http = entry.HTTP
	case entry.Msg == "partitions assigned":
		j.assigned = append(j.assigned, entry.Time)
	case entry.Msg == "", entry.Msg == "processing a record panicked":
		j.panics = append(j.panics, string(line))
	}
	if personalData.Match(line) {
		j.personal = append(j.personal, string(line))
	}
}

// assignedSince is the first time at or after t when partitions were taken up;
// false when that was never.
func (j *journal) assignedSince(t time.Time) (time.Time, bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, at := range j.assigned {
		if !at.Before(t.Truncate(time.Millisecond)) {
			return at, true
		}
	}
	return time.Time{}, false
}

// address is where the process answers.
func (j *journal) address() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.http
}
