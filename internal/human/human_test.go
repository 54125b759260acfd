package human

import (
	"strings"
	"testing"
	"time"
)

func TestParseSize(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int64{
		"64MiB": 64 << 20, "64MB": 64_000_000, "64 mib": 64 << 20, " 8388608 ": 8 << 20, "1.5GiB": 3 << 29, "16M": 16 << 20, "5000KB": 5_000_000, "900B": 900, "0": 0,
		"": -1, "MiB": -1, "64pc": -1, "-1": -1, "NaN": -1, "1e30": -1, "inf": -1, "6 4": -1,
	} {
		got, ok := ParseSize(text)
		if ok != (want >= 0) || ok && got != want {
			t.Errorf("%q is %d, %v; want %d", text, got, ok, want)
		}
	}
}

func TestDays(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration]string{
		168 * time.Hour: "7 days", 84 * time.Hour: "3.5 days", 50*time.Hour + time.Second: "2.08 days", 48 * time.Hour: "2 days", 47 * time.Hour: "47h0m0s", time.Minute: "1m0s",
	} {
		if got := Days(d); got != want {
			t.Errorf("%v is written %q, want %q", d, got, want)
		}
	}
}

func TestQuote(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"a\nb": `"a\nb"`, strings.Repeat("ж", 60): `"` + strings.Repeat("ж", 60) + `"`, strings.Repeat("ж", 61): `"` + strings.Repeat("ж", 60) + `…"`,
	} {
		if got := Quote(text); got != want {
			t.Errorf("%q is quoted %s, want %s", text, got, want)
		}
	}
}

func TestCount(t *testing.T) {
	t.Parallel()
	for n, want := range map[int]string{0: "0 records", 1: "1 record", 2: "2 records"} {
		if got := Count(n, "record"); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestParseDuration(t *testing.T) {
	const least = time.Second
	for text, want := range map[string]struct {
		d       time.Duration
		problem string
		remedy  string
	}{
		" 1m30s ": {d: 90 * time.Second},
		"1s":      {d: time.Second},
		"90":      {problem: "has no unit", remedy: "write a duration such as 90s, 500ms or 2m"},
		"soon":    {problem: "is not a duration", remedy: "write one such as 30s, 500ms or 1m30s"},
		"":        {problem: "is not a duration", remedy: "write one such as 30s, 500ms or 1m30s"},
		"999ms":   {d: 999 * time.Millisecond, problem: "is too short", remedy: "write at least 1s"},
		"-5m":     {d: -5 * time.Minute, problem: "is too short", remedy: "write at least 1s"},
	} {
		if d, problem, remedy := ParseDuration(text, least); d != want.d || problem != want.problem || remedy != want.remedy {
			t.Errorf("%q: %v, %q, %q", text, d, problem, remedy)
		}
	}
	if _, problem, remedy := ParseDuration("0s", time.Nanosecond); problem != "is too short" || remedy != "write a duration above 0, such as 30s" {
		t.Errorf("0s: %q, %q", problem, remedy)
	}
}
