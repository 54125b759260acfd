package limit

import (
	"math"
	"testing"
	"time"
)

var noon = time.Date(2026, 4, 15, 12, 0, 0, 0, time.UTC)

// drive sends as fast as the budget allows and returns when each request left.
func drive(b *Budget, from time.Time, n int) []time.Time {
	times := make([]time.Time, n)
	now := from
	for i := range times {
		for at := b.At(now); at.After(now); at = b.At(now) {
			now = at
		}
		b.Take(now)
		times[i] = now
	}
	return times
}

// mostIn returns the largest number of times in a sliding window.
func mostIn(times []time.Time, window time.Duration) int {
	most, from := 0, 0
	for i := range times {
		for times[i].Sub(times[from]) >= window {
			from++
		}
		most = max(most, i-from+1)
	}
	return most
}

func withShare(perMinute, perSecond, share float64) *Budget {
	b := NewBudget(perMinute, perSecond)
	b.SetShare(share)
	return b
}

func TestBudgetKeepsBothLimits(t *testing.T) {
	for _, test := range []struct {
		perMinute, perSecond, share float64
		inMinute, inSecond          int
	}{
		{300, 10, 1, 300, 10},
		{300, 0, 1, 300, 10},
		{0, 10, 1, 600, 10},
		{0, 2, 1, 120, 2},
		{0, 7.5, 1, 420, 7},
		{300, 2, 1, 300, 2},
		{300, 10, .5, 150, 5},
		{300, 10, 0, 6, 1},
		{0, 10, 0, 6, 1},
		{1, 10, 1, 1, 1},
		{30, 10, .1, 6, 1},
	} {
		b := withShare(test.perMinute, test.perSecond, test.share)
		times := drive(b, noon, 1000)
		if n := mostIn(times, time.Minute); n > test.inMinute {
			t.Errorf("%+v: %d in a minute", test, n)
		}
		if n := mostIn(times, time.Second+49*time.Millisecond); n > test.inSecond {
			t.Errorf("%+v: %d in a second", test, n)
		}
	}
}

// At a limit, nearly all of it is used.
func TestBudgetUsesItsLimit(t *testing.T) {
	for _, test := range []struct {
		perMinute, perSecond, want float64 // requests a second
	}{
		{300, 10, .98 * 5},
		{300, 0, .98 * 5},
		{0, 10, .94 * 10},
		{0, 2, .94 * 2},
		{0, 1, .94},
		{0, 50, .94 * 50},
	} {
		times := drive(NewBudget(test.perMinute, test.perSecond), noon, 3000)
		rate := 2999 / times[2999].Sub(noon).Seconds()
		if rate < test.want {
			t.Errorf("%v a minute, %v a second: %.2f requests a second, want %.2f", test.perMinute, test.perSecond, rate, test.want)
		}
		for i := maxBurst + 1; i < len(times); i++ {
			if gap := times[i].Sub(times[i-1]); gap > 2*time.Second {
				t.Errorf("a pause of %v before request %d", gap, i)
			}
		}
	}
}

func TestBudgetWithoutLimits(t *testing.T) {
	b := NewBudget(0, 0)
	if times := drive(b, noon, 10000); !times[9999].Equal(noon) {
		t.Errorf("took %v", times[9999].Sub(noon))
	}
	if len(b.sent) != 0 {
		t.Errorf("%d times are kept", len(b.sent))
	}
}

func TestBudgetIgnoresNonsense(t *testing.T) {
	b := NewBudget(300, 10)
	b.SetShare(math.NaN())
	nan, inf := math.NaN(), math.Inf(1)
	for _, r := range []RateLimit{{-5, -5, -5}, {nan, nan, nan}, {inf, inf, inf}, {300, -1, 60}, {300, 0, nan}, {0, 5, 60}} {
		b.Hear(r, noon)
	}
	if at := b.At(noon); at.After(noon) {
		t.Errorf("blocked until %v", at)
	}
	if got := b.Share(); got != 1 {
		t.Errorf("share %v", got)
	}
}

func TestBudgetRefund(t *testing.T) {
	b := NewBudget(300, 10)
	drive(b, noon, 10)
	later := noon.Add(2 * time.Second)
	want := b.At(later)
	for i := range 50 {
		b.Take(later.Add(time.Duration(i)))
		b.Refund(later.Add(time.Duration(i)))
	}
	b.Refund(noon.Add(time.Hour)) // was never counted
	if at := b.At(later); at.Sub(want).Abs() > time.Millisecond || len(b.sent) != 10 {
		t.Errorf("next at %v, want %v; %d counted", at, want, len(b.sent))
	}
}

func TestBudgetThrottled(t *testing.T) {
	for _, test := range []struct {
		retryAfter time.Duration
		jitter     float64
		want       time.Duration
	}{
		{0, 1, 0},
		{20 * time.Second, 0, 20 * time.Second},
		{20 * time.Second, 1, 22 * time.Second},
		{time.Hour, .5, 5 * time.Minute},
		{math.MaxInt64, 1, 5 * time.Minute},
	} {
		b := NewBudget(300, 10)
		b.Throttled(test.retryAfter, test.jitter, noon)
		b.Throttled(time.Millisecond, 0, noon) // a shorter one does not end it
		want := noon.Add(max(test.want, time.Millisecond))
		if got := b.At(noon); !got.Equal(want) {
			t.Errorf("%+v: blocked until %v", test, got)
		}
	}
}

