package crmclient_test

import (
	"testing"
	"time"

	"github.com/leadbridge/leadbridge/crmclient"
	"github.com/leadbridge/leadbridge/crmclient/crmtest"
)

// The comment that an earlier owner wrote on a person's contact is listed late: one look-up that does not show it is not
// enough, although the person's contact was found.
func TestMatchedCommentNeedsTwoLookUps(t *testing.T) {
	inBubble(t, portalWithField(), func(c *crmclient.Config) { matching(c); c.Target = "" }, func(w *world) {
		id := w.card("Иван", "Петров", "+79160000001", "x@example.ru")
		later(time.Hour)
		req := ivan(1)
		req.Target = ""
		w.mustCreate(req) // the earlier owner, who died before its commit
		sent := time.Now()
		// Two look-ups that find no contact of the event come first, when what was sent can take no effect any more.
		w.setFaults(crmtest.Faults{LookupLag: crmtest.Duration(batchLifetime + settle + settle/2)})
		again := ivan(1)
		again.Target, again.Suspect, again.SentBefore = "", true, func() time.Time { return sent }
		got := w.mustCreate(again)
		if got.result.ContactID != id || len(w.comments(id)) != 1 {
			t.Errorf("%+v; comments %q", got.result, w.comments(id))
		}
	})
}
