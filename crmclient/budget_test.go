package crmclient

import (
	"errors"
	"net/http"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leadbridge/leadbridge/crmclient/crmtest"
)

var noon = time.Date(2026, 4, 15, 12, 0, 0, 0, time.UTC)

// drive sends as fast as the budget allows and gives the times.
func drive(b *budget, from time.Time, n int) []time.Time {
	times := make([]time.Time, n)
	now := from
	for i := range times {
		for at := b.at(now); at.After(now); at = b.at(now) {
			now = at
		}
		b.take(now)
		times[i] = now
	}
	return times
}

// mostIn is the largest number of times in a sliding window.
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

func TestBudgetKeepsBothLimits(t *testing.T) {
	for _, test := range []struct {
		perMinute, perSecond, share float64
		inMinute, inSecond          int
	}{
		{300, 10, 1, 300, 10},
		{300, 0, 1, 300, 10},
		{0, 10, 1, 1000, 13},
		{300, 2, 1, 300, 2},
		{300, 10, .5, 150, 5},
		{300, 10, 0, 6, 1},
		{1, 10, 1, 1, 1},
		{30, 10, .1, 6, 1},
	} {
		b := &budget{perMinute: test.perMinute, perSecond: test.perSecond, share: test.share}
		times := drive(b, noon, 1000)
		if n := mostIn(times, time.Minute); n > test.inMinute {
			t.Errorf("%+v: %d in a minute", test, n)
		}
		if n := mostIn(times, time.Second); n > test.inSecond {
			t.Errorf("%+v: %d in a second", test, n)
		}
	}
}

// The whole of the minute is used, evenly.
func TestBudgetSpreads(t *testing.T) {
	b := &budget{perMinute: 300, perSecond: 10, share: 1}
	times := drive(b, noon, 3000)
	if took := times[len(times)-1].Sub(noon); took > 10*time.Minute+10*time.Second {
		t.Errorf("3000 requests took %v", took)
	}
	for i := maxBurst + 1; i < len(times); i++ {
		if gap := times[i].Sub(times[i-1]); gap > 2*time.Second {
			t.Errorf("a pause of %v before request %d", gap, i)
		}
	}
}

func TestBudgetWithoutLimits(t *testing.T) {
	b := &budget{share: 1}
	if times := drive(b, noon, 10000); !times[9999].Equal(noon) {
		t.Errorf("took %v", times[9999].Sub(noon))
	}
	if len(b.sent) != 0 {
		t.Errorf("%d times are kept", len(b.sent))
	}
}

func rateHeaders(limit, remaining, reset int) http.Header {
	return http.Header{
		"X-Ratelimit-Limit":     {strconv.Itoa(limit)},
		"X-Ratelimit-Remaining": {strconv.Itoa(remaining)},
		"X-Ratelimit-Reset":     {strconv.Itoa(reset)},
	}
}

// Others use the portal's window as well: we take what they leave.
func TestBudgetFollowsRemaining(t *testing.T) {
	b := &budget{perMinute: 300, share: 1}
	times := drive(b, noon, 10)
	now := times[9]
	b.hear(rateHeaders(300, 90, 60), now) // 200 are others'
	if n := mostIn(drive(b, now, 80), 10*time.Second); n > 100/6+maxBurst+1 {
		t.Errorf("%d in ten seconds", n)
	}
	// Ours alone leave the whole window.
	b = &budget{perMinute: 300, share: 1}
	now = drive(b, noon, 300)[299]
	b.hear(rateHeaders(300, 1, 60), now)
	if took := drive(b, now, 300)[299].Sub(now); took > 62*time.Second {
		t.Errorf("the next 300 took %v", took)
	}
	// Nothing left, and none of it ours: not before the reset.
	b = &budget{perMinute: 300, share: 1}
	b.hear(rateHeaders(300, 0, 25), noon)
	if at := drive(b, noon, 1)[0].Sub(noon); at < 25*time.Second {
		t.Errorf("sent after %v", at)
	}
	// A smaller limit than the setting.
	b = &budget{perMinute: 300, share: 1}
	drive(b, noon, 1)
	b.hear(rateHeaders(60, 59, 60), noon)
	if n := mostIn(drive(b, noon, 50), 10*time.Second); n > 10+maxBurst+1 {
		t.Errorf("%d in ten seconds", n)
	}
}

func TestBudgetIgnoresNonsense(t *testing.T) {
	b := &budget{perMinute: 300, share: 1}
	for _, h := range []http.Header{{}, rateHeaders(-5, -5, -5), {"X-Ratelimit-Remaining": {"soon"}}, {"X-Ratelimit-Remaining": {"NaN"}}} {
		b.hear(h, noon)
	}
	if at := b.at(noon); at.After(noon) {
		t.Errorf("blocked until %v", at)
	}
}

