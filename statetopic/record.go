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

// Bounds of the records that are accepted, as anybody may have written to the topic.
const (
	maxKey        = 300
	maxValue      = 64 << 10
	maxCount      = 1 << 40 // so that the sum of all counts of a view does not overflow an int64
	maxCauses     = 32
	maxPartitions = 10_000
)

var (
	hostName = regexp.MustCompile(`^[a-zA-Z0-9._-]{1,128}$`)
	runName  = regexp.MustCompile(`^[0-9a-f]{16}$`)
	word     = regexp.MustCompile(`^[a-z_]{1,40}$`)
	version  = regexp.MustCompile(`^[a-zA-Z0-9._+() -]{0,100}$`)
)

// process names a process by its host and a random number.
type process struct{ host, run string }

// heard is the value of a process's record about itself.
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

// record is a decoded record. Of bucket and heard only one is set, or none if the record is a tombstone.
type record struct {
	process
	width time.Duration // the bucket's width; 0: the record is a process's record about itself
	start int64
	*bucket
	heard *heard
}

// key returns the key of a process's record about itself.
func (p process) key() string { return prefix + "now/" + p.host + "/" + p.run }

// bucketKey returns the key of a bucket.
func (p process) bucketKey(width time.Duration, start int64) string {
	return fmt.Sprintf("%s%d/%d/%s/%s", prefix, int64(width/time.Second), start, p.host, p.run)
}

// errOtherFormat says that another version of this program wrote the record.
var errOtherFormat = errors.New("the key is of another format")

// decode reads a record. It fails if the record has another format or impossible values.
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
			return r, errors.New("the key's width and start are not those of a bucket")
		}
		r.process = process{parts[2], parts[3]}
	default:
		return r, errors.New("the key does not have the parts of a key")
	}
	if !hostName.MatchString(r.host) || !runName.MatchString(r.run) {
		return r, errors.New("the key's host or run is not valid")
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
			return errors.New("a hold is not valid")
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
		return errors.New("the version, the state or the time of the process is not valid")
	}
	for _, at := range []*time.Time{&h.At, &h.Started} {
		*at = at.UTC()
		if at.Year() < 0 || at.Year() > 9999 { // JSON for the page cannot have such years, though they can be read
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
			return errors.New("a hold is not valid")
		}
	}
	for i := range h.Open {
		b := &h.Open[i]
		b.Width = time.Duration(b.Seconds) * time.Second
		if !validSpan(b.Seconds, b.Start) {
			return errors.New("the width and start of an open bucket are not those of a bucket")
		}
		if err := b.check(); err != nil {
			return err
		}
	}
	return checkLag(h.Lag, h.LagSeconds)
}

// cleanHost returns a host's name in a form that is valid in keys.
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

// cleanVersion returns a version in a form that readers accept.
func cleanVersion(text string) string {
	if version.MatchString(text) {
		return text
	}
	return "unknown"
}
