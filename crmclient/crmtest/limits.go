package crmtest

import (
	"hash/fnv"
	"math"
	"net/http"
	"strconv"
	"time"
)

// window counts events within a sliding window of time. The simulator's lock
// guards it.
type window struct {
	length time.Duration
	times  []time.Time // oldest first
}

// take counts n events at now and returns true, unless there would be more than limit in the
// window (0: no limit).
func (w *window) take(now time.Time, n, limit int) bool {
	if limit <= 0 {
		return true
	}
	w.forget(now)
	if len(w.times)+n > limit {
		return false
	}
	for range n {
		w.times = append(w.times, now)
	}
	return true
}

func (w *window) forget(now time.Time) {
	i := 0
	for i < len(w.times) && now.Sub(w.times[i]) >= w.length {
		i++
	}
	w.times = append(w.times[:0], w.times[i:]...)
}

// reset returns how many whole seconds it takes until the oldest event leaves the window.
func (w *window) reset(now time.Time) int {
	if len(w.times) == 0 {
		return 0
	}
	return max(1, int(math.Ceil(w.times[0].Add(w.length).Sub(now).Seconds())))
}

// admit counts a call against the platform's limit and writes the limit's headers. Calls that
// a script decides are counted but never refused.
func (s *Simulator) admit(h http.Header, scripted bool) *failure {
	s.mu.Lock()
	defer s.mu.Unlock()
	limit, now := s.opts.PerMinute, time.Now()
	if limit <= 0 {
		return nil
	}
	good := s.minute.take(now, 1, limit)
	reset := s.minute.reset(now)
	h.Set("X-RateLimit-Limit", strconv.Itoa(limit))
	h.Set("X-RateLimit-Remaining", strconv.Itoa(max(0, limit-len(s.minute.times))))
	h.Set("X-RateLimit-Reset", strconv.Itoa(reset))
	if good || scripted {
		return nil
	}
	s.stats.Throttled++
	return &failure{Status: http.StatusTooManyRequests, Code: "RATE_LIMITED",
		Message: "Too many requests", Hint: "Wait retryAfter seconds", RetryAfter: reset}
}

// The platform's protection against loops, as the simulator assumes it.
const (
	loopWindow = time.Minute
	loopBlock  = time.Minute
	loopProbe  = 5 // every fifth call of a blocked key passes
)

// errorLoop watches one key for a failing call that is repeated.
type errorLoop struct {
	call    uint64    // hash of the last failed call
	last    time.Time // when it failed
	count   int       // how often it has failed in a row
	blocked time.Time // end of the key's block
	refused int       // calls since the block began
}

// looping refuses a call of a blocked key, except for probes.
func (s *Simulator) looping(key string) *failure {
	s.mu.Lock()
	defer s.mu.Unlock()
	l, now := s.loops[key], time.Now()
	if l == nil || !now.Before(l.blocked) {
		return nil
	}
	l.refused++
	if l.refused%loopProbe == 0 {
		return nil
	}
	s.stats.Throttled++
	left := int(math.Ceil(l.blocked.Sub(now).Seconds()))
	return &failure{Status: http.StatusTooManyRequests, Code: "ERROR_LOOP_DETECTED",
		Message: "The same failing call was repeated", RetryAfter: max(1, left)}
}

// watch notes how a call of the key ended.
func (s *Simulator) watch(key string, c Call, query string, status int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	neverCounts := status == 0 || status >= 500 || status == http.StatusUnauthorized || status == http.StatusTooManyRequests
	if s.opts.ErrorLoop <= 0 || neverCounts {
		return
	}
	if status < 400 {
		delete(s.loops, key)
		return
	}
	l := s.loops[key]
	if l == nil {
		l = &errorLoop{}
		s.loops[key] = l
	}
	call := uint64(0)
	if !s.opts.ErrorLoopAny {
		call = signature(c, query)
	}
	l.failed(call, time.Now(), s.opts.ErrorLoop)
}

func (l *errorLoop) failed(call uint64, now time.Time, limit int) {
	if call != l.call || now.Sub(l.last) >= loopWindow {
		l.count = 0
	}
	l.call, l.last = call, now
	l.count++
	if l.count >= limit && !now.Before(l.blocked) {
		l.blocked, l.refused = now.Add(loopBlock), 0
	}
}

func signature(c Call, query string) uint64 {
	h := fnv.New64a()
	for _, part := range [][]byte{[]byte(c.Method), []byte(c.Path), []byte(query), c.Body} {
		h.Write(part)
		h.Write([]byte{0})
	}
	return h.Sum64()
}
