package main

import (
	"errors"
	"os"
	"time"

	"github.com/leadbridge/leadbridge/bench/internal/proc"
)

// sample is how things stood at a moment of a run.
type sample struct {
	at      time.Duration // since the services were started
	created int           // contacts
	calls   int           // requests
	cpu     time.Duration // user and system, of all services
	rss     int64         // bytes, of the largest service

	throttled  int           // answers 429
	simCPU     time.Duration // of the simulator
	benchCPU   time.Duration // of this process: an embedded broker is in it
	machineCPU time.Duration // of all that runs on the machine
}

// weigh adds what runs beside the services.
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

// steady is the window that begins a warm-up after the first contact and
// lasts as long as told.
func steady(samples []sample, warmUp, measure time.Duration) (window, error) {
	first := firstContact(samples)
	from := after(samples, first+warmUp)
	to := after(samples, first+warmUp+measure)
	return between(samples, from, to)
}

// middle is the window between the first and the last tenth of the contacts.
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

// firstContact is when there was one.
func firstContact(samples []sample) time.Duration {
	if i := atCount(samples, 1); i < len(samples) {
		return samples[i].at
	}
	return 0
}

// after is the first sample not before a moment; their number when there is none.
func after(samples []sample, at time.Duration) int {
	for i, s := range samples {
		if s.at >= at {
			return i
		}
	}
	return len(samples)
}

// atCount is the first sample with so many contacts; their number when there is none.
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

// perContact is a part of a time, in microseconds.
func (w window) perContact(d time.Duration) float64 {
	return float64(d.Microseconds()) / float64(w.contacts())
}

// cpuPerContact is user and system time of the services, in microseconds.
func (w window) cpuPerContact() float64 { return w.perContact(w.to.cpu - w.from.cpu) }

// others is the part of so many cores that was taken by what is neither the
// services nor the simulator nor this process.
func (w window) others(cores int) float64 {
	all := w.to.machineCPU - w.from.machineCPU
	ours := w.to.cpu - w.from.cpu + w.to.simCPU - w.from.simCPU + w.to.benchCPU - w.from.benchCPU
	return max(0, (all-ours).Seconds()) / (w.seconds() * float64(cores))
}

// growth is how much memory grows by a hundred thousand contacts, in MiB: the slope
// of the line that fits the samples of the window best. Memory that is collected goes up and
// down, so two samples would tell little.
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

// busiestMinute is the most that was counted in any minute.
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

// point is a moment of the plot.
type point struct {
	Second            float64 `json:"second"`
	ContactsPerSecond float64 `json:"contacts_per_second"`
	RSS               float64 `json:"rss_mib"`
}

// series is the rate over time, in at most n steps of equal length.
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
