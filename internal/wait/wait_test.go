package wait

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

func TestForEndsWithTheTimeOrTheContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		if err := For(t.Context(), time.Minute); err != nil || time.Since(began) != time.Minute {
			t.Errorf("waited %v: %v", time.Since(began), err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		began = time.Now()
		if err := For(ctx, time.Minute); !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != time.Second {
			t.Errorf("waited %v: %v", time.Since(began), err)
		}
		if err := For(ctx, 0); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("after the end of the context: %v", err)
		}
	})
}

func TestWithinReportsWhetherTheChannelIsClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := make(chan struct{})
		if Closed(c) || Closed(nil) || Within(c, time.Second) {
			t.Error("an open channel counts as closed")
		}
		time.AfterFunc(time.Second, func() { close(c) })
		if !Within(c, time.Minute) || !Closed(c) {
			t.Error("a closed channel counts as open")
		}
	})
}
