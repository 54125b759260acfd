package consumer

import (
	"context"
	"errors"
	"strings"
	"testing"
)

// The log line of a letter says where the letter lies, as the command dlt show takes it.
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

// The causes of an error are one line, without repeats, and without the end of a context unless that is the only cause.
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
