//go:build browser

package browser

import (
	"strconv"
	"strings"
	"testing"

	"github.com/leadbridge/leadbridge/browser/internal/lab"
	"github.com/leadbridge/leadbridge/browser/internal/screen"
	"github.com/leadbridge/leadbridge/crmclient/crmtest"
)

// A service that is gone, and one that is only silent, are both said, and found again.
func TestALostConnectionIsSaidAndFoundAgain(t *testing.T) {
	t.Parallel()
	l := newLab(t, lab.Refused(0, 3))
	tab := open(t, screen.Desk, l.Page)
	tab.Expect("ERR_CONNECTION_REFUSED")
	tab.Expect("ERR_INCOMPLETE_CHUNKED_ENCODING")
	must(t, tab.Until(text("#link-said", "Live")))
	must(t, tab.Until(text(".verdict-word", "Delivering")))

	must(t, l.Freeze())
	must(t, tab.Until(text("#link-said", "Connection lost: numbers are of ")))
	must(t, tab.Until(text("#link-more", " old; trying ")))
	if role := eval[string](t, tab, `document.querySelector("#link-said").getAttribute("role")`); role != "status" {
		t.Errorf("what is said has the role %q", role)
	}
	must(t, l.Thaw())
	must(t, tab.Until(text("#link-said", "Live")))

	must(t, l.Stop())
	must(t, tab.Until(text("#link-said", "Connection lost")))
	must(t, l.Serve(t.Context()))
	must(t, pressOn(tab, "#link-now"))
	must(t, tab.Until(text("#link-said", "Live")))
	must(t, tab.Until(text(".verdict-word", "Delivering")))
}

// Who was signed in when the service was started anew signs in again, and is told so.
func TestASessionEndsWithTheService(t *testing.T) {
	t.Parallel()
	l := newLab(t, nil, "ADMIN_TOKEN="+lab.Token)
	tab := open(t, screen.Desk, l.Page)
	tab.Expect("401")
	tab.Expect("ERR_")
	must(t, tab.Until(focused("#token")))
	must(t, tab.Type(lab.Token))
	must(t, tab.Press("Enter"))
	must(t, tab.Until(text("#link-said", "Live")))
	must(t, l.Stop())
	must(t, tab.Until(text("#link-said", "Connection lost")))
	must(t, l.Serve(t.Context()))
	must(t, tab.Until(text("#token-fault", "The session has ended. Sign in again.")))
}

func TestWhatHoldsTheDeliveryIsOnTheFirstScreen(t *testing.T) {
	t.Parallel()
	l := newLab(t, nil)
	tab := open(t, screen.Hand, l.Page)
	must(t, tab.Until(text(".verdict-word", "Delivering")))
	must(t, l.CRM.SetFaults(crmtest.Faults{BadKey: 1}))
	must(t, l.Produce(t.Context(), lab.Leads, lab.Event("ce:/shop held-1", `{"email":"anna@example.com"}`)))
	must(t, tab.Until(text(".verdict-word", "Held")))
	must(t, tab.Until(text(".hold-times", "Since ")))
	must(t, tab.Until(text(".hold-probe", "rob"))) // "Next probe in 2 s", "Probing now"
	must(t, tab.Until(text(".hold-advice", "CRM_API_KEY")))
	must(t, tab.Until(text(".hold-answer", "401")))
	in := eval[bool](t, tab, `document.querySelector(".hold-advice").getBoundingClientRect().bottom <= innerHeight`)
	if !in {
		t.Error("what to do is not on the first screen of a phone")
	}
	must(t, l.CRM.SetFaults(crmtest.Faults{}))
	must(t, tab.Until(text(".verdict-word", "Delivering")))
	must(t, tab.Until(text(".figure-value", "1")))
}

func TestTimesAreInTheReadersZone(t *testing.T) {
	t.Parallel()
	l := newLab(t, nil)
	for zone, offset := range map[string]string{"Europe/Berlin": "GMT+", "Asia/Tokyo": "GMT+9"} {
		tab := open(t, screen.View{Width: 1280, Height: 800, Zone: zone}, l.Page)
		must(t, tab.Until(text("#zone", zone)))
		must(t, tab.Until(text("#link-more", "updated ")))
		if said := eval[string](t, tab, `document.querySelector("#zone").textContent`); !strings.Contains(said, offset) {
			t.Errorf("%s: %q", zone, said)
		}
	}
}

// Numbers that change, on the real page, move nothing.
func TestLeadsThatPassMoveNothing(t *testing.T) {
	t.Parallel()
	l := newLab(t, lab.Refused(0, 3))
	tab := open(t, screen.Desk, l.Page)
	must(t, tab.Until(text(".verdict-word", "Delivering")))
	must(t, tab.Until(`document.querySelectorAll(".partitions tbody tr").length === 3`))
	must(t, tab.Until(text(".r-open", "3")))
	forgetShifts(t, tab)
	for i := range 3 {
		must(t, l.Produce(t.Context(), lab.Leads, lab.Many(i*200, 200)...))
		must(t, tab.Until(`Number(document.querySelectorAll(".figure-value")[2].textContent.replace(",", "")) >= `+strconv.Itoa((i+1)*200)))
	}
	noShifts(t, tab)
}
