package main

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/agnivade/levenshtein"
	"github.com/alecthomas/kong"
)

// misspelt returns a warning for each variable of the environment that is not a setting but is nearly
// spelt as one, such as KAFKA_BROKER for KAFKA_BROKERS. The values are not looked at.
func misspelt(parser *kong.Kong, environ []string) []string {
	known := settingNames(parser)
	var warnings []string
	for _, entry := range environ {
		name, value, _ := strings.Cut(entry, "=")
		if known[name] || strings.TrimSpace(value) == "" {
			continue
		}
		if meant := nearest(name, known); meant != "" {
			warnings = append(warnings, fmt.Sprintf("%s is not a setting and has no effect: did you mean %s?", name, meant))
		}
	}
	slices.Sort(warnings)
	return warnings
}

// settingNames returns the environment variables of all commands' settings.
func settingNames(parser *kong.Kong) map[string]bool {
	names := map[string]bool{}
	collect := func(node kong.Visitable, next kong.Next) error {
		if flag, ok := node.(*kong.Flag); ok {
			for _, name := range flag.Envs {
				names[name] = true
			}
		}
		return next(nil)
	}
	_ = kong.Visit(parser.Model, collect) // collect returns no error
	return names
}

// nearest returns the setting that was probably meant by a name, "" when none is near. Kubernetes gives a
// container variables of services (KAFKA_SERVICE_HOST, KAFKA_PORT_9092_TCP), and others have settings
// with our prefixes (KAFKA_HEAP_OPTS, HTTP_PROXY): only a slip or a word that is missing counts.
func nearest(name string, known map[string]bool) string {
	upper := strings.ToUpper(strings.ReplaceAll(name, "-", "_"))
	best, distance := "", slips(upper)+1
	for _, candidate := range slices.Sorted(maps.Keys(known)) {
		if d := levenshtein.ComputeDistance(upper, candidate); d < distance {
			best, distance = candidate, d
		}
	}
	if best != "" || !strings.Contains(upper, "_") {
		return best
	}
	if synonym := synonyms()[upper]; known[synonym] {
		return synonym
	}
	for candidate := range known {
		if abbreviates(upper, candidate) && (best == "" || len(candidate) < len(best) || len(candidate) == len(best) && candidate < best) {
			best = candidate
		}
	}
	return cmp.Or(best, withoutPrefix(upper, known))
}

// withoutPrefix returns the only setting that ends with a name of several words, such as KAFKA_DLT_TOPIC for DLT_TOPIC; "" when
// there is none, or several.
func withoutPrefix(name string, known map[string]bool) string {
	only := ""
	for candidate := range known {
		if !strings.HasSuffix(candidate, "_"+name) {
			continue
		}
		if only != "" {
			return ""
		}
		only = candidate
	}
	return only
}

// slips returns how many letters of a name may be wrong for it to count as misspelt.
func slips(name string) int {
	if len(name) < 12 {
		return 1
	}
	return 2
}

// abbreviates reports whether a name is a setting's without some of the words behind the first:
// KAFKA_USERNAME for KAFKA_SASL_USERNAME, CRM_KEY for CRM_API_KEY.
func abbreviates(name, setting string) bool {
	given, full := strings.Split(name, "_"), strings.Split(setting, "_")
	if len(given) < 2 || len(given) >= len(full) || given[0] != full[0] {
		return false
	}
	for _, word := range given {
		i := slices.Index(full, word)
		if i < 0 {
			return false
		}
		full = full[i+1:]
	}
	return true
}

// synonyms returns names that other programs have for our settings.
func synonyms() map[string]string {
	return map[string]string{ //nolint:gosec // names of variables
		"KAFKA_BOOTSTRAP_SERVERS": "KAFKA_BROKERS",
		"KAFKA_SERVERS":           "KAFKA_BROKERS",
		"KAFKA_HOSTS":             "KAFKA_BROKERS",
		"KAFKA_URL":               "KAFKA_BROKERS",
		"KAFKA_TOPICS":            "KAFKA_TOPIC",
		"KAFKA_GROUP":             "KAFKA_GROUP_ID",
		"KAFKA_CONSUMER_GROUP":    "KAFKA_GROUP_ID",
		"KAFKA_USER":              "KAFKA_SASL_USERNAME",
		"KAFKA_DEAD_LETTER_TOPIC": "KAFKA_DLT_TOPIC",
		"DEAD_LETTER_TOPIC":       "KAFKA_DLT_TOPIC",
		"CRM_URL":                 "CRM_BASE_URL",
		"CRM_TOKEN":               "CRM_API_KEY",
		"CRM_WEBHOOK_URL":         "CRM_BASE_URL",
		"BITRIX_API_KEY":          "CRM_API_KEY",
		"VIBE_API_KEY":            "CRM_API_KEY",
		"INGEST_ADDR":             "HTTP_ADDR",
		"GATE_ADDR":               "HTTP_ADDR",
		"WEBHOOK_ADDR":            "HTTP_ADDR",
		"LISTEN_ADDR":             "HTTP_ADDR",
	}
}
