package observe

import "fmt"

func processCases() map[string]alertCase {
	restarts := func(times int, every int) func(scene) {
		return func(s scene) {
			text := level(1000, 60)
			for i := range times {
				text += " " + level(float64(2000+i), every)
			}
			s.set(consumerA, `process_start_time_seconds`, text, level(9000, length-60-times*every))
		}
	}
	return map[string]alertCase{
		"no consumer": {func(s scene) {
			s.gone(consumerA, 60, 100, false)
			s.gone(consumerB, 60, 100, false)
		}, map[string]span{"LeadbridgeConsumerAbsent/critical": {65, 104}}},
		"no consumer ever": {func(s scene) {
			for series := range s {
				delete(s, series)
			}
			s.process(gate)
			s.set(gate, `leadbridge_ingest_batch_records_count`, rising(5))
		}, from(5, 239, "LeadbridgeConsumerAbsent/critical")},
		"all restart at once": {func(s scene) {
			s.gone(consumerA, 60, 63, false)
			s.gone(consumerB, 60, 63, false)
		}, nil},
		"one is down":              {func(s scene) { s.gone(consumerA, 60, 100, true) }, from(70, 104, "LeadbridgeTargetDown/warning instance=a")},
		"one is replaced":          {func(s scene) { s.gone(consumerA, 60, 100, false) }, nil},
		"one is down for a moment": {func(s scene) { s.gone(consumerA, 60, 64, true) }, nil},
		"somebody else's is down":  {func(s scene) { s.set(`namespace="leads",job="other",instance="o"`, "up", between(0, 60, 100)) }, nil},
		"it restarts":              {restarts(4, 5), from(70, 103, "LeadbridgeRestarting/warning instance=a")},
		"it restarted twice":       {restarts(1, 5), nil},
	}
}

// answers has the gate answer so many webhooks a minute with an outcome.
func answers(outcome string, perMinute float64, begin, end int) func(scene) {
	return func(s scene) {
		s.set(gate, fmt.Sprintf(`leadbridge_ingest_requests_total{source="site",outcome=%q}`, outcome), risesBetween(perMinute, begin, end))
	}
}

func gateCases() map[string]alertCase {
	taken := `leadbridge_ingest_requests_total{source="site",outcome="taken"}`
	return map[string]alertCase{
		"Kafka does not acknowledge": {func(s scene) {
			answers("503", 10, 60, 90)(s)
			s.set(gate, taken, climb(0, 10, 60), level(590, 30), climb(600, 10, 150))
		}, from(65, 102, "LeadbridgeGateNotAcknowledged/critical")},
		"one 503":   {answers("503", 1, 60, 61), nil},
		"a few 503": {answers("503", .25, 60, 120), nil},
		"a form sends once an hour, in vain": {func(s scene) {
			answers("503", 1, 60, 61)(s)
			s.set(gate, taken, still(100))
		}, from(65, 93, "LeadbridgeGateNotAcknowledged/critical")},
		"a secret was changed": {func(s scene) {
			answers("401", 10, 60, 120)(s)
			s.set(gate, taken, climb(0, 10, 60), level(590, 60), climb(600, 10, 120))
		}, from(75, 147, "LeadbridgeGateRefusesSource/warning outcome=401 source=site")},
		"strangers try a new source": {func(s scene) {
			answers("401", 10, 60, 120)(s)
			s.set(gate, taken, still(0))
		}, nil},
		"a stranger tries":      {answers("401", 1, 60, 120), nil},
		"a mapping fails":       {func(s scene) { s.set(gate, `leadbridge_ingest_unmapped_total{source="site"}`, risesBetween(1, 60, 70)) }, from(62, 130, "LeadbridgeGateMappingFails/warning source=site")},
		"a mapping fails once":  {func(s scene) { s.set(gate, `leadbridge_ingest_unmapped_total{source="site"}`, risesBetween(1, 60, 61)) }, nil},
		"no gate":               {func(s scene) { s.gone(gate, 60, 100, false) }, from(65, 104, "LeadbridgeGateAbsent/critical")},
		"the gate rolls over":   {func(s scene) { s.gone(gate, 60, 62, false) }, nil},
		"there is never a gate": {func(s scene) { s.gone(gate, 0, length, false) }, nil},
	}
}
