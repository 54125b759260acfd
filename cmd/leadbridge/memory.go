package main

import (
	"runtime/debug"

	"github.com/KimMachineGun/automemlimit/memlimit"
	"github.com/rs/zerolog"
)

// garbagePercent is GOGC where it is not set: half of Go's default. What is alive is some ten megabytes, so
// that a collection costs little, while the garbage of a backlog would double the process.
const garbagePercent = 50

// limitMemory sets how much garbage there may be, and GOMEMLIMIT to nine tenths of the container's memory
// limit: near it garbage is collected more often, before the kernel ends the process. GOGC and
// GOMEMLIMIT in the environment win over it (AUTOMEMLIMIT=off: no limit). Where there are no cgroups there is no
// limit.
func limitMemory(p process, log zerolog.Logger) {
	if _, set := p.lookupEnv("GOGC"); !set {
		debug.SetGCPercent(garbagePercent)
	}
	limit, err := memlimit.Set()
	log.Debug().Err(err).Int64("bytes", limit).Msg("memory limit of the garbage collector")
}
