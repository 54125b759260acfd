package main

import (
	"os"
	"runtime"
	"strings"
)

// machine is where a run was made.
type machine struct {
	Processor string `json:"processor"`
	Cores     int    `json:"cores"`
	Memory    int64  `json:"memory_bytes"`
	System    string `json:"system"`
	Go        string `json:"go"`
	Load      string `json:"load_at_start"` // of the last minute: other work on the machine spoils a run
}

func thisMachine() machine {
	info, _ := os.ReadFile("/proc/cpuinfo") // what cannot be read is not told
	memory, _ := os.ReadFile("/proc/meminfo")
	release, _ := os.ReadFile("/proc/sys/kernel/osrelease")
	load, _ := os.ReadFile("/proc/loadavg")
	one, _, _ := strings.Cut(string(load), " ")
	return machine{
		Processor: processorName(string(info)),
		Cores:     runtime.NumCPU(),
		Memory:    kibibytes(memory, "MemTotal:"),
		System:    strings.TrimSpace(runtime.GOOS + "/" + runtime.GOARCH + " " + string(release)),
		Go:        runtime.Version(),
		Load:      one,
	}
}

func processorName(cpuinfo string) string {
	for line := range strings.Lines(cpuinfo) {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return "unknown"
}