// Other programs use the platform's window as well.
func TestBudgetFollowsRemaining(t *testing.T) {
	for _, test := range []struct {
		name         string
		share        float64
		heard        RateLimit
		atLeast, max float64 // requests a minute
	}{
		{"others leave a hundred", 1, RateLimit{300, 100, 60}, 150, 150},
		{"others leave two hundred", 1, RateLimit{300, 200, 60}, 200, 200},
		{"others eat nearly all", 1, RateLimit{300, 1, 60}, 150, 150},
		{"others eat nearly all of a small share", .1, RateLimit{300, 1, 60}, 15, 15},
		{"a smaller limit than the setting", 1, RateLimit{60, 60, 60}, 60, 60},
		{"a greater limit than the setting", 1, RateLimit{900, 900, 60}, 300, 300},
	} {
		b := withShare(300, 0, test.share)
		b.Hear(test.heard, noon)
		if got, _ := b.rates(noon); got < test.atLeast || got > test.max {
			t.Errorf("%s: %v a minute, want %v to %v", test.name, got, test.atLeast, test.max)
		}
		if got, _ := b.rates(noon.Add(2 * time.Minute)); got != 300*test.share {
			t.Errorf("%s: %v a minute when the answer is old", test.name, got)
		}
	}
}

func TestBudgetWaitsWhenNothingRemains(t *testing.T) {
	b := NewBudget(300, 0)
	b.Hear(RateLimit{300, 0, 25}, noon)
	if at := b.At(noon); !at.Equal(noon.Add(25 * time.Second)) {
		t.Errorf("others used it up: next at %v", at)
	}
	b = NewBudget(300, 0)
	b.Hear(RateLimit{300, 0, 3600}, noon)
	if at := b.At(noon); !at.Equal(noon.Add(minuteWindow)) {
		t.Errorf("a reset beyond the window: next at %v", at)
	}
	b = NewBudget(300, 0)
	now := drive(b, noon, 300)[299]
	b.Hear(RateLimit{300, 0, 60}, now)
	if took := drive(b, now, 300)[299].Sub(now); took > 62*time.Second {
		t.Errorf("we used it up: the next 300 took %v", took)
	}
}

// What a busy process may use of others' parts ends at half of what remains above a reserve.
func TestBudgetBorrows(t *testing.T) {
	for _, test := range []struct {
		remaining, want float64 // want: requests a minute
	}{
		{300, 165}, {240, 135}, {120, 75}, {60, 45}, {30, 30}, {0, 30},
	} {
		b := withShare(300, 10, .1)
		b.loan = loan{part: 1, at: noon}
		b.Hear(RateLimit{300, test.remaining, -1}, noon)
		b.heard.foreign = 0
		if got, _ := b.rates(noon); math.Abs(got-test.want) > 1e-9 {
			t.Errorf("%v remain: %v a minute, want %v", test.remaining, got, test.want)
		}
	}
}

// A process borrows while its limits keep it waiting, and gives back when they do not.
func TestBudgetGivesBack(t *testing.T) {
	b := withShare(300, 10, .1)
	now := noon
	send := func(n int, apart time.Duration) float64 {
		for range n {
			now = later(now.Add(apart), b.At(now))
			b.Take(now)
			b.Hear(RateLimit{300, 300 - float64(len(b.sent)), -1}, now)
		}
		return b.borrowed(now)
	}
	if got := send(200, 0); got < .25 {
		t.Errorf("busy for long, it borrows %.2f", got)
	}
	if got := send(20, 10*time.Second); got > 0 {
		t.Errorf("hardly busy, it still borrows %.2f", got)
	}
	if got := b.borrowed(now.Add(2 * minuteWindow)); got != 0 {
		t.Errorf("without a recent answer it borrows %.2f", got)
	}
}

// TestSmallerShareDoesNotStandStill has a process that was busy with all partitions give most of them away. What it sent
// for these does not keep its other events waiting, unless the CRM's own window is full, or nobody knows.
func TestSmallerShareDoesNotStandStill(t *testing.T) {
	for name, test := range map[string]struct {
		remaining float64
		longest   time.Duration // until the next request leaves
	}{
		"the window has room":         {200, 2 * time.Second}, // 25 requests a minute at an even pace leave each 2.4 s
		"the window is nearly full":   {20, 50 * time.Second},
		"the CRM tells nothing of it": {-1, 50 * time.Second},
	} {
		b := NewBudget(100, 0)
		now := noon
		for range 60 { // one each half second
			now = now.Add(500 * time.Millisecond)
			b.Take(now)
		}
		b.Hear(RateLimit{300, test.remaining, -1}, now)
		b.SetShare(.25)
		wait := b.At(now).Sub(now)
		if within := wait <= 2*time.Second; within != (test.longest == 2*time.Second) || wait > test.longest {
			t.Errorf("%s: the next request leaves after %s", name, wait)
		}
	}
}

// TestShareThatComesBackCountsWhole has partitions leave a process for a moment: what it sent counts whole again.
func TestShareThatComesBackCountsWhole(t *testing.T) {
	b := NewBudget(60, 0)
	now := noon
	for range 60 {
		b.Take(now)
	}
	b.Hear(RateLimit{300, 200, -1}, now)
	whole := b.At(now)
	b.SetShare(.5)
	b.SetShare(1)
	if at := b.At(now); at != whole {
		t.Errorf("%s, before %s", at.Sub(now), whole.Sub(now))
	}
}
