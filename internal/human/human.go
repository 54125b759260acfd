// Package human reads and writes sizes, durations and quoted texts as people write them.
package human

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// units are those of sizes. The longer ones come first: KiB ends with B, too.
var units = []struct {
	name  string
	bytes float64
}{
	{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30},
	{"KB", 1e3}, {"MB", 1e6}, {"GB", 1e9},
	{"K", 1 << 10}, {"M", 1 << 20}, {"G", 1 << 30}, {"B", 1},
}

// ParseSize reads a size in bytes: 64MiB, 64 MB, 1.5GiB, 64M, or a plain number. Units are read in any case. It
// reports whether text is a size; a negative one is not.
func ParseSize(text string) (bytes int64, ok bool) {
	number, factor := strings.TrimSpace(text), 1.0
	for _, u := range units {
		if len(number) > len(u.name) && strings.EqualFold(number[len(number)-len(u.name):], u.name) {
			number, factor = strings.TrimSpace(number[:len(number)-len(u.name)]), u.bytes
			break
		}
	}
	v, err := strconv.ParseFloat(number, 64)
	size := v * factor
	if err != nil || math.IsNaN(size) || size < 0 || size >= math.MaxInt64 {
		return 0, false
	}
	return int64(size), true
}

// ParseDuration reads a Go duration, such as 500ms or 1m30s, of at least least, which is above 0. For another text it
// returns what is wrong with it, in words that follow the text (`is not a duration`), and what to write instead; problem
// is "" for a good one.
func ParseDuration(text string, least time.Duration) (d time.Duration, problem, remedy string) {
	text = strings.TrimSpace(text)
	d, err := time.ParseDuration(text)
	switch {
	case err != nil && isNumber(text):
		return d, "has no unit", "write a duration such as " + text + "s, 500ms or 2m"
	case err != nil:
		return d, "is not a duration", "write one such as 30s, 500ms or 1m30s"
	case d < least && least <= 1:
		return d, "is too short", "write a duration above 0, such as 30s"
	case d < least:
		return d, "is too short", "write at least " + least.String()
	}
	return d, "", ""
}

func isNumber(text string) bool {
	_, err := strconv.ParseFloat(text, 64)
	return err == nil
}

// Days returns a duration as text; from two days on in days with three digits, such as "3.5 days".
func Days(d time.Duration) string {
	const day = 24 * time.Hour
	if d >= 2*day {
		return fmt.Sprintf("%.3g days", d.Hours()/day.Hours())
	}
	return d.String()
}

// longestQuote is how many characters of a text Quote shows.
const longestQuote = 60

// Quote returns a text in quotation marks as a Go literal; of a long one the first 60 characters.
func Quote(text string) string { return strconv.Quote(Cut(text, longestQuote)) }

// Cut returns the first n characters of a longer text, with an ellipsis behind them.
func Cut(text string, n int) string {
	if runes := []rune(text); len(runes) > n {
		return string(runes[:n]) + "…"
	}
	return text
}

// Count returns a number of things, such as "1 record" and "2 records"; noun is the word for one.
func Count(n int, noun string) string {
	if n != 1 {
		noun += "s"
	}
	return strconv.Itoa(n) + " " + noun
}
