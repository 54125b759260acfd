package proc

import (
	"os"
	"runtime"
	"slices"
	"strings"
	"time"
)

// Machine is where a run was made.
type Machine struct {
	Processor string `json:"processor"`
	Cores     int    `json:"cores"`
	Memory    int64  `json:"memory_bytes"`
	System    string `json:"system"`
	Go        string `json:"go"`
	Load      string `json:"load_at_start"` // of the last minute: other work on the machine spoils a run
	// Lateness is the benchmark's resolution: how many milliseconds after its time a timer of an idle Go process
	// fires, as the simulator's do.
	Lateness float64 `json:"timer_lateness_ms"`
}

// ThisMachine looks at the machine that it runs on. It takes a quarter of a second.
func ThisMachine() Machine {
	info, _ := os.ReadFile("/proc/cpuinfo") // what cannot be read is not told
	memory, _ := os.ReadFile("/proc/meminfo")
	release, _ := os.ReadFile("/proc/sys/kernel/osrelease")
	load, _ := os.ReadFile("/proc/loadavg")
	one, _, _ := strings.Cut(string(load), " ")
	return Machine{
		Processor: processorName(string(info)),
		Cores:     runtime.NumCPU(),
		Memory:    kibibytes(memory, "MemTotal:"),
		System:    strings.TrimSpace(runtime.GOOS + "/" + runtime.GOARCH + " " + string(release)),
		Go:        runtime.Version(),
		Load:      one,
		Lateness:  float64(timerLateness(50).Microseconds()) / 1000,
	}
}

// timerLateness returns the median lateness of n timers of 5 ms.
func timerLateness(n int) time.Duration {
	const wait = 5 * time.Millisecond
	late := make([]time.Duration, n)
	for i := range late {
		started := time.Now()
		time.Sleep(wait) //nolint:forbidigo // the sleep is what is measured
		late[i] = time.Since(started) - wait
	}
	slices.Sort(late)
	return late[n/2]
}

func processorName(cpuinfo string) string {
	for line := range strings.Lines(cpuinfo) {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return "unknown"
}
