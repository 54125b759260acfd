// Package seeds chooses with how many seeds the tests of random trouble run.
package seeds

import "os"

// Of returns n with SEEDS=all in the environment, as `make test-seeds` sets it, and otherwise a fifth of n, but 5 at least
// and n at most: `go test ./...` should take little time.
func Of(n int) uint64 {
	if os.Getenv("SEEDS") == "all" {
		return uint64(n)
	}
	return uint64(min(n, max(n/5, 5)))
}
