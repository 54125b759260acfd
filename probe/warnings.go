package probe

import (
	"fmt"
	"time"
)

// Settings are the settings of a service that a profile can be compared with.
type Settings struct {
	Settle      time.Duration // CRM_SETTLE
	BatchSize   int           // CRM_BATCH_SIZE
	PerMinute   float64       // CRM_REQUESTS_PER_MINUTE; 0: no limit
	PerSecond   float64       // CRM_REQUESTS_PER_SECOND; 0: no limit, negative: auto
	OriginField string        // CRM_ORIGIN_FIELD: auto, none, or a name
}

// oldProfile is the age from which a portal should be measured again.
const oldProfile = 180 * 24 * time.Hour

// Warnings compares the portal with the settings of a service at the time now. It returns a sentence for each difference,
// with what to do about it.
func (p Profile) Warnings(s Settings, now time.Time) (warnings []string) {
	say := func(format string, args ...any) { warnings = append(warnings, fmt.Sprintf(format, args...)) }
	if !p.Complete {
		say("the portal's profile is not complete: run leadbridge probe again")
	}
	if age := now.Sub(p.At); age > oldProfile {
		say("the portal's profile is %d days old: run leadbridge probe again", int(age.Hours()/24))
	}
	if lag := time.Duration(p.Lag()) * time.Millisecond; lag > s.Settle {
		say("the portal finds a new record only after %s, and CRM_SETTLE is %s: set CRM_SETTLE=%s", lag, s.Settle, p.proposeSettle().Value)
	}
	if n := float64(p.Limits.PerMinute); n > 0 && (s.PerMinute == 0 || s.PerMinute > n) {
		say("the portal takes %v requests a minute, and CRM_REQUESTS_PER_MINUTE is %s: set it to %v", n, limit(s.PerMinute), n)
	}
	if n := p.Limits.PerSecond; n > 0 && s.PerSecond >= 0 && (s.PerSecond == 0 || s.PerSecond > n) {
		say("the portal takes %v requests a second, and CRM_REQUESTS_PER_SECOND is %s: set it to auto", n, limit(s.PerSecond))
	}
	if most := p.proposeBatch(); p.Complete && s.BatchSize > atoi(most.Value) {
		say("CRM_BATCH_SIZE is %d, and %s: set it to %s", s.BatchSize, most.Why, most.Value)
	}
	if text := p.fieldWarning(s.OriginField); text != "" {
		say("%s", text)
	}
	for _, d := range p.Differences {
		if !d.Warn || d.Topic == topicLimits || d.Topic == topicBatch || d.Topic == topicLag {
			continue
		}
		say("portal: %s: leadbridge assumes that %s; seen was: %s. %s", d.Topic, d.Assumed, d.Seen, d.Means)
	}
	return warnings
}

func limit(n float64) string {
	if n == 0 {
		return "0, which is no limit"
	}
	return fmt.Sprint(n)
}

func atoi(text string) (n int) {
	_, _ = fmt.Sscan(text, &n)
	return n
}

// fieldWarning returns a warning when the origin field was seen not to work, else "".
func (p Profile) fieldWarning(setting string) string {
	ways := p.Entities[contacts].Ways
	way := map[string]string{"none": wayTag, "originId": wayOriginID, "auto": ""}
	name, known := way[setting]
	if !known {
		return "" // a field of the user's own, which was not measured
	}
	if name == "" { // what auto chooses: the first that is offered
		for _, n := range []string{wayOriginID, wayUserField, wayTag} {
			if name == "" && ways[n].Offered && (n != wayUserField || p.Entities[contacts].UserField.Existing) {
				name = n
			}
		}
	}
	w := ways[name]
	if w.Found.Match == Unknown || w.Kept && w.Found.Match == Found {
		return ""
	}
	return fmt.Sprintf("look-ups by CRM_ORIGIN_FIELD=%s do not work on this portal (kept: %s, by value: %s): set CRM_ORIGIN_FIELD=%s",
		setting, yes(w.Kept), w.Found, p.proposeField().Value)
}
