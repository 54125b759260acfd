package crmtest

import "time"

// OriginUserField is the user field for an event's id if the portal does not offer
// originId.
const OriginUserField = "UF_CRM_LEADBRIDGE_EVENT_ID"

// Options describe a portal. The zero value is a portal without limits that answers
// at once, offers no originId and does not let the key make user fields.
type Options struct {
	PerMinute  int           // platform: requests in a sliding 60 s; 0: no limit
	PerSecond  int           // portal: requests in a sliding second; 0: no limit
	Slots      int           // portal: requests that run at a time; 0: no limit
	QueueLimit time.Duration // longest wait for a slot; 0: no limit

	ServiceTime time.Duration // run time of a portal request
	ItemTime    time.Duration // further run time of each call of a batch

	ErrorLoop    int   // same failing calls in a row until ERROR_LOOP_DETECTED; 0: never
	ErrorLoopAny bool  // failing calls in a row count for ErrorLoop even if they differ; false: only equal ones
	MaxBody      int64 // bytes of a request, more is 413; 0: 16 MiB
	NoBatch      bool  // /v1/batch answers 404

	NativeOriginID    bool     // originId, originatorId and originVersion are writable fields; false: the portal lacks them
	NativeUTM         bool     // utm… and birthdate are writable fields; false: the portal lacks them
	UserFields        bool     // the key may make user fields; false: 403
	NoUserFields      bool     // /v1/userfields answers 404
	ExistingUserField bool     // OriginUserField is there already
	ExistingFields    []string // further user fields, of text, that are there: UF_CRM_…
	UpperUserFields   bool     // answers spell user fields UF_CRM_X; false: ufCrm_X

	PatchAdds        bool     // an update adds phones and e-mails to those that are there; otherwise it replaces them
	NormalisedPhones bool     // look-ups compare phones in any spelling; otherwise the stored one only
	IgnoredFilters   []string // fields or operators that look-ups accept but ignore, so that they find too much
	IgnoredZones     bool     // look-ups ignore the zones of times and read them as the portal's
	KeptUserFields   bool     // user fields cannot be deleted

	Keys     []string // if not empty, the only valid keys: others get 401 INVALID_API_KEY
	Sessions []string // if not empty, the only valid sessions of vibe_app_ keys: others get 401 TOKEN_EXPIRED
	NoScope  bool     // the key lacks the scope crm

	Portal string         // name for /v1/me, such as company.bitrix24.ru; "": left out
	Zone   *time.Location // the zone of the times in answers; nil: +03:00
	Skew   time.Duration  // how far the portal's clock is ahead
	Seed   uint64         // seed of everything random
}

// Defaults describes a portal under the documented limits.
func Defaults() Options {
	return Options{
		PerMinute:   300,
		PerSecond:   10,
		Slots:       2,
		QueueLimit:  30 * time.Second,
		ServiceTime: 150 * time.Millisecond,
		ItemTime:    5 * time.Millisecond,
		ErrorLoop:   10,
		UserFields:  true,
		Portal:      "sim.bitrix24.ru",
		Seed:        1,
	}
}
