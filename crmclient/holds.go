package crmclient

import (
	"slices"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"github.com/leadbridge/leadbridge/crmclient/internal/limit"
	"github.com/leadbridge/leadbridge/internal/phrase"
)

// Cause names what holds the creates of a process back.
type Cause = limit.Cause

// The causes of a [Hold].
const (
	HoldPreparing   = limit.Preparing   // the portal has not been asked yet
	HoldCredentials = limit.Credentials // 401, 402, 403, 404, 405 for everyone
	HoldOutage      = limit.Outage      // the CRM fails for everyone
	HoldThrottle    = limit.Throttle    // 429
	HoldFlood       = limit.Refusals    // CRM_FLOOD_LIMIT refusals in a row: their letters wait, creates go on
	HoldOriginField = limit.OriginField // the CRM no longer keeps our id
	HoldMatch       = limit.Match       // the CRM takes no look-ups of contacts by phone or e-mail
)

// Hold is a deliberate pause of creates, or a failure that may become one: see Held.
type Hold struct {
	Cause  Cause     `json:"cause"`
	Since  time.Time `json:"since"`
	Until  time.Time `json:"until,omitzero"` // next probe
	Status int       `json:"status,omitempty"`
	Code   string    `json:"code,omitempty"`
	// Held says that all creates are held, or all letters if the cause is a flood. If it is false, creates or look-ups
	// have failed and none has passed since, but further ones are still tried.
	Held bool `json:"held"`
	// Proven says that one such failure concerns all creates: an answer that names the key, no connection,
	// a throttle.
	Proven bool `json:"proven,omitempty"`
	// Of is the only kind of object that is concerned, such as deals; "": all kinds are.
	Of     string      `json:"of,omitempty"`
	Advice phrase.Text `json:"advice"` // what to do about it, in a sentence or two
}

// logAfter is how long a fleeting hold lasts before it is logged.
const logAfter = time.Second

// holder is what a hold holds back.
type holder int

const (
	holdsCreates holder = iota // creates fail, or none may leave
	holdsLookUps               // look-ups fail
	holdsLetters               // refusals wait for the end of a flood
	holdsProof                 // look-ups cannot be trusted
	holdsKind                  // creates of one kind of object fail for everybody, others do not
	holders
)

// holdLog shows, logs and measures holds. Safe for concurrent use.
type holdLog struct {
	log   zerolog.Logger
	meter *meter

	mu      sync.Mutex // guards everything below
	shown   [holders]shownHold
	counted time.Time // the metric has counted the seconds of holds up to this time
}

// shownHold is a hold in force.
type shownHold struct {
	Hold               // its cause is "" when there is none
	logged bool        // it is in the log
	timer  *time.Timer // logs a fleeting hold once it has lasted for logAfter
}

// newHoldLog returns a log that begins with the hold that lasts until the portal is known.
func newHoldLog(log zerolog.Logger, m *meter) *holdLog {
	h := &holdLog{log: log, meter: m}
	now := time.Now()
	h.counted = now
	first := &h.shown[holdsCreates]
	first.Hold = holdOf(limit.Status{Fault: limit.Fault{Cause: HoldPreparing}, Since: now})
	first.Held = true
	first.logged = true // so that its end is logged, though its beginning is not
	h.gauge()
	return h
}

func holdOf(s limit.Status) Hold {
	return Hold{Cause: s.Fault.Cause, Since: s.Since, Until: s.Until, Status: s.Fault.Status, Code: s.Fault.Code,
		Proven: s.Fault.Proven, Advice: advice(s.Fault)}
}

// begin notes a hold that began, goes on or changed its cause.
func (h *holdLog) begin(of holder, s limit.Status, held bool, now time.Time) {
	hold := holdOf(s)
	hold.Held = held
	h.show(of, hold, s.Fault.Fleeting(), now)
}

// beginKind notes that all creates of one kind of object fail. Those of other kinds are not held.
func (h *holdLog) beginKind(kind string, s limit.Status, now time.Time) {
	hold := holdOf(s)
	hold.Of = kind
	hold.Advice = append(phrase.New("only_kind", "Only {kind} are concerned.", "kind", kind), hold.Advice...)
	if s.Fault.Status == 403 {
		hold.Advice = phrase.New("no_right_to_kind", "The key may not make {kind}: give its user the right to them. What is made before them goes on.", "kind", kind)
	}
	h.show(holdsKind, hold, s.Fault.Fleeting(), now)
}

// show notes a hold that began, goes on or changed. A fleeting hold is logged only if it lasts for logAfter.
func (h *holdLog) show(of holder, hold Hold, fleeting bool, now time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.count(now)
	shown := &h.shown[of]
	before, held := shown.Hold, hold.Held
	shown.Hold = hold
	isSameCause := before.Cause == shown.Cause
	if isSameCause {
		shown.Since = before.Since
	}
	if isSameCause && before.Held == shown.Held {
		return
	}
	h.gauge()
	if before.Cause == "" || isSameCause {
		shown.logged = false
		since := shown.Since
		shown.timer = time.AfterFunc(logAfter, func() { h.lasts(of, since, held) })
	}
	if shown.logged || !fleeting {
		h.write(shown)
	}
}

// lasts logs a fleeting hold that has lasted for logAfter, unless it has ended or changed since.
func (h *holdLog) lasts(of holder, since time.Time, held bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if shown := &h.shown[of]; shown.Cause != "" && shown.Since.Equal(since) && shown.Held == held && !shown.logged {
		h.write(shown)
	}
}

