// Package seeds chooses with how many seeds the tests of random trouble run.
package seeds

import "os"

// Of returns n when SEEDS=all is in the environment, as `make test-seeds` sets it. Otherwise it returns a fifth of n, but at
// least 5 and at most n, so that `go test ./...` takes little time.
func Of(n int) uint64 {
	if os.Getenv("SEEDS") == "all" {
		return uint64(n)
	}
	return uint64(min(n, max(n/5, 5)))
}
