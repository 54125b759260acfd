package settings

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/leadbridge/leadbridge/internal/human"
)

// duration reads a duration as Go writes it, such as 1m30s, that is not shorter than least.
func (p *parser) duration(variable, text string, least time.Duration) time.Duration {
	d, problem, remedy := human.ParseDuration(text, least)
	if problem != "" {
		p.fault(variable, quote(strings.TrimSpace(text))+" "+problem, remedy)
	}
	return d
}

// positive is the shortest duration above 0.
const positive = time.Nanosecond

// count reads a whole number of at least least.
func (p *parser) count(variable, text string, least int) int {
	n, err := strconv.Atoi(strings.TrimSpace(text))
	switch {
	case err != nil:
		p.fault(variable, quote(text)+" is not a whole number", fmt.Sprintf("write one of at least %d", least))
	case n < least:
		p.fault(variable, quote(text)+" is too small", fmt.Sprintf("write a whole number of at least %d", least))
	}
	return n
}

// part reads off, or a part in whole percent, 1% to 99%, and returns it as a part of 1; 0 for off.
func (p *parser) part(variable, text string) float64 {
	text = strings.TrimSpace(text)
	if strings.EqualFold(text, "off") {
		return 0
	}
	n, err := strconv.Atoi(strings.TrimSuffix(text, "%"))
	if err != nil || n < 1 || n > 99 || !strings.HasSuffix(text, "%") {
		p.fault(variable, quote(text)+" is neither off nor a part", "write off, or a whole percentage from 1% to 99%, such as 50%")
	}
	return float64(n) / 100
}

// rate reads a number of requests; 0 means no limit.
func (p *parser) rate(variable, text string) float64 {
	return p.number(variable, text, "write a number above 0, or 0 for no limit")
}

// rateOrAuto reads a number of requests, or the word auto, which stands for the given number.
func (p *parser) rateOrAuto(variable, text string, auto float64) float64 {
	if strings.EqualFold(strings.TrimSpace(text), "auto") {
		return auto
	}
	return p.number(variable, text, "write auto, a number above 0, or 0 for no limit")
}

// number reads a number that is not negative.
func (p *parser) number(variable, text, remedy string) float64 {
	v, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
	if err != nil || math.IsNaN(v) || math.IsInf(v, 0) || v < 0 {
		p.fault(variable, quote(text)+" is not a number of requests", remedy)
		return 0
	}
	return v
}

// bytes reads a size of at least least bytes: 64MiB, 64MB, or plain bytes.
func (p *parser) bytes(variable, text string, least int64) int64 {
	size, ok := human.ParseSize(text)
	switch {
	case !ok:
		p.fault(variable, quote(text)+" is not a size", "write one such as 64MiB, 64MB or a number of bytes")
	case size < least:
		p.fault(variable, quote(text)+" is too small", fmt.Sprintf("write at least %dMiB", least>>20))
	}
	return size
}

// choice reads one of the words, in any case, and returns it as it is spelled in words.
func (p *parser) choice(variable, text string, words ...string) string {
	text = strings.TrimSpace(text)
	i := slices.IndexFunc(words, func(w string) bool { return strings.EqualFold(w, text) })
	if i < 0 {
		p.fault(variable, quote(text)+" is not known", "write one of "+strings.Join(words, ", "))
		return words[0]
	}
	return words[i]
}

// boolean reads true or false, in one of the usual spellings; an empty text is false.
func (p *parser) boolean(variable, text string) bool {
	switch strings.ToLower(strings.TrimSpace(text)) {
	case "true", "on", "yes", "1":
		return true
	case "false", "off", "no", "0", "":
		return false
	}
	p.fault(variable, quote(text)+" is neither on nor off", "write true or false")
	return false
}

// secretMarks are parts of texts that may hold a password or a key, whatever setting they were written to.
var secretMarks = [...]string{"@", "://", "vibe_", "whsec_"}

// quote returns a wrong text in quotation marks, shortened, or, when it may hold a password, words that stand for it.
func quote(text string) string {
	for _, mark := range secretMarks {
		if strings.Contains(strings.ToLower(text), mark) {
			return "the value, which is not repeated here,"
		}
	}
	return human.Quote(text)
}
