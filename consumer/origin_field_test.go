package consumer

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/segmentio/kafka-go"

	"github.com/leadbridge/leadbridge/consumer/header"
)

// Whoever writes events can write our headers: the CRM is asked only by fields that can hold our ids, whatever the header
// says.
func TestOriginFieldOfAHeader(t *testing.T) {
	bubble(t, 1, func(t *testing.T, r *rig) {
		fields := map[string]string{
			"a": "none", "b": "originId", "c": "ufCrm_LEADBRIDGE_EVENT_ID", "d": "companyId", "e": "id", "f": "UF_CRM_" + strings.Repeat("X", 1000), "g": "",
		}
		r.produce(event("first"))
		p := r.start()
		r.await("the first commit", func() bool { return r.commits()[0].offset == 1 }) // from here on there is no exploration
		for id, field := range fields {
			r.produce(message{value: `{"id":"` + id + `"}`, headers: []kafka.Header{{Key: header.EventID, Value: []byte(id)}, {Key: header.Replays, Value: []byte("1")}, {Key: header.OriginField, Value: []byte(field)}}})
		}
		r.await("the commit", func() bool { return r.commits()[0].offset == 1+int64(len(fields)) })
		got := map[string]string{}
		for id := range fields {
			got[id] = r.crm.asked(id)[0].SentIDField
		}
		want := map[string]string{"a": "none", "b": "originId", "c": "ufCrm_LEADBRIDGE_EVENT_ID", "d": "", "e": "", "f": "", "g": ""}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
		p.shutdown(t)
	})
}
