package consumer

import (
	"testing"

	"github.com/segmentio/kafka-go"
)

// A replayed dead letter is looked up even if its event's id is not remembered: the event may have become a contact long ago,
// in another process.
func TestReplayedEventIsASuspect(t *testing.T) {
	bubble(t, 1, func(t *testing.T, r *rig) {
		r.primed()
		p := r.start()
		replayed := event("a")
		replayed.headers = []kafka.Header{{Key: "dlt-event-id", Value: []byte("a")}, {Key: "dlt-replays", Value: []byte("1")}}
		r.produce(replayed, event("b"))
		r.await("both committed", func() bool { return r.commits()[0].offset == 2 })
		if got := r.crm.asked("a"); len(got) != 1 || !got[0].Suspect || !got[0].Replayed {
			t.Errorf("asked for the replayed event: %+v", got)
		}
		if got := r.crm.asked("b"); len(got) != 1 || got[0].Suspect {
			t.Errorf("asked for the new event: %+v", got)
		}
		p.shutdown(t)
	})
}
