package admin

import (
	"bytes"
	"slices"
	"testing"
)

// FuzzRequests decodes bodies as the search and the replay do: whatever comes is understood or
// refused with words, and what is understood names letters one way.
func FuzzRequests(f *testing.F) {
	for _, seed := range []string{
		`{"reasons":["CRM_REFUSED"],"states":["open"],"text":"a","since":"2026-03-04T05:06:07Z","offset":1,"limit":2}`,
		`{"places":["0:12"],"edit":{"place":"0:12","value":"{\"a\":1}"},"dryRun":true,"rate":25,"confirm":"x"}`,
		`{"filter":{"states":["replayed"],"until":null,"except":["1:2"]},"jq":".a = 1"}`,
		`{"places":["0:1","0:1"],"rate":1e400}`, `null`, `{"filter":null}`, `[]`, ``,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		var search searchRequest
		if err := decodeJSON(bytes.NewReader(body), &search); err == nil {
			if q, err := search.query(); err == nil && len(q.Except) != len(search.Except) {
				t.Errorf("%d of %d exceptions", len(q.Except), len(search.Except))
			}
		} else if inWords(err) == "" {
			t.Errorf("no words for %v", err)
		}
		var replay replayRequest
		if err := decodeJSON(bytes.NewReader(body), &replay); err != nil {
			return
		}
		p, wrong := replay.read()
		if wrong != nil {
			if wrong.status != 400 || wrong.field == "" || wrong.detail == nil {
				t.Errorf("a fault without words: %+v", wrong)
			}
			return
		}
		if (len(p.places) > 0) == (replay.Filter != nil) {
			t.Errorf("places %v beside the filter %+v", p.places, replay.Filter)
		}
		if p.rate < 0 || p.asked == "" || p.edit != nil && replay.Edit != nil && len(p.places) != 1 {
			t.Errorf("a plan %+v", p)
		}
		replay.Confirm, replay.DryRun = "other", !replay.DryRun
		if again, _ := replay.read(); again.asked != p.asked || !slices.Equal(again.places, p.places) {
			t.Error("a dry run and its replay are confirmed differently")
		}
	})
}
