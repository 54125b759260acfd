package consumer

import (
	"testing"
	"time"
)

func TestEveryEventBecomesOneContact(t *testing.T) {
	bubble(t, 3, func(t *testing.T, r *rig) {
		r.produce(events("before-", 20)...)
		p := r.start()
		r.awaitCreated("before-0", "before-19")
		r.produce(message{partition: 2, value: `{"id":"late"}`}, message{partition: 1, value: "no json"})
		r.awaitCreated("late")
		r.await("a dead letter", func() bool { return len(r.deadLetters()) == 1 })
		p.shutdown(t)
		r.crm.once(t)
		if got := len(r.crm.createdIDs()); got != 21 {
			t.Errorf("%d contacts, want 21", got)
		}
		commits := r.commits()
		for id, want := range map[int]int64{0: 20, 1: 1, 2: 1} {
			if commits[id].offset != want {
				t.Errorf("partition %d committed %d, want %d", id, commits[id].offset, want)
			}
		}
		time.Sleep(time.Second)
	})
}