// write logs a hold.
func (h *holdLog) write(hold *shownHold) {
	level, what := zerolog.WarnLevel, "CRM fails"
	if hold.Held {
		what = "CRM held"
	}
	if hold.Held && hold.Cause == HoldCredentials { // it does not end by itself
		level = zerolog.ErrorLevel
	}
	log := h.log.WithLevel(level)
	if hold.Of != "" {
		log = log.Str("of", hold.Of)
	}
	log.Str("cause", string(hold.Cause)).Int("status", hold.Status).Str("code", hold.Code).
		Str("advice", hold.Advice.String()).Msg(what)
	hold.logged = true
}

// end notes that a hold is no longer in force.
func (h *holdLog) end(of holder, now time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	shown := h.shown[of]
	if shown.Cause == "" {
		return
	}
	h.count(now)
	h.shown[of] = shownHold{}
	h.gauge()
	if shown.timer != nil {
		shown.timer.Stop()
	}
	if shown.logged {
		why := "CRM delivers again"
		switch {
		case of == holdsProof:
			why = "CRM look-ups count again"
		case shown.Cause == HoldPreparing || shown.Cause == HoldOriginField:
			why = "CRM portal known"
		}
		h.log.Info().Str("cause", string(shown.Cause)).Dur("held_ms", now.Sub(shown.Since)).Msg(why)
	}
}

// count adds the seconds since the last call to the metric, for each cause in force.
func (h *holdLog) count(now time.Time) {
	for cause, since := range h.causes() {
		h.meter.heldFor.WithLabelValues(string(cause)).Add(max(0, now.Sub(later(h.counted, since)).Seconds()))
	}
	h.counted = now
}

// gauge shows in the metrics which causes are in force.
func (h *holdLog) gauge() {
	causes := h.causes()
	for _, cause := range causesOfHolds() {
		_, held := causes[cause]
		h.meter.held(cause, held)
	}
}

// causes returns the causes in force, and since when.
func (h *holdLog) causes() map[Cause]time.Time {
	causes := map[Cause]time.Time{}
	for _, shown := range h.shown {
		if since, known := causes[shown.Cause]; shown.Cause != "" && (!known || shown.Since.Before(since)) {
			causes[shown.Cause] = shown.Since
		}
	}
	return causes
}

// inForce returns the holds in force, one for each cause.
func (h *holdLog) inForce() []Hold {
	h.mu.Lock()
	defer h.mu.Unlock()
	holds := []Hold{}
	for _, shown := range h.shown {
		known := slices.ContainsFunc(holds, func(other Hold) bool { return other.Cause == shown.Cause })
		if shown.Cause != "" && !known {
			holds = append(holds, shown.Hold)
		}
	}
	return holds
}

// causesOfHolds returns all causes.
func causesOfHolds() []Cause {
	return []Cause{HoldPreparing, HoldCredentials, HoldOutage, HoldThrottle, HoldFlood, HoldOriginField, HoldMatch}
}

// advice says in a sentence what to do about a hold.
func advice(f limit.Fault) phrase.Text {
	switch f.Cause {
	case HoldPreparing:
		return phrase.New("asks_portal", "Nothing to do: the portal is being asked what it is.")
	case HoldThrottle:
		return phrase.New("throttled", "Nothing to do: the CRM asked for a pause; lower CRM_REQUESTS_PER_MINUTE when it happens often.")
	case HoldFlood:
		return phrase.New("flood", "The CRM refuses every contact; letters wait, new leads are still tried. Correct the mandatory field or default that the CRM's words name (leadbridge dlt list --reason CRM_REFUSED shows them), and replay the letters; if the refusals are right, release the flood.")
	case HoldOriginField:
		return phrase.New("no_origin_field", "The CRM does not keep our id: run leadbridge check --fix, or set CRM_ORIGIN_FIELD to a field that exists, or to none.")
	case HoldMatch:
		return phrase.New("no_match", "The CRM does not look contacts up by phone or e-mail: set CRM_MATCH to what it can, or to off. Events wait meanwhile.")
	case HoldOutage:
		return outageAdvice(f)
	}
	return credentialsAdvice(f)
}

func outageAdvice(f limit.Fault) phrase.Text {
	switch {
	case f.Status/100 == 3:
		return phrase.New("redirects", "CRM_BASE_URL redirects: set it to the address that answers by itself.")
	case f.Status == 422:
		return phrase.New("rule_refuses", "A rule of the portal refuses every contact: look at the portal's mandatory fields and business rules; delivery goes on by itself.")
	case f.Status != 0:
		return phrase.New("crm_fails", "The CRM does not answer as it should: look at its status page; delivery goes on by itself.")
	}
	return phrase.New("crm_unreachable", "The CRM cannot be reached: look at CRM_BASE_URL, name resolution, proxy and network; delivery goes on by itself.")
}

func credentialsAdvice(f limit.Fault) phrase.Text {
	switch {
	case f.Status == 404 || f.Status == 405:
		return phrase.New("wrong_address", "The CRM does not know the address: set CRM_BASE_URL without /v1 and anything after it.")
	case f.Status == 402:
		return phrase.New("plan", "The portal's plan does not cover the API, or has a bill that is not paid: look at the portal's plan.")
	case f.Code == "TOKEN_MISSING" || f.Code == "TOKEN_EXPIRED" || f.Code == "TOKEN_REFRESH_FAILED":
		return phrase.New("new_session", "Give a new session in CRM_SESSION_TOKEN or its file; the file is read again by itself.")
	case f.Status == 403:
		return phrase.New("no_right", "The key may not make contacts: give it the scope crm and write access, and look at its rights and allowed addresses.")
	}
	return phrase.New("new_key", "Give a working key in CRM_API_KEY or its file; the file is read again by itself.")
}
