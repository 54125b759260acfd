package main

import (
	"fmt"
	"runtime"
	"time"
)

// result is the result of a case.
type result struct {
	Case  string `json:"case"`
	Title string `json:"title"`

	Rate    float64 `json:"contacts_per_second"`
	Ceiling float64 `json:"ceiling_contacts_per_second,omitzero"` // by the portal's limits; 0 if it has none
	Share   float64 `json:"share_of_ceiling,omitzero"`
	Bare    float64 `json:"bare_client_contacts_per_second,omitzero"`
	OfBare  float64 `json:"share_of_bare_client,omitzero"`

	BareOthers float64 `json:"others_share_of_machine_beside_bare_client,omitzero"`

	Created           int     `json:"contacts"`
	Duplicates        int     `json:"duplicates"`
	Requests          int     `json:"requests"` // in the whole run
	RequestsPerMinute float64 `json:"requests_per_minute"`
	BusiestMinute     int     `json:"requests_in_busiest_minute"`
	Lookups           int     `json:"lookups"`
	Throttled         int     `json:"answers_429"`
	WorstMinute429    int     `json:"answers_429_in_worst_minute"`
	OverPerSecond     int     `json:"answers_502_over_limit"`

	CPU      float64 `json:"cpu_microseconds_per_contact"`
	SimCPU   float64 `json:"simulator_cpu_microseconds_per_contact"`
	BenchCPU float64 `json:"benchmark_cpu_microseconds_per_contact"` // including an embedded broker
	Others   float64 `json:"others_share_of_machine"`                // the part of the processor time that other processes took

	PeakRSS float64 `json:"peak_rss_mib"`
	HalfRSS float64 `json:"rss_at_half_mib"` // when half of the contacts had been created
	EndRSS  float64 `json:"rss_at_end_mib"`
	Growth  float64 `json:"rss_growth_mib_per_100000"` // by 100,000 contacts, in the part of the run that counts

	Latencies int     `json:"latencies,omitzero"`
	P50       float64 `json:"p50_ms,omitzero"`
	P99       float64 `json:"p99_ms,omitzero"`
	Service   float64 `json:"crm_service_time_ms"` // the CRM's own time for the requests of one event

	From     float64 `json:"measured_from_second"`
	To       float64 `json:"measured_to_second"`
	Cut      bool    `json:"cut,omitzero"` // the time limit ended the run before all contacts were created
	Timeline []point `json:"timeline"`
}

// plotSteps is how many points the timeline has at most.
const plotSteps = 90

// result returns the result of a trial. It fails if an event has two contacts.
func (t *trial) result(bare bareResult) (result, error) {
	w, err := t.window()
	if err != nil {
		return result{}, fmt.Errorf("%w: %d contacts in %s", err, t.done(), t.samples[len(t.samples)-1].at.Round(time.Second))
	}
	if t.stats.Duplicates > 0 {
		return result{}, fmt.Errorf("%d contacts were created twice", t.stats.Duplicates)
	}
	last := t.samples[len(t.samples)-1]
	r := result{
		Case: t.c.Name, Title: t.c.Title,
		Rate: w.contactsPerSecond(), Bare: bare.rate, BareOthers: bare.others,
		Created: t.done(), Duplicates: t.stats.Duplicates, Requests: t.stats.Calls, RequestsPerMinute: w.requestsPerMinute(),
		Lookups: t.stats.Lookups, Throttled: t.stats.Throttled, OverPerSecond: t.stats.OverPerSecond,
		BusiestMinute:  busiestMinute(t.samples, func(s sample) int { return s.calls }),
		WorstMinute429: busiestMinute(t.samples, func(s sample) int { return s.throttled }),
		SimCPU:         w.perContact(w.to.simCPU - w.from.simCPU), BenchCPU: w.perContact(w.to.benchCPU - w.from.benchCPU), Others: w.others(runtime.NumCPU()),
		CPU: w.cpuPerContact(), PeakRSS: mebibytes(t.peak), EndRSS: mebibytes(last.rss),
		HalfRSS: mebibytes(t.samples[min(atCount(t.samples, last.created/2), len(t.samples)-1)].rss),
		Growth:  growth(t.samples, w),
		Service: milliseconds(t.c.Portal.Took(1)) * float64(t.c.steps()),
		From:    w.from.at.Seconds(), To: w.to.at.Seconds(),
		Cut:      !t.c.timed() && t.done() < t.c.Backlog,
		Timeline: series(t.samples, plotSteps),
	}
	if t.c.Trickle.Leads == 0 {
		r.Ceiling = t.c.ceiling()
	} else {
		r.Latencies, r.P50, r.P99 = len(t.delays), milliseconds(quantile(t.delays, .5)), milliseconds(quantile(t.delays, .99))
	}
	r.Share, r.OfBare = part(r.Rate, r.Ceiling), part(r.Rate, r.Bare)
	return r, nil
}

// window returns the part of the run that counts.
func (t *trial) window() (window, error) {
	if t.c.timed() {
		return steady(t.samples, t.c.WarmUp, t.c.Measure)
	}
	return middle(t.samples)
}
