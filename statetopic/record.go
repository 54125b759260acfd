package statetopic

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// prefix begins the keys of the format that this program reads and writes.
const prefix = "v1/"

// Bounds of what is read. All of it is from the topic, which others may write.
const (
	maxKey        = 300
	maxValue      = 64 << 10
	maxCount      = 1 << 40 // the sum of all that a view holds is an int64
	maxCauses     = 32
	maxPartitions = 10_000
)

var (
	hostName = regexp.MustCompile(`^[a-zA-Z0-9._-]{1,128}$`)
	runName  = regexp.MustCompile(`^[0-9a-f]{16}$`)
	word     = regexp.MustCompile(`^[a-z_]{1,40}$`)
	version  = regexp.MustCompile(`^[a-zA-Z0-9._+() -]{0,100}$`)
)

// process names one process: a host, and a random number for the time from its start to its end.
type process struct{ host, run string }

// heard is the value of a process's own record.
type heard struct {
	At      time.Time `json:"at"` // when it was written
	Started time.Time `json:"started"`
	Version string    `json:"version"`
	Now
	Open []openValue `json:"open,omitempty"`
}

// openValue is a bucket that is still open.
type openValue struct {
	Seconds int64 `json:"seconds"` // width
	bucket
}

// record is what a key and its value say. One of bucket and heard is nil, or both are: then it is a tombstone.
type record struct {
	process
	width time.Duration // 0: of a process's own record
	start int64
	*bucket
	heard *heard
}

// key returns the key of a process's own record.
func (p process) key() string { return prefix + "now/" + p.host + "/" + p.run }

// bucketKey returns the key of a bucket.
func (p process) bucketKey(width time.Duration, start int64) string {
	return fmt.Sprintf("%s%d/%d/%s/%s", prefix, int64(width/time.Second), start, p.host, p.run)
}

// errOtherFormat says that another version of this program wrote the record.
var errOtherFormat = errors.New("the key is of another format")

// decode reads a record. It fails when the record is not one of ours, or holds what cannot be.
func decode(key, value []byte) (record, error) {
	r, err := decodeKey(key)
	if err != nil || value == nil {
		return r, err
	}
	if len(value) > maxValue {
		return r, fmt.Errorf("the value has %d bytes", len(value))
	}
	if r.width == 0 {
		r.heard = new(heard)
		if err := json.Unmarshal(value, r.heard); err != nil {
			return r, err
		}
		return r, r.heard.check()
	}
	r.bucket = new(bucket)
	if err := json.Unmarshal(value, r.bucket); err != nil {
		return r, err
	}
	r.bucket.Start, r.bucket.Width = r.start, r.width
	return r, r.bucket.check()
}

func decodeKey(key []byte) (r record, err error) {
	if len(key) > maxKey {
		return r, fmt.Errorf("the key has %d bytes", len(key))
	}
	text, ours := strings.CutPrefix(string(key), prefix)
	if !ours {
		return r, errOtherFormat
	}
	parts := strings.Split(text, "/")
	switch {
	case len(parts) == 3 && parts[0] == "now":
		r.process = process{parts[1], parts[2]}
	case len(parts) == 4:
		seconds, _ := strconv.ParseInt(parts[0], 10, 64)
		r.width = time.Duration(seconds) * time.Second
		if r.start, err = strconv.ParseInt(parts[1], 10, 64); err != nil {
			return r, err
		}
		if !validSpan(seconds, r.start) {
			return r, errors.New("the key names no span of time")
		}
		r.process = process{parts[2], parts[3]}
	default:
		return r, errors.New("the key has other parts")
	}
	if !hostName.MatchString(r.host) || !runName.MatchString(r.run) {
		return r, errors.New("the key names no process")
	}
	return r, nil
}

// validSpan reports whether there are buckets of that width and start, both in seconds.
func validSpan(seconds, start int64) bool {
	for width := range widths() {
		if int64(width/time.Second) == seconds {
			return start > 0 && start < maxCount && start%seconds == 0
		}
	}
	return false
}

func (b *bucket) check() error {
	for _, n := range []int64{b.Created, b.Found, b.Matched, b.Letters} {
		if n < 0 || n > maxCount {
			return errors.New("a count is out of bounds")
		}
	}
	if len(b.HeldSeconds) > maxCauses {
		return errors.New("there are too many causes")
	}
	for cause, seconds := range b.HeldSeconds {
		if !word.MatchString(cause) || !validSeconds(&seconds) {
			return errors.New("a hold cannot be")
		}
	}
	return checkLag(b.Lag, b.LagSeconds)
}

func checkLag(lag *int64, seconds *float64) error {
	if lag != nil && (*lag < 0 || *lag > maxCount) || seconds != nil && !validSeconds(seconds) {
		return errors.New("the lag is out of bounds")
	}
	return nil
}

func validSeconds(s *float64) bool { return *s >= 0 && *s <= maxCount && !math.IsNaN(*s) }

func (h *heard) check() error {
	if !version.MatchString(h.Version) || !word.MatchString(h.State) || h.At.IsZero() {
		return errors.New("the process says nothing of its version, state or time")
	}
	for _, at := range []*time.Time{&h.At, &h.Started} {
		// Some zones and years can be read, and not be written again for the page.
		if *at = at.UTC(); at.Year() < 0 || at.Year() > 9999 {
			return errors.New("a time is out of bounds")
		}
	}
	if len(h.Partitions) > maxPartitions || h.InFlight < 0 || h.Waiting < 0 || len(h.Holds) > maxCauses || len(h.Open) > len(widths()) {
		return errors.New("the state of the process is out of bounds")
	}
	for _, p := range h.Partitions {
		if p < 0 {
			return errors.New("a partition is negative")
		}
	}
	for _, cause := range h.Holds {
		if !word.MatchString(cause) {
			return errors.New("a hold cannot be")
		}
	}
	for i := range h.Open {
		b := &h.Open[i]
		if b.Width = time.Duration(b.Seconds) * time.Second; !validSpan(b.Seconds, b.Start) {
			return errors.New("an open bucket has no span of time")
		}
		if err := b.check(); err != nil {
			return err
		}
	}
	return checkLag(h.Lag, h.LagSeconds)
}

// cleanHost returns a host's name as keys and readers take it.
func cleanHost(name string) string {
	clean := strings.Map(func(r rune) rune {
		if hostName.MatchString(string(r)) {
			return r
		}
		return '-'
	}, name)
	if clean == "" {
		return "unknown"
	}
	return clean[:min(len(clean), 128)]
}

// cleanVersion returns a version as readers take it.
func cleanVersion(text string) string {
	if version.MatchString(text) {
		return text
	}
	return "unknown"
}
