package main

import (
	"errors"
	"os"
	"time"

	"github.com/leadbridge/leadbridge/bench/internal/proc"
)

// sample holds what was measured at one moment of a run.
type sample struct {
	at      time.Duration // since the services were started
	created int           // contacts
	calls   int           // requests
	cpu     time.Duration // of all services, user and system time
	rss     int64         // memory of the largest service, in bytes

	throttled  int           // answers with status 429
	simCPU     time.Duration // of the simulator
	benchCPU   time.Duration // of this process, which may have an embedded broker
	machineCPU time.Duration // of all processes on the machine
}

// weigh adds the processor times of the simulator, of this process and of the machine.
func (s *sample) weigh(simulator int) error {
	sim, err := proc.UsageOf(simulator)
	if err != nil {
		return err
	}
	bench, err := proc.UsageOf(os.Getpid())
	if err != nil {
		return err
	}
	s.simCPU, s.benchCPU = sim.CPU, bench.CPU
	s.machineCPU, err = proc.MachineCPU()
	return err
}

// window is the part of a run that counts: from one sample to another.
type window struct{ from, to sample }

var errTooShort = errors.New("the run was too short to measure anything")

// steady returns the window that begins warmUp after the first contact, and lasts for measure.
func steady(samples []sample, warmUp, measure time.Duration) (window, error) {
	first := firstContact(samples)
	from := after(samples, first+warmUp)
	to := after(samples, first+warmUp+measure)
	return between(samples, from, to)
}

// middle returns the window between the first and the last tenth of the contacts.
func middle(samples []sample) (window, error) {
	if len(samples) == 0 {
		return window{}, errTooShort
	}
	total := samples[len(samples)-1].created
	from := atCount(samples, (total+9)/10)
	to := atCount(samples, total-total/10)
	return between(samples, from, to)
}

func between(samples []sample, from, to int) (window, error) {
	to = min(to, len(samples)-1)
	if from < 0 || from >= to {
		return window{}, errTooShort
	}
	w := window{samples[from], samples[to]}
	if w.to.created == w.from.created {
		return w, errTooShort
	}
	return w, nil
}

// firstContact returns the time of the first sample with a contact; 0 when there is none.
func firstContact(samples []sample) time.Duration {
	if i := atCount(samples, 1); i < len(samples) {
		return samples[i].at
	}
	return 0
}

// after returns the index of the first sample at a moment or later; len(samples) when there is none.
func after(samples []sample, at time.Duration) int {
	for i, s := range samples {
		if s.at >= at {
			return i
		}
	}
	return len(samples)
}

// atCount returns the index of the first sample with at least n contacts; len(samples) when there is none.
func atCount(samples []sample, n int) int {
	for i, s := range samples {
		if s.created >= n {
			return i
		}
	}
	return len(samples)
}

func (w window) seconds() float64 { return (w.to.at - w.from.at).Seconds() }

func (w window) contacts() int { return w.to.created - w.from.created }

// contactsPerSecond is the rate of the window.
func (w window) contactsPerSecond() float64 { return float64(w.contacts()) / w.seconds() }

func (w window) requestsPerMinute() float64 {
	return 60 * float64(w.to.calls-w.from.calls) / w.seconds()
}

// perContact returns a time divided by the contacts of the window, in microseconds.
func (w window) perContact(d time.Duration) float64 {
	return float64(d.Microseconds()) / float64(w.contacts())
}

// cpuPerContact returns the processor time of the services for each contact, in microseconds.
func (w window) cpuPerContact() float64 { return w.perContact(w.to.cpu - w.from.cpu) }

// others returns which part of the cores' time was taken by other processes than the services, the simulator and this one.
func (w window) others(cores int) float64 {
	all := w.to.machineCPU - w.from.machineCPU
	ours := w.to.cpu - w.from.cpu + w.to.simCPU - w.from.simCPU + w.to.benchCPU - w.from.benchCPU
	return max(0, (all-ours).Seconds()) / (w.seconds() * float64(cores))
}

// growth returns by how many MiB memory grows with 100,000 contacts: the slope of the line that fits the samples of the
// window best. As garbage collection makes memory go up and down, two samples would not be enough.
func growth(samples []sample, w window) float64 {
	var n, sumX, sumY, sumXX, sumXY float64
	for _, s := range samples {
		if s.at < w.from.at || s.at > w.to.at {
			continue
		}
		x, y := float64(s.created)/100_000, mebibytes(s.rss)
		n, sumX, sumY, sumXX, sumXY = n+1, sumX+x, sumY+y, sumXX+x*x, sumXY+x*y
	}
	return part(n*sumXY-sumX*sumY, n*sumXX-sumX*sumX)
}

// busiestMinute returns the largest increase of a count in any minute.
func busiestMinute(samples []sample, count func(sample) int) int {
	most, from := 0, 0
	for _, s := range samples {
		for s.at-samples[from].at > time.Minute {
			from++
		}
		before := 0
		if s.at > time.Minute {
			before = count(samples[from])
		}
		most = max(most, count(s)-before)
	}
	return most
}

// point is a point of the timeline.
type point struct {
	Second            float64 `json:"second"`
	ContactsPerSecond float64 `json:"contacts_per_second"`
	RSS               float64 `json:"rss_mib"`
}

// series returns the rate and the memory over time, in at most n steps of equal length.
func series(samples []sample, n int) []point {
	if len(samples) < 2 {
		return nil
	}
	step := max(samples[len(samples)-1].at/time.Duration(n), time.Millisecond)
	points := make([]point, 0, n)
	last := samples[0]
	for i, s := range samples {
		if s.at-last.at < step && i < len(samples)-1 || s.at == last.at {
			continue
		}
		points = append(points, point{
			Second:            rounded(((s.at + last.at) / 2).Seconds(), 2),
			ContactsPerSecond: rounded(window{last, s}.contactsPerSecond(), 1),
			RSS:               rounded(mebibytes(s.rss), 1),
		})
		last = s
	}
	return points
}
