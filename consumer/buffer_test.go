package consumer

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
)

// reserving starts a reservation, and returns once it is granted or waits for room.
func reserving(ctx context.Context, b *buffer, size int64) <-chan error {
	result := make(chan error, 1)
	go func() { result <- b.reserve(ctx, size) }()
	synctest.Wait()
	return result
}

func granted(result <-chan error) bool {
	synctest.Wait()
	return len(result) == 1
}

func TestBufferIsWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBuffer(100)
		reserving(t.Context(), b, 80)
		next := reserving(t.Context(), b, 50)
		if granted(next) {
			t.Fatal("a reservation went beyond the limit")
		}
		b.release(20)
		if granted(next) {
			t.Fatal("a reservation went beyond the limit after some was given back")
		}
		b.release(60)
		if !granted(next) || b.inUse() != 50 {
			t.Errorf("room was given back and nobody got it: %d bytes in use", b.inUse())
		}
	})
}

func TestRecordLargerThanTheBufferPassesAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBuffer(100)
		reserving(t.Context(), b, 1)
		huge := reserving(t.Context(), b, 1000)
		if granted(huge) {
			t.Fatal("granted beside another one")
		}
		b.release(1)
		if !granted(huge) {
			t.Fatal("never granted")
		}
		next := reserving(t.Context(), b, 1)
		if granted(next) {
			t.Error("granted while the buffer is over its limit")
		}
		b.release(1000)
		if !granted(next) {
			t.Error("never granted after it")
		}
	})
}

func TestBufferCountsWhatTurnedOutLarger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBuffer(100)
		reserving(t.Context(), b, 10)
		b.release(10 - 150) // a fetch answered with more than it had reserved
		next := reserving(t.Context(), b, 1)
		if granted(next) || b.inUse() != 150 {
			t.Errorf("%d bytes in use, granted %v", b.inUse(), granted(next))
		}
		b.release(150)
		if !granted(next) {
			t.Error("never granted")
		}
	})
}

func TestBufferWaitEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBuffer(100)
		reserving(t.Context(), b, 80)
		ctx, cancel := context.WithCancel(t.Context())
		waiting := reserving(ctx, b, 50)
		cancel()
		if err := <-waiting; !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
		if got := b.inUse(); got != 80 {
			t.Errorf("%d bytes in use, want 80", got)
		}
	})
}

// Many goroutines give bytes back while one reserves them.
func TestBufferLosesNothing(t *testing.T) {
	b := newBuffer(1000)
	var workers sync.WaitGroup
	for i := range 5000 {
		size := int64(1 + i%700)
		if err := b.reserve(t.Context(), size); err != nil {
			t.Fatal(err)
		}
		workers.Go(func() { b.release(size) })
	}
	workers.Wait()
	if got := b.inUse(); got != 0 {
		t.Errorf("%d bytes in use after all have gone", got)
	}
}
