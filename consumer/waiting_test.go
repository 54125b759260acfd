package consumer

import (
	"testing"
	"time"
)

// The time until which merged waits last is the latest of theirs; it is not known if one of them is not known.
func TestMergedWaitsEndWhenAllAreKnown(t *testing.T) {
	one := func(until time.Time) Waiting {
		n := int64(1)
		return Waiting{Why: Why(waitSchema), Events: &n, Since: time.Unix(1, 0), Until: until}
	}
	soon, later, unknown := time.Unix(10, 0), time.Unix(20, 0), time.Time{}
	for _, tt := range []struct{ a, b, want time.Time }{
		{soon, later, later},
		{later, soon, later},
		{soon, unknown, unknown},
		{unknown, soon, unknown},
	} {
		if got := merged(merged(Waiting{}, one(tt.a)), one(tt.b)); !got.Until.Equal(tt.want) || *got.Events != 2 {
			t.Errorf("%v and %v: %d until %v, want %v", tt.a, tt.b, *got.Events, got.Until, tt.want)
		}
	}
}
