package observe

import (
	"fmt"
	"maps"
	"slices"
	"testing"
)

// TestAlerts tells for each case which alerts fire, and when: all others are silent.
func TestAlerts(t *testing.T) {
	for _, cases := range []map[string]alertCase{holdCases(), deliveryCases(), letterCases(), processCases(), gateCases()} {
		for name, c := range cases {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				s := healthy()
				if c.change != nil {
					c.change(s)
				}
				got := fired(t, s)
				for _, id := range slices.Sorted(maps.Keys(got)) {
					if want, ok := c.want[id]; !ok || got[id] != want {
						t.Errorf("%s fires from minute %d to %d, want %v", id, got[id].from, got[id].to, c.want[id])
					}
				}
				for id, want := range c.want {
					if _, ok := got[id]; !ok {
						t.Errorf("%s does not fire, want %v", id, want)
					}
				}
			})
		}
	}
}

// TestEveryAlertFires finds alerts that no case shows.
func TestEveryAlertFires(t *testing.T) {
	shown := map[string]bool{}
	for _, cases := range []map[string]alertCase{holdCases(), deliveryCases(), letterCases(), processCases(), gateCases()} {
		for _, c := range cases {
			for id := range c.want {
				var alert string
				if _, err := fmt.Sscan(id, &alert); err != nil {
					t.Fatal(err)
				}
				shown[alert] = true
			}
		}
	}
	for _, group := range ruleGroups(t).Groups {
		for _, r := range group.Rules {
			if id := r.Alert + "/" + r.Labels["severity"]; !shown[id] {
				t.Errorf("no case shows that %s fires", id)
			}
		}
	}
}

// alertCase is a scene that differs from a healthy one, and what fires in it.
type alertCase struct {
	change func(scene)
	want   map[string]span
}

// from tells that one alert fires between two minutes.
func from(minute, last int, ids ...string) map[string]span {
	want := map[string]span{}
	for _, id := range ids {
		want[id] = span{minute, last}
	}
	return want
}

// crmHeld holds consumer A's creates from one minute to another.
func crmHeld(cause string, begin, end int) func(scene) {
	return func(s scene) {
		s.set(consumerA, fmt.Sprintf(`leadbridge_crm_held{cause=%q}`, cause), between(1, begin, end))
		s.set(consumerA, fmt.Sprintf(`leadbridge_crm_hold_seconds_total{cause=%q}`, cause), risesBetween(60, begin, end))
		s.set(consumerA, `leadbridge_contacts_total{how="created"}`, climb(0, 10, begin), level(float64(10*begin), end-begin), climb(float64(10*begin), 10, length-end))
	}
}

func consumerHeld(cause string, begin, end int) func(scene) {
	return func(s scene) {
		s.set(consumerA, fmt.Sprintf(`leadbridge_consumer_held{cause=%q}`, cause), between(1, begin, end))
	}
}

