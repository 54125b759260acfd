package crmclient_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/leadbridge/leadbridge/crmclient"
)

// TestSecondCardsOfTwoProcesses counts how many of 40 new persons get two contacts when two events of each come to two
// processes so far apart: what docs/exceptions.md says of it. The portal answers in 100 ms.
func TestSecondCardsOfTwoProcesses(t *testing.T) {
	const pairs = 40
	for _, test := range []struct {
		apart       time.Duration
		least, most int // second contacts
	}{
		{0, pairs, pairs},
		{100 * time.Millisecond, 1, pairs},
		{500 * time.Millisecond, 0, 0},
	} {
		t.Run(test.apart.String(), func(t *testing.T) {
			o := portalOfTargets()
			o.ServiceTime = 100 * time.Millisecond
			inBubble(t, o, matching, func(w *world) {
				other := w.newCreator(func(c *crmclient.Config) { matching(c); c.Metrics = nil })
				defer other.Close()
				if err := other.Prepare(w.t.Context()); err != nil {
					w.t.Fatal(err)
				}
				w.prepare()
				for n := range pairs {
					done := w.start(w.t.Context(), newcomer(2*n, n))
					later(test.apart)
					if _, err := other.Create(w.t.Context(), newcomer(2*n+1, n)); err != nil {
						w.t.Fatal(err)
					}
					if e := <-done; e.err != nil {
						w.t.Fatal(e.err)
					}
					later(time.Second)
				}
				second := w.sim.Count() - pairs
				w.t.Logf("%v apart: %d of %d persons have two contacts", test.apart, second, pairs)
				if second < test.least || second > test.most {
					w.t.Errorf("%d of %d persons have two contacts, want %d to %d", second, pairs, test.least, test.most)
				}
			})
		})
	}
}

// newcomer is an event of a person of whom the portal has no contact yet.
func newcomer(n, person int) crmclient.Request {
	r := ivan(n)
	r.Contact.Phones[0].Value = fmt.Sprintf("+7917%07d", person)
	r.Contact.Emails[0].Value = fmt.Sprintf("newcomer.%d@example.ru", person)
	return r
}
