package main

import (
	"bytes"
	"os"
	"testing"

	"github.com/leadbridge/leadbridge/bench/internal/broker"
)

// TestProfile profiles a trial with a binary that is built for that.
func TestProfile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	binary, err := buildProfiled(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	b, err := broker.Open("")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	l := &lab{binary: binary, broker: b, profiles: dir, progress: t.Output()}
	c := quickTrial("profiled")
	c.Trickle = trickle{PerSecond: 10, Skip: 5, Leads: 20}
	checkTrial(t, l, c)
	profile, err := os.ReadFile((&trial{lab: l, c: c}).profileName(0))
	if gzip := []byte{0x1f, 0x8b}; err != nil || !bytes.HasPrefix(profile, gzip) {
		t.Errorf("%v, the profile has %d bytes", err, len(profile))
	}
}
