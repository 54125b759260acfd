package crmclient_test

import (
	"testing"
	"time"

	"github.com/leadbridge/leadbridge/crmclient/crmtest"
)

func TestCreateSendsAtOnce(t *testing.T) {
	inBubble(t, portalWithField(), nil, func(w *world) {
		e := w.mustCreate(lead(1))
		if e.result.ContactID == 0 || e.result.Found || e.result.Attempts != 1 || e.took > time.Second {
			t.Errorf("Create = %+v", e)
		}
		w.wantContacts(1)
		w.wantHolds("")
	})
}

func TestInDoubtFound(t *testing.T) {
	inBubble(t, portalWithField(), nil, func(w *world) {
		w.script(createCall, func(n int, c crmtest.Call) crmtest.Action {
			if n == 1 {
				return crmtest.Action{Apply: crmtest.Now, Status: 502, Code: "BITRIX_UNAVAILABLE"}
			}
			return crmtest.Action{}
		})
		e := w.mustCreate(lead(1))
		if !e.result.Found || e.result.Attempts != 1 || e.took < settle {
			t.Errorf("Create = %+v", e)
		}
		w.wantContacts(1)
	})
}

func TestInDoubtAbsentTwice(t *testing.T) {
	inBubble(t, portalWithField(), nil, func(w *world) {
		w.script(createCall, func(n int, c crmtest.Call) crmtest.Action {
			if n == 1 {
				return crmtest.Action{Apply: crmtest.Never, Status: 502, Code: "BITRIX_UNAVAILABLE"}
			}
			return crmtest.Action{}
		})
		e := w.mustCreate(lead(1))
		if e.result.Found || e.result.Attempts != 2 || e.took < 2*settle {
			t.Errorf("Create = %+v", e)
		}
		if n := w.sim.Stats().Lookups; n != 2 {
			t.Errorf("%d look-ups, want 2", n)
		}
		w.wantContacts(1)
	})
}
