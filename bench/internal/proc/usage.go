package proc

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Usage is what a process took of its machine.
type Usage struct {
	CPU  time.Duration // user and system, in ticks of 10 ms
	RSS  int64         // bytes now
	Peak int64         // bytes at most
}

// UsageOf asks Linux about a process.
func UsageOf(pid int) (Usage, error) {
	dir := filepath.Join("/proc", strconv.Itoa(pid))
	stat, err := os.ReadFile(filepath.Join(dir, "stat"))
	if err != nil {
		return Usage{}, fmt.Errorf("processor time (Linux only): %w", err)
	}
	status, err := os.ReadFile(filepath.Join(dir, "status"))
	if err != nil {
		return Usage{}, fmt.Errorf("memory (Linux only): %w", err)
	}
	return parseUsage(stat, status)
}

// MachineCPU is the time that all processors were busy since the machine's start, or taken away
// by the host of a virtual machine, but not with interrupts: a loopback's network is one, and
// it is ours.
func MachineCPU() (time.Duration, error) {
	stat, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0, fmt.Errorf("processor time (Linux only): %w", err)
	}
	return parseMachine(stat)
}

// parseMachine reads the first line of /proc/stat (proc(5)).
func parseMachine(stat []byte) (time.Duration, error) {
	line, _, _ := bytes.Cut(stat, []byte("\n"))
	fields := strings.Fields(string(line))
	if len(fields) < 9 {
		return 0, fmt.Errorf("/proc/stat is not understood: %q", line)
	}
	var busy time.Duration
	for _, field := range append(fields[1:4:4], fields[8]) { // user, nice, system, steal
		n, err := strconv.ParseInt(field, 10, 64)
		if err != nil {
			return 0, fmt.Errorf("/proc/stat is not understood: %w", err)
		}
		busy += time.Duration(n) * tick
	}
	return busy, nil
}

// tick is the unit of times in /proc/PID/stat: USER_HZ is 100 for all programs.
const tick = 10 * time.Millisecond

// parseUsage reads /proc/PID/stat and /proc/PID/status (proc(5)).
func parseUsage(stat, status []byte) (Usage, error) {
	var u Usage
	// The second field is the program's name in brackets, which may hold anything.
	rest := stat[bytes.LastIndexByte(stat, ')')+1:]
	fields := strings.Fields(string(rest))
	if len(fields) < 13 {
		return u, fmt.Errorf("/proc/PID/stat is not understood: %q", stat)
	}
	for _, field := range fields[11:13] { // utime and stime, fields 14 and 15
		n, err := strconv.ParseInt(field, 10, 64)
		if err != nil {
			return u, fmt.Errorf("/proc/PID/stat is not understood: %w", err)
		}
		u.CPU += time.Duration(n) * tick
	}
	u.RSS, u.Peak = kibibytes(status, "VmRSS:"), kibibytes(status, "VmHWM:")
	return u, nil
}

// kibibytes finds a line of /proc/PID/status or /proc/meminfo, in bytes; 0: it is not there.
func kibibytes(text []byte, name string) int64 {
	for line := range strings.Lines(string(text)) {
		fields := strings.Fields(line)
		if len(fields) > 1 && fields[0] == name {
			n, _ := strconv.ParseInt(fields[1], 10, 64)
			return n << 10
		}
	}
	return 0
}