func holdCases() map[string]alertCase {
	return map[string]alertCase{
		"nothing is wrong":   {},
		"the key is revoked": {crmHeld("credentials", 60, 100), from(62, 105, "LeadbridgeHeldForCredentials/critical")},
		"one portal of two, in one job": {func(s scene) {
			crmHeld("credentials", 60, 100)(s)
			s.portal(consumerA, "de")
			s.portal(consumerB, "fr")
		}, from(62, 105, "LeadbridgeHeldForCredentials/critical portal=de")},
		"a 403 of one record":   {crmHeld("credentials", 60, 61), nil},
		"an outage":             {crmHeld("outage", 60, 100), from(71, 105, "LeadbridgeHeldForOutage/critical")},
		"an outage of a moment": {crmHeld("outage", 60, 69), nil},
		"an outage, one scrape fails, and one probe passes": {func(s scene) {
			crmHeld("outage", 60, 100)(s)
			s.set(consumerA, `leadbridge_crm_held{cause="outage"}`, level(0, 60), level(1, 5), blank(1), level(1, 2), level(0, 1), level(1, 31), level(0, 140))
		}, from(71, 105, "LeadbridgeHeldForOutage/critical")},
		"failing half of the time": {func(s scene) {
			s.set(consumerA, `leadbridge_crm_held{cause="outage"}`, alternating(0, 0, 1))
		}, nil},
		"a mandatory field":       {crmHeld("flood", 60, 100), from(62, 105, "LeadbridgeHeldForFlood/critical")},
		"our field is deleted":    {crmHeld("origin_field", 60, 100), from(63, 105, "LeadbridgeHeldForOriginField/critical")},
		"brokers away":            {consumerHeld("brokers", 60, 100), from(64, 105, "LeadbridgeHeldForKafka/critical cause=brokers")},
		"topic missing":           {consumerHeld("topic", 60, 100), from(64, 105, "LeadbridgeHeldForKafka/critical cause=topic")},
		"not allowed to join":     {consumerHeld("group", 60, 100), from(64, 105, "LeadbridgeHeldForKafka/critical cause=group")},
		"a coordinator moves":     {consumerHeld("brokers", 60, 61), nil},
		"dead-letter topic away":  {consumerHeld("dead_letter_topic", 60, 100), from(64, 105, "LeadbridgeHeldForDeadLetterTopic/critical")},
		"result topic away":       {consumerHeld("result_topic", 60, 100), from(64, 105, "LeadbridgeHeldForResultTopic/critical")},
		"no look-ups by phone":    {crmHeld("match", 60, 100), from(63, 105, "LeadbridgeHeldForMatch/critical")},
		"registry away":           {consumerHeld("schema_registry", 60, 100), from(64, 105, "LeadbridgeHeldForSchemaRegistry/critical")},
		"registry restarts":       {consumerHeld("schema_registry", 60, 61), nil},
		"parking is full":         {consumerHeld("parking", 60, 100), from(64, 105, "LeadbridgeHeldForParking/critical")},
		"paused for hours":        {consumerHeld("operator", 60, 180), from(121, 185, "LeadbridgePausedByHand/warning")},
		"paused for half an hour": {consumerHeld("operator", 60, 90), nil},
		"throttled a third":       {throttled(20, 60, 180), from(84, 189, "LeadbridgeThrottled/warning")},
		"throttled now and then":  {throttled(5, 60, 180), nil},
		"throttled for some time": {throttled(30, 60, 70), nil},
	}
}

// throttled has both consumers wait for so many seconds of each minute.
func throttled(seconds float64, begin, end int) func(scene) {
	return func(s scene) {
		for _, target := range []string{consumerA, consumerB} {
			s.set(target, `leadbridge_crm_hold_seconds_total{cause="throttle"}`, risesBetween(seconds, begin, end))
		}
	}
}

// alternating repeats values over a whole scene.
func alternating(values ...float64) string {
	text := ""
	for i := range length {
		text += fmt.Sprintf("%g ", values[i%len(values)])
	}
	return text
}

func letters(reason string, perMinute float64, begin, end int) func(scene) {
	return func(s scene) {
		s.set(consumerA, fmt.Sprintf(`leadbridge_dead_letters_total{reason=%q}`, reason), risesBetween(perMinute, begin, end))
	}
}

func letterCases() map[string]alertCase {
	return map[string]alertCase{
		"a letter now and then":  {letters("NO_CONTACT_POINT", 1, 60, 240), nil},
		"two letters in a night": {func(s scene) { quiet(s); letters("CRM_REFUSED", 1, 60, 62)(s) }, nil},
		"a fifth are letters": {letters("CRM_REFUSED", 5, 60, 120),
			from(83, 140, "LeadbridgeDeadLetterRate/warning")},
		"nearly all are letters": {letters("CRM_REFUSED", 60, 60, 120), map[string]span{
			"LeadbridgeDeadLetterRate/warning": {71, 151}, "LeadbridgeDeadLetterRate/critical": {80, 143}}},
		"a fault of ours": {func(s scene) {
			s.set(consumerA, `leadbridge_dead_letters_total{reason="PROCESSING_FAILED"}`, level(0, 60), level(1, length-60))
		}, from(60, 123, "LeadbridgeProcessingFailed/warning")},
	}
}

// quiet has no event come.
func quiet(s scene) {
	for _, target := range []string{consumerA, consumerB} {
		s.set(target, `leadbridge_contacts_total{how="created"}`, still(100))
		for partition := range 2 {
			if series := fmt.Sprintf(`leadbridge_lag_records{partition="%d",%s}`, partition, target); s[series] != "" {
				s[series] = still(0)
			}
		}
	}
}
