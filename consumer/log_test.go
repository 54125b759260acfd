package consumer

import (
	"context"
	"errors"
	"strings"
	"testing"
)

// The line of a letter says where the letter lies, which is what dlt show takes.
func TestLetterIsLoggedWithItsPlace(t *testing.T) {
	bubble(t, 1, func(t *testing.T, r *rig) {
		p := r.start()
		r.produce(event("fine"), message{value: "not JSON"}, message{value: "no JSON either"})
		r.await("two letters", func() bool { return strings.Count(r.logs.String(), "dead letter written") == 2 })
		for _, place := range []string{`"letter":"0:0"`, `"letter":"0:1"`} {
			if !strings.Contains(r.logs.String(), place) {
				t.Errorf("no line has %s:\n%s", place, r.logs)
			}
		}
		p.shutdown(t)
	})
}

// A cause is one line, says nothing twice, and tells the end of a context only when there is nothing else to tell.
func TestCausesAreOneLine(t *testing.T) {
	t.Parallel()
	failed := errors.New("a commit failed")
	for _, tt := range []struct {
		err  error
		want string
	}{
		{nil, ""},
		{errShutdown, "shutting down"},
		{errors.Join(errShutdown, nil, context.Canceled), "shutting down"},
		{errors.Join(context.Canceled, context.Canceled), "context canceled"},
		{errors.Join(failed, errLeaseLapsed, failed), "a commit failed; lease lapsed"},
	} {
		if got := causesOf(tt.err); got != tt.want {
			t.Errorf("%q, want %q", got, tt.want)
		}
	}
}
