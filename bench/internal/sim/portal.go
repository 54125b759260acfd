// Package sim runs the simulated CRM, leadbridge sim, as a process.
package sim

import (
	"math"
	"strconv"
	"time"
)

// Portal are the limits and times of the simulated CRM. 0 is no limit, and no time.
type Portal struct {
	PerMinute   int           // requests
	PerSecond   int           // requests
	Slots       int           // requests that run at a time
	ServiceTime time.Duration // of a request
	ItemTime    time.Duration // further, of each call of a batch
}

// Documented are the limits that the vendor documents.
func Documented() Portal {
	return Portal{PerMinute: 300, PerSecond: 10, Slots: 2, ServiceTime: 150 * time.Millisecond, ItemTime: 5 * time.Millisecond}
}

// env are the settings of leadbridge sim.
func (p Portal) env() []string {
	return []string{
		"SIM_PER_MINUTE=" + strconv.Itoa(p.PerMinute),
		"SIM_PER_SECOND=" + strconv.Itoa(p.PerSecond),
		"SIM_SLOTS=" + strconv.Itoa(p.Slots),
		"SIM_SERVICE_TIME=" + p.ServiceTime.String(),
		"SIM_ITEM_TIME=" + p.ItemTime.String(),
		"SIM_ORIGIN_ID=true",
	}
}

// Took is how long the portal works on a request of n contacts.
func (p Portal) Took(n int) time.Duration {
	if n == 1 {
		return p.ServiceTime
	}
	return p.ServiceTime + time.Duration(n)*p.ItemTime
}

// Pace is the time between two requests that the limits allow; 0: none.
func (p Portal) Pace() time.Duration {
	var pace time.Duration
	if p.PerMinute > 0 {
		pace = time.Minute / time.Duration(p.PerMinute)
	}
	if p.PerSecond > 0 {
		pace = max(pace, time.Second/time.Duration(p.PerSecond))
	}
	return pace
}

// Ceiling is how many contacts a second a client with so many slots can make, n to a
// request, when it wastes nothing; 0: nothing but the machines' speed limits it.
func (p Portal) Ceiling(n, slots int) float64 {
	if p.Slots > 0 {
		slots = min(slots, p.Slots)
	}
	requests := math.Inf(1)
	if took := p.Took(n); took > 0 {
		requests = float64(slots) / took.Seconds()
	}
	if pace := p.Pace(); pace > 0 {
		requests = min(requests, 1/pace.Seconds())
	}
	if math.IsInf(requests, 1) {
		return 0
	}
	return requests * float64(n)
}
