package consumer

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
)

// reserving starts a reservation and waits until it stands in line or is granted.
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

func TestBufferServesInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBuffer(100)
		reserving(t.Context(), b, 80)
		large := reserving(t.Context(), b, 50)
		small := reserving(t.Context(), b, 10) // would fit, but came later
		if granted(large) || granted(small) {
			t.Fatal("a reservation went beyond the limit or past another one")
		}
		b.release(80)
		if !granted(large) || !granted(small) {
			t.Error("room was given back and nobody got it")
		}
		if got := b.inUse(); got != 60 {
			t.Errorf("%d bytes in use, want 60", got)
		}
	})
}

func TestH27RecordLargerThanTheBufferPassesAlone(t *testing.T) {
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

func TestBufferForgetsAWithdrawnReservation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBuffer(100)
		reserving(t.Context(), b, 80)
		ctx, withdraw := context.WithCancel(t.Context())
		head := reserving(ctx, b, 50)
		behind := reserving(t.Context(), b, 20)
		withdraw()
		synctest.Wait()
		if err := <-head; !errors.Is(err, context.Canceled) {
			t.Errorf("the withdrawn one got %v", err)
		}
		if !granted(behind) {
			t.Error("who stood behind the withdrawn one waits for ever")
		}
		b.release(100)
		if got := b.inUse(); got != 0 {
			t.Errorf("%d bytes leaked", got)
		}
	})
}

// A reservation may be granted in the moment in which it is withdrawn.
func TestBufferLosesNothingUnderWithdrawals(t *testing.T) {
	b := newBuffer(1000)
	var workers sync.WaitGroup
	for worker := range 16 {
		workers.Go(func() {
			r := rand.New(rand.NewPCG(uint64(worker), 7))
			for range 500 {
				ctx, cancel := context.WithCancel(t.Context())
				size := 1 + r.Int64N(700)
				if r.IntN(2) == 0 {
					go cancel()
				}
				if b.reserve(ctx, size) == nil {
					b.release(size)
				}
				cancel()
			}
		})
	}
	workers.Wait()
	if got := b.inUse(); got != 0 || len(b.queue) != 0 {
		t.Errorf("%d bytes in use and %d waiting after all have gone", got, len(b.queue))
	}
}

func TestBufferTakesBackWhatWasGrantedAndWithdrawnAtOnce(t *testing.T) {
	for range 100 {
		synctest.Test(t, func(t *testing.T) {
			b := newBuffer(100)
			reserving(t.Context(), b, 80)
			ctx, withdraw := context.WithCancel(t.Context())
			waiting := reserving(ctx, b, 50)
			withdraw()
			b.release(80) // grants it, unless its withdrawal was faster
			if err := <-waiting; err == nil {
				b.release(50)
			}
			if got := b.inUse(); got != 0 {
				t.Fatalf("%d bytes leaked", got)
			}
		})
	}
}
