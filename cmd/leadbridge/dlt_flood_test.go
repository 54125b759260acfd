package main

import (
	"slices"
	"testing"

	"github.com/alecthomas/kong"
)

// The id of a flood may be left out, and takes no argument of the command's for its own.
func TestFloodFlag(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		args  []string
		flood flood
		place []string
	}{
		{nil, "", nil},
		{[]string{"--flood"}, "any", nil},
		{[]string{"--flood=f-7"}, "f-7", nil},
		{[]string{"--flood", "0:7"}, "any", []string{"0:7"}},
	} {
		var command struct {
			Flood flood
			Place []string `arg:"" optional:""`
		}
		parser, err := kong.New(&command)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := parser.Parse(tt.args); err != nil || command.Flood != tt.flood || !slices.Equal(command.Place, tt.place) {
			t.Errorf("%q: flood %q, places %q, %v", tt.args, command.Flood, command.Place, err)
		}
	}
}
