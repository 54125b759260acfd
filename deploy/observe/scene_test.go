package observe

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// A scene is what Prometheus has scraped, one sample a minute: each series with its
// values in the notation of Prometheus' own tests.
type scene map[string]string

// length is that of a scene, in minutes.
const length = 240

// The processes of a scene, and the scrape jobs that they belong to.
const (
	consumerA = `namespace="leads",job="leadbridge",instance="a"`
	consumerB = `namespace="leads",job="leadbridge",instance="b"`
	gate      = `namespace="leads",job="leadbridge-gate",instance="g"`
)

// healthy is a day as it should be: two consumers that deliver, and a gate.
func healthy() scene {
	s := scene{}
	for i, target := range []string{consumerA, consumerB} {
		s.process(target)
		s.set(target, `leadbridge_window_size_records`, still(256))
		s.set(target, fmt.Sprintf(`leadbridge_lag_records{partition="%d"}`, i), still(3))
		s.set(target, fmt.Sprintf(`leadbridge_lag_seconds{partition="%d"}`, i), still(1))
		s.set(target, `leadbridge_topic_retention_seconds`, still(7*86400))
		s.set(target, `leadbridge_contacts_total{how="created"}`, rising(10))
		s.set(target, `leadbridge_contacts_total{how="found"}`, still(0))
		s.set(target, `leadbridge_records_lost_total`, still(0))
		s.set(target, `leadbridge_commits_total{outcome="ok"}`, rising(8))
		s.set(target, `leadbridge_commits_total{outcome="failed"}`, still(0))
		s.set(target, `leadbridge_crm_in_doubt`, still(0))
		s.set(target, `leadbridge_crm_in_doubt_total`, still(0))
		for _, reason := range []string{"CRM_REFUSED", "NO_CONTACT_POINT", "PROCESSING_FAILED"} {
			s.set(target, fmt.Sprintf(`leadbridge_dead_letters_total{reason=%q}`, reason), still(0))
		}
		for _, why := range []string{"done", "tombstone"} {
			s.set(target, fmt.Sprintf(`leadbridge_records_skipped_total{why=%q}`, why), still(0))
		}
		for _, cause := range []string{"preparing", "credentials", "outage", "throttle", "flood", "origin_field", "match"} {
			s.set(target, fmt.Sprintf(`leadbridge_crm_held{cause=%q}`, cause), still(0))
			s.set(target, fmt.Sprintf(`leadbridge_crm_hold_seconds_total{cause=%q}`, cause), still(0))
		}
		for _, cause := range []string{"brokers", "topic", "group", "dead_letter_topic", "result_topic", "parking", "schema_registry", "operator"} {
			s.set(target, fmt.Sprintf(`leadbridge_consumer_held{cause=%q}`, cause), still(0))
		}
	}
	s.process(gate)
	s.set(gate, `leadbridge_ingest_batch_records_count`, rising(5))
	s.set(gate, `leadbridge_ingest_unmapped_total{source="site"}`, still(0))
	for _, outcome := range []string{"honeypot", "400", "401", "408", "413", "415", "429", "500", "503"} {
		s.set(gate, fmt.Sprintf(`leadbridge_ingest_requests_total{source="site",outcome=%q}`, outcome), still(0))
	}
	s.set(gate, `leadbridge_ingest_requests_total{source="site",outcome="taken"}`, rising(10))
	return s
}

// process sets what every process has.
func (s scene) process(target string) {
	s.set(target, `up`, still(1))
	s.set(target, `leadbridge_build_info{version="1.0.0"}`, still(1))
	s.set(target, `process_start_time_seconds`, still(1000))
}

// set gives a series of a process its values.
func (s scene) set(target, series string, values ...string) {
	name, labels, found := strings.Cut(strings.TrimSuffix(series, "}"), "{")
	if found {
		labels += ","
	}
	s[name+"{"+labels+target+"}"] = strings.Join(values, " ")
}

// portal gives all series of a process the label of its portal.
func (s scene) portal(target, name string) {
	for series, values := range maps.Clone(s) {
		if !strings.Contains(series, target) {
			continue
		}
		delete(s, series)
		s[strings.Replace(series, target, target+fmt.Sprintf(`,portal=%q`, name), 1)] = values
	}
}

// gone ends all series of a process at a minute, and starts them again at another, as
// Prometheus does when a scrape fails. Its target stays, with up at 0, when it is down and
// was not taken away.
func (s scene) gone(target string, from, to int, down bool) {
	for series, values := range s {
		if !strings.Contains(series, target) {
			continue
		}
		if down && strings.HasPrefix(series, "up{") {
			s[series] = strings.Join([]string{level(1, from), level(0, to-from), level(1, length-to)}, " ")
			continue
		}
		before, after := cut(values, from, to)
		s[series] = strings.TrimSpace(before + " stale " + blank(to-from-1) + " " + after)
	}
}

// cut gives the values before from and those from to on. Only plain ones can be cut: those
// that still and rising give.
func cut(values string, from, to int) (before, after string) {
	first, rest, _ := strings.Cut(values, "+")
	each, _, _ := strings.Cut(rest, "x")
	start, err := strconv.ParseFloat(first, 64)
	step, err2 := strconv.ParseFloat(each, 64)
	if err != nil || err2 != nil {
		panic("cannot cut " + values)
	}
	return climb(start, step, from), climb(start+step*float64(to), step, length-to)
}

func (s scene) load() string {
	var b strings.Builder
	b.WriteString("load 1m\n")
	for _, series := range slices.Sorted(maps.Keys(s)) {
		fmt.Fprintf(&b, "  %s %s\n", series, s[series])
	}
	return b.String()
}

// climb gives values that begin at start and rise by step a minute.
func climb(start, step float64, minutes int) string {
	if minutes <= 0 {
		return ""
	}
	return fmt.Sprintf("%g+%gx%d", start, step, minutes-1)
}

func level(value float64, minutes int) string { return climb(value, 0, minutes) }

func blank(minutes int) string {
	if minutes <= 0 {
		return ""
	}
	return fmt.Sprintf("_x%d", minutes)
}

func still(value float64) string { return level(value, length) }
func rising(step float64) string { return climb(0, step, length) }

// between is value from one minute to another, else 0.
func between(value float64, from, to int) string {
	return strings.TrimSpace(level(0, from) + " " + level(value, to-from) + " " + level(0, length-to))
}

// risesBetween is a counter that rises by step from one minute to another, and stands else.
func risesBetween(step float64, from, to int) string {
	top := step * float64(to-from)
	return strings.TrimSpace(level(0, from) + " " + climb(step, step, to-from) + " " + level(top, length-to))
}
