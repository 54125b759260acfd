package vibe

import (
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// RateLimit is what an answer says about the platform's sliding window, which counts the requests of all
// keys of one source together (vendor's reference: X-RateLimit headers).
type RateLimit struct {
	Told      bool          // the answer has Remaining; if not, the other fields mean nothing
	Limit     float64       // requests a minute; 0: not known
	Remaining float64       // how many of them are left
	Reset     time.Duration // until the window resets, up to an hour; 0: not known
}

// rateLimit reads the headers of an answer.
func rateLimit(h http.Header) RateLimit {
	remaining, told := headerNumber(h, "X-RateLimit-Remaining")
	if !told {
		return RateLimit{}
	}
	limit, _ := headerNumber(h, "X-RateLimit-Limit")
	if limit < 1 {
		limit = 0
	}
	reset, _ := headerNumber(h, "X-RateLimit-Reset")
	return RateLimit{Told: true, Limit: limit, Remaining: remaining, Reset: seconds(reset)}
}

// headerNumber reads a number from a header. ok is false for a negative number or none.
func headerNumber(h http.Header, name string) (n float64, ok bool) {
	n, err := strconv.ParseFloat(h.Get(name), 64)
	if err != nil || !(n >= 0) || math.IsInf(n, 0) { // NaN too
		return 0, false
	}
	return n, true
}

// maxRetryAfter is the longest pause that is accepted from the CRM.
const maxRetryAfter = time.Hour

// retryAfter reads the two forms of the Retry-After header, seconds and a date.
func retryAfter(header string, now time.Time) time.Duration {
	header = strings.TrimSpace(header)
	if f, err := strconv.ParseFloat(header, 64); err == nil {
		return seconds(f)
	}
	if at, err := http.ParseTime(header); err == nil {
		return seconds(at.Sub(now).Seconds())
	}
	return 0
}

// seconds converts a number of seconds from outside, within 0 and maxRetryAfter.
func seconds(f float64) time.Duration {
	if !(f > 0) { // NaN too
		return 0
	}
	return time.Duration(min(f, maxRetryAfter.Seconds()) * float64(time.Second))
}
