package observe

const day = 86400

// lagging has the oldest event of consumer A be so many seconds old.
func lagging(values ...string) func(scene) {
	return func(s scene) { s.set(consumerA, `leadbridge_lag_seconds{partition="0"}`, values...) }
}

func deliveryCases() map[string]alertCase {
	return map[string]alertCase{
		"six minutes behind":            {lagging(between(360, 60, 120)), from(70, 124, "LeadbridgeLag/warning")},
		"behind for a moment":           {lagging(between(360, 60, 64)), nil},
		"two hours behind":              {lagging(between(7200, 60, 120)), from(70, 124, "LeadbridgeLag/warning", "LeadbridgeLag/critical")},
		"behind over rebalances":        {lagging(repeat(level(360, 7)+" stale _x2", length/10)), from(10, 239, "LeadbridgeLag/warning")},
		"half of the retention":         {nearRetention(4*day, 7*day), nearly()},
		"less than half of it":          {nearRetention(3*day, 7*day), from(70, 124, "LeadbridgeLag/warning", "LeadbridgeLag/critical")},
		"half of a short retention":     {nearRetention(day, day), nearly()},
		"the retention is for ever":     {forEver, from(70, 124, "LeadbridgeLag/warning", "LeadbridgeLag/critical")},
		"the retention is not told":     {notTold, nearly()},
		"records lost while it runs":    {lostWhileRunning, from(60, 178, "LeadbridgeRecordsLost/critical")},
		"records lost before we looked": {lostAtTheStart, from(60, 179, "LeadbridgeRecordsLost/critical")},
		"no progress":                   {stuck, from(73, 124, "LeadbridgeNoProgress/critical instance=a")},
		"no progress over restarts": {func(s scene) {
			stuck(s)
			s.set(consumerA, `leadbridge_lag_records{partition="0"}`, level(9, 60), repeat(level(9, 4)+" stale _", 10), level(0, 120))
			s.set(consumerA, `leadbridge_crm_held{cause="preparing"}`, level(0, 60), repeat("0 0 0 0 1 1", 10), level(0, 120))
		}, from(73, 124, "LeadbridgeNoProgress/critical instance=a")},
		"no progress, as it is held": {func(s scene) {
			stuck(s)
			s.set(consumerA, `leadbridge_crm_held{cause="throttle"}`, between(1, 60, 120))
		}, nil},
		"nothing to do":             {quiet, nil},
		"doubt that does not end":   {inDoubt(level(0, 60), level(3, 120), level(0, 60)), from(70, 198, "LeadbridgeInDoubtUnresolved/warning")},
		"doubt all the time":        {doubtful(1, 2), nil},
		"doubt that lasts":          {doubtful(20, 2), from(6, 239, "LeadbridgeInDoubtUnresolved/warning")},
		"commits fail":              {failedCommits(1, 60, 120), from(64, 148, "LeadbridgeCommitsFail/warning instance=a")},
		"two commits fail":          {failedCommits(1, 60, 62), nil},
		"a rebalance":               {rebalance, nil},
		"a rolling restart":         {rollingRestart, nil},
		"more partitions than ever": {func(s scene) { s.set(consumerB, `leadbridge_lag_seconds{partition="7"}`, blank(60), level(2, 180)) }, nil},
	}
}

func repeat(values string, times int) string {
	text := ""
	for range times {
		text += values + " "
	}
	return text
}

func nearRetention(lag, retention float64) func(scene) {
	return func(s scene) {
		lagging(between(lag, 60, 120))(s)
		for _, target := range []string{consumerA, consumerB} {
			s.set(target, `leadbridge_topic_retention_seconds`, still(retention))
		}
	}
}

func nearly() map[string]span {
	return map[string]span{
		"LeadbridgeLag/warning": {70, 124}, "LeadbridgeLag/critical": {70, 124}, "LeadbridgeLagNearsRetention/critical": {65, 124},
	}
}

func forEver(s scene) {
	nearRetention(30*day, 0)(s)
	for _, target := range []string{consumerA, consumerB} {
		s.set(target, `leadbridge_topic_retention_seconds`, repeat("Inf", length))
	}
}

func notTold(s scene) {
	nearRetention(4*day, 0)(s)
	for _, target := range []string{consumerA, consumerB} {
		s.set(target, `leadbridge_topic_retention_seconds`, blank(length))
	}
}

func lostWhileRunning(s scene) {
	s.set(consumerA, `leadbridge_records_lost_total`, level(0, 60), level(15, length-60))
}

// lostAtTheStart has a process that is new lose records before its first scrape.
func lostAtTheStart(s scene) {
	s.gone(consumerB, 50, length, false)
	consumerC := `namespace="leads",job="leadbridge",instance="c"`
	s.set(consumerC, `leadbridge_records_lost_total`, blank(60), level(15, length-60))
	s.set(consumerC, `leadbridge_window_size_records`, blank(60), level(256, length-60))
}

// stuck has consumer A do nothing for an hour, with records there.
func stuck(s scene) {
	s.set(consumerA, `leadbridge_contacts_total{how="created"}`, climb(0, 10, 60), level(590, 60), climb(600, 10, 120))
	s.set(consumerA, `leadbridge_lag_records{partition="0"}`, level(9, 120), level(0, 120))
}

func inDoubt(values ...string) func(scene) {
	return func(s scene) {
		s.set(consumerA, `leadbridge_crm_in_doubt`, values...)
		s.set(consumerA, `leadbridge_crm_in_doubt_total`, level(0, 60), level(3, length-60))
	}
}

// doubtful has so many events in doubt at any time, and so many more each minute.
func doubtful(now, perMinute float64) func(scene) {
	return func(s scene) {
		s.set(consumerA, `leadbridge_crm_in_doubt`, still(now))
		s.set(consumerA, `leadbridge_crm_in_doubt_total`, rising(perMinute))
	}
}

func failedCommits(perMinute float64, begin, end int) func(scene) {
	return func(s scene) {
		s.set(consumerA, `leadbridge_commits_total{outcome="failed"}`, risesBetween(perMinute, begin, end))
	}
}

// rebalance has B's partition go to A: nobody shows it for two minutes, the group holds both
// for one, a commit fails, and the lag is a minute more.
func rebalance(s scene) {
	for _, metric := range []string{"leadbridge_lag_records", "leadbridge_lag_seconds"} {
		s.set(consumerB, metric+`{partition="1"}`, level(1, 60), "stale")
		s.set(consumerA, metric+`{partition="0"}`, level(1, 60), "stale", blank(1), level(60, 2), level(1, length-64))
		s.set(consumerA, metric+`{partition="1"}`, blank(62), level(60, 2), level(1, length-64))
	}
	for _, target := range []string{consumerA, consumerB} {
		s.set(target, `leadbridge_consumer_held{cause="group"}`, between(1, 60, 61))
		s.set(target, `leadbridge_commits_total{outcome="failed"}`, level(0, 60), level(1, length-60))
	}
}

// rollingRestart has each process replaced by one with the same name: a minute without it,
// counters from 0, the portal asked anew.
func rollingRestart(s scene) {
	for i, target := range []string{consumerA, consumerB} {
		at := 60 + 5*i
		s.gone(target, at, at+1, false)
		s.set(target, `process_start_time_seconds`, level(1000, at), blank(1), level(5000, length-at-1))
		s.set(target, `leadbridge_contacts_total{how="created"}`, climb(0, 10, at), blank(1), climb(0, 10, length-at-1))
		s.set(target, `leadbridge_crm_held{cause="preparing"}`, level(0, at), blank(1), level(1, 1), level(0, length-at-2))
	}
}
