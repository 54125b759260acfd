package crmclient

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leadbridge/leadbridge/crmclient/crmtest"
)

// A comment that is what the event becomes is written, however long it takes, or is a rejection when it is refused.
func TestEssentialComment(t *testing.T) {
	for name, test := range map[string]struct {
		act  crmtest.Action
		want string // the rejection; "": it is written
	}{
		"refused":   {crmtest.Action{Status: 400, Code: "VALIDATION_ERROR"}, "CRM_REFUSED: status 400: VALIDATION_ERROR"},
		"forbidden": {crmtest.Action{Status: 403, Code: "SCOPE_NOT_ALLOWED"}, ""},
		"down":      {crmtest.Action{Status: 500, Code: "INTERNAL_ERROR"}, ""},
		"hangs":     {crmtest.Action{End: crmtest.Hang}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				sim := crmtest.New(crmtest.Options{ExistingUserField: true})
				server := crmtest.Serve(sim)
				defer server.Close()
				c, err := New(Config{BaseURL: server.URL, APIKey: Secret{Value: "vibe_api_good"}, FloodLimit: 100, CommentsSeen: []string{"contact"}, Dial: server.Dial})
				if err != nil {
					t.Fatal(err)
				}
				defer c.Close()
				begun := time.Now()
				sim.Script(func(call crmtest.Call) crmtest.Action {
					if call.Is("POST /v1/timelines") && time.Since(begun) < time.Hour {
						return test.act
					}
					return crmtest.Action{}
				})
				d := c.begin(Request{OriginID: "lb-1", Contact: &Contact{Name: "A"}})
				d.steps = append(d.steps, newComment(true, false, false))
				got := ""
				for _, s := range d.steps {
					if err := deliverAll(t.Context(), c, d, s); err != nil {
						got = err.Error()
					}
				}
				comments := sim.Records(crmtest.Timelines)
				if got != test.want || (len(comments) == 1) != (test.want == "") {
					t.Errorf("%q, %v; want %q", got, comments, test.want)
				}
				if test.want == "" && (time.Since(begun) < time.Hour || d.result().Comment != CommentWritten) {
					t.Errorf("after %v: %+v", time.Since(begun), d.result())
				}
				if c.extrasWaiting.Load() != 0 && test.want == "" {
					t.Errorf("%d comments wait", c.extrasWaiting.Load())
				}
			})
		})
	}
}

// deliverAll delivers a step until it is not deferred any more.
func deliverAll(ctx context.Context, c *Creator, d *delivery, s *step) error {
	for {
		err := c.deliver(ctx, d, s)
		wait, deferred := errors.AsType[*Deferred](err)
		if !deferred {
			return err
		}
		time.Sleep(time.Until(wait.Until))
	}
}