// Under the documented limits the simulator never has to say no.
func TestBudgetAvoids429(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sim := crmtest.New(crmtest.Defaults())
		server := crmtest.Serve(sim)
		defer server.Close()
		c, err := New(Config{BaseURL: server.URL, Dial: server.Dial, APIKey: Secret{Value: "vibe_api_1"},
			RequestsPerMinute: 300, RequestsPerSecond: RateAuto, QueueLimit: 30 * time.Second, BatchSize: 1})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		begun := time.Now()
		done := make(chan error, 1200)
		for n := range 1200 {
			go func() {
				_, err := c.Create(t.Context(), Request{OriginID: "lb-" + strconv.Itoa(n), Contact: &Contact{Name: "Ivan"}})
				done <- err
			}()
		}
		for range 1200 {
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
		s := sim.Stats()
		if s.Throttled+s.OverPerSecond+s.QueueTimeouts != 0 || s.Contacts != 1200 {
			t.Errorf("stats %+v", s)
		}
		if took := time.Since(begun); took > 4*time.Minute+30*time.Second {
			t.Errorf("1200 contacts took %v at 300 a minute", took)
		}
	})
}

// Two processes share the portal by their shares.
func TestBudgetShares(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sim := crmtest.New(crmtest.Defaults())
		server := crmtest.Serve(sim)
		defer server.Close()
		done := make(chan error, 1200)
		for p := range 2 {
			c, err := New(Config{BaseURL: server.URL, Dial: server.Dial, APIKey: Secret{Value: "vibe_api_1"},
				RequestsPerMinute: 300, RequestsPerSecond: RateAuto, QueueLimit: 30 * time.Second, BatchSize: 1})
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			c.SetShare(.5)
			for n := range 600 {
				go func() {
					_, err := c.Create(t.Context(), Request{OriginID: "lb-" + strconv.Itoa(p*1000+n), Contact: &Contact{Name: "Ivan"}})
					done <- err
				}()
			}
		}
		for range 1200 {
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
		if s := sim.Stats(); s.Throttled+s.OverPerSecond+s.QueueTimeouts != 0 || s.Contacts != 1200 {
			t.Errorf("stats %+v", s)
		}
	})
}

// All who wait for the portal wait for the same few requests: nobody pays for the others.
func TestPortalIsPaidOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sim := crmtest.New(crmtest.Options{ExistingUserField: true})
		server := crmtest.Serve(sim)
		defer server.Close()
		c, err := New(Config{BaseURL: server.URL, Dial: server.Dial, APIKey: Secret{Value: "vibe_api_1"},
			RequestsPerMinute: 300, RequestsPerSecond: RateAuto, QueueLimit: 30 * time.Second, BatchSize: 1})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		begun, known := time.Now(), make(chan error, 60)
		for range 60 {
			go func() { known <- c.Prepare(t.Context()) }()
		}
		for range 60 {
			if err := <-known; err != nil {
				t.Error(err)
			}
		}
		if took := time.Since(begun); took > time.Second {
			t.Errorf("the portal was known after %v", took)
		}
		asked := 0
		for _, n := range sim.Stats().Requests {
			asked += n
		}
		if len(c.budget.sent) != asked {
			t.Errorf("%d requests are counted, %d were sent", len(c.budget.sent), asked)
		}
	})
}

// A request that its lease stops before it leaves costs nothing.
func TestStoppedRequestIsNotCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sim := crmtest.New(crmtest.Options{ExistingUserField: true})
		server := crmtest.Serve(sim)
		defer server.Close()
		c, err := New(Config{BaseURL: server.URL, Dial: server.Dial, APIKey: Secret{Value: "vibe_api_1"}, RequestsPerMinute: 300})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if err := c.Prepare(t.Context()); err != nil {
			t.Fatal(err)
		}
		before, begun := len(c.budget.sent), time.Now()
		lost := func() error { return errors.New("lost") }
		for range 100 {
			if _, err := c.Create(t.Context(), Request{OriginID: "lb-1", Lease: lost}); !errors.Is(err, ErrLeaseLost) {
				t.Fatal(err)
			}
		}
		synctest.Wait()
		if n := len(c.budget.sent) - before; n != 0 || time.Since(begun) > time.Second {
			t.Errorf("%d requests are counted, none left; %v", n, time.Since(begun))
		}
	})
}

func TestBudgetRefund(t *testing.T) {
	b := &budget{perMinute: 300, perSecond: 10, share: 1}
	drive(b, noon, 10)
	want := b.at(noon.Add(2 * time.Second))
	for i := range 50 {
		at := noon.Add(2*time.Second + time.Duration(i))
		b.take(at)
		b.refund(at)
	}
	if at := b.at(noon.Add(2 * time.Second)); at.Sub(want).Abs() > time.Millisecond || len(b.sent) != 10 {
		t.Errorf("next at %v, want %v; %d counted", at, want, len(b.sent))
	}
}
