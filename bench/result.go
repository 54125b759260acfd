package main

import (
	"fmt"
	"time"
)

// result is what a case came to.
type result struct {
	Case  string `json:"case"`
	Title string `json:"title"`

	Rate    float64 `json:"contacts_per_second"`
	Ceiling float64 `json:"ceiling_contacts_per_second,omitzero"` // of the limits; 0: there are none
	Share   float64 `json:"share_of_ceiling,omitzero"`
	Bare    float64 `json:"bare_client_contacts_per_second,omitzero"`
	OfBare  float64 `json:"share_of_bare_client,omitzero"`

	Created           int     `json:"contacts"`
	Duplicates        int     `json:"duplicates"`
	Requests          int     `json:"requests"` // of the whole run, those of the start too
	RequestsPerMinute float64 `json:"requests_per_minute"`
	Lookups           int     `json:"lookups"`
	Throttled         int     `json:"answers_429"`
	PerMinute429      float64 `json:"answers_429_per_minute"`
	OverPerSecond     int     `json:"answers_502_over_limit"`

	CPU     float64 `json:"cpu_microseconds_per_contact"`
	PeakRSS float64 `json:"peak_rss_mib"`
	// Half and End tell whether memory is flat: resident when half of the contacts were
	// made, and at the end.
	HalfRSS float64 `json:"rss_at_half_mib"`
	EndRSS  float64 `json:"rss_at_end_mib"`

	Latencies int     `json:"latencies,omitzero"`
	P50       float64 `json:"p50_ms,omitzero"`
	P99       float64 `json:"p99_ms,omitzero"`
	Service   float64 `json:"crm_service_time_ms"` // of a request with one contact

	From     float64 `json:"measured_from_second"`
	To       float64 `json:"measured_to_second"`
	Cut      bool    `json:"cut,omitzero"` // its time was over before its contacts
	Timeline []point `json:"timeline"`
}

// plotSteps is how finely rates over time are told.
const plotSteps = 90

// result sums a trial up. A second contact of an event makes all figures void.
func (t *trial) result(bare float64) (result, error) {
	w, err := t.window()
	if err != nil {
		return result{}, fmt.Errorf("%w: %d contacts in %s", err, t.stats.Created, t.samples[len(t.samples)-1].at.Round(time.Second))
	}
	if t.stats.Duplicates > 0 {
		return result{}, fmt.Errorf("%d contacts were created twice", t.stats.Duplicates)
	}
	last := t.samples[len(t.samples)-1]
	r := result{
		Case: t.c.Name, Title: t.c.Title,
		Rate: w.contactsPerSecond(), Bare: bare,
		Created: t.stats.Created, Duplicates: t.stats.Duplicates, Requests: t.stats.Calls, RequestsPerMinute: w.requestsPerMinute(),
		Lookups: t.stats.Lookups, Throttled: t.stats.Throttled, PerMinute429: float64(t.stats.Throttled) / last.at.Minutes(), OverPerSecond: t.stats.OverPerSecond,
		CPU: w.cpuPerContact(), PeakRSS: mebibytes(t.peak), EndRSS: mebibytes(last.rss),
		HalfRSS: mebibytes(t.samples[min(atCount(t.samples, last.created/2), len(t.samples)-1)].rss),
		Service: milliseconds(t.c.Portal.took(1)),
		From:    w.from.at.Seconds(), To: w.to.at.Seconds(),
		Cut:      !t.c.timed() && t.stats.Created < t.c.Backlog,
		Timeline: series(t.samples, plotSteps),
	}
	if t.c.Trickle.Leads == 0 {
		r.Ceiling = t.c.Portal.ceiling(t.c.Batch, t.c.Slots)
	} else {
		r.Latencies, r.P50, r.P99 = len(t.delays), milliseconds(quantile(t.delays, .5)), milliseconds(quantile(t.delays, .99))
	}
	r.Share, r.OfBare = part(r.Rate, r.Ceiling), part(r.Rate, r.Bare)
	return r, nil
}

// window is the part of the run that counts.
func (t *trial) window() (window, error) {
	if t.c.timed() {
		return steady(t.samples, t.c.WarmUp, t.c.Measure)
	}
	return middle(t.samples)
}
