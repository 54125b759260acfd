package main

import (
	"github.com/KimMachineGun/automemlimit/memlimit"
	"github.com/rs/zerolog"
)

// limitMemory sets GOMEMLIMIT to nine tenths of the container's memory limit: near it garbage
// is collected more often, where the kernel would end the process. A GOMEMLIMIT that is set goes
// before it (AUTOMEMLIMIT=off: neither); without a limit, or where there are no cgroups, nothing changes.
func limitMemory(log zerolog.Logger) {
	limit, err := memlimit.Set()
	log.Debug().Err(err).Int64("bytes", limit).Msg("memory limit of the garbage collector")
}
