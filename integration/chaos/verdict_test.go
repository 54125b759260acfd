package main

import "testing"

// TestBreachFails sees to it that what was noticed during the run fails it too.
func TestBreachFails(t *testing.T) {
	t.Parallel()
	if v := (verdict{breaches: []string{"a commit went back"}}); v.good() {
		t.Error("a run with a breach counts as good")
	}
}
