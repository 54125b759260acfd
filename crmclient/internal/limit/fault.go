package limit

import "time"

// Cause names what holds the creates of a process back.
type Cause string

// The causes of a [Hold].
const (
	Preparing   Cause = "preparing"    // the portal has not been asked yet
	Credentials Cause = "credentials"  // 401, 402, 403, 404, 405 for everyone
	Outage      Cause = "outage"       // the CRM fails for everyone
	Throttle    Cause = "throttle"     // 429
	Refusals    Cause = "flood"        // CRM_FLOOD_LIMIT refusals in a row; only letters are held
	OriginField Cause = "origin_field" // the CRM no longer keeps our id
	Match       Cause = "match"        // the CRM takes no look-ups of contacts by phone or e-mail
)

// Fault is why a create failed, or why none may leave.
type Fault struct {
	Cause      Cause
	Status     int           // HTTP status; 0: no answer
	Code       string        // the CRM's code, or one of ours for the transport
	RetryAfter time.Duration // the wait that the CRM asked for; 0: none

	// Proven says that this one failure proves that all creates fail: the answer names the key, the
	// plan or the address, no connection was made, the CRM throttles, or the portal is not known. If it is
	// false, the failure may concern this request only.
	Proven bool
}

// Fleeting reports whether holds for this fault come and go many times a minute if the CRM fails now and
// then, so that a hold is logged only when it lasts.
func (f Fault) Fleeting() bool {
	switch f.Cause {
	case Outage, Throttle:
		return true
	case Credentials:
		return !f.Proven
	}
	return false
}

// asksPortal reports whether the fault ends when the portal has described itself, rather than when a create
// passes.
func (f Fault) asksPortal() bool { return f.Cause == Preparing || f.Cause == OriginField }

// Attempt is the request that failed.
type Attempt struct {
	Fresh bool      // it carried events of which no create was judged before, or asked for the portal; false: it carried tried events
	Left  time.Time // when it was sent
}
