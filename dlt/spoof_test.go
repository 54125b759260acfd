package dlt

import (
	"testing"

	"github.com/leadbridge/leadbridge/consumer/header"
)

// Whoever writes events can write our headers: numbers that cannot be are none.
func TestReplayOfHeadersThatCannotBe(t *testing.T) {
	bubble(t, 3, func(t *testing.T, r *rig) {
		all := letters(2, 3)
		all[0].more = map[string]string{header.Partition: "-5", header.Offset: "-1", header.Replays: "-9", header.Value: header.Omitted}
		all[1].more = map[string]string{header.Partition: "-9223372036854775808", header.Offset: "9223372036854775807", header.Replays: "-9223372036854775808"}
		r.seed(all...)
		report := r.replay(options())
		if report.Replayed != 1 || len(report.Left) != 1 || report.Left[0].Why != LeftValueGone {
			t.Errorf("%+v", report)
		}
		got := r.committed(testTopic)
		if len(got) != 1 || got[0].Partition != 0 || header.Text(got[0].Headers, header.Replays) != "1" {
			t.Errorf("%+v", got)
		}
		if report := r.replay(options()); report.Replayed != 0 || report.Already != 1 {
			t.Errorf("again: %+v", report)
		}
	})
}
