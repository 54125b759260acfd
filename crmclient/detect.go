package crmclient

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// sure makes a job's portal known before anything else is asked of it.
// It tells whether the job may go on.
func (c *Creator) sure(j *job) bool {
	c.mu.Lock()
	known := c.portal != nil && !c.stale
	c.mu.Unlock()
	if known {
		return true
	}
	p, o := c.detect(j.ctx, j)
	kept := p != nil && c.keepsSilently(j, p)
	if j.ctx.Err() != nil {
		return false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if p == nil {
		c.hold(fault{causeOf(o), o.status, o.code, o.retryAfter}, j)
		return false
	}
	first := c.portal == nil
	c.adopt(p)
	if kept {
		c.terse = true
		c.log.Warn().Stringer("origin_field", p.way).Msg("the CRM keeps our id without repeating it in the answers to creates")
	}
	if first || kept || j.kind == kindPrepare {
		c.release("CRM portal known")
	}
	return true
}

// keepsSilently tells whether the contact whose answer lacked our id can
// nevertheless be found by it: then it is the answers that are terse.
func (c *Creator) keepsSilently(j *job, p *portal) bool {
	c.mu.Lock()
	id := c.unkept
	c.mu.Unlock()
	if id == "" || p.way.tag() {
		return false
	}
	page, _ := c.search(j, nil, map[string]any{p.way.field: id}, []string{"id", p.way.field})
	return slices.ContainsFunc(page.rows, func(r row) bool {
		_, marks := p.way.identify(r)
		return p.way.carries(marks, c.cfg.Originator, id)
	})
}

// causeOf tells what a failed call that is no event's holds back.
func causeOf(o outcome) Cause {
	switch {
	case o.code == codeFieldUnknown:
		return HoldOriginField
	case o.class == classThrottled:
		return HoldThrottle
	case o.class == classCredentials:
		return HoldCredentials
	}
	return HoldOutage
}

// codeFieldUnknown says that the portal has no field CRM_ORIGIN_FIELD.
const codeFieldUnknown = "FIELD_UNKNOWN"

// adopt puts what was learned in force. Called with mu held.
func (c *Creator) adopt(p *portal) {
	changed := c.portal == nil || c.portal.way != p.way || c.portal.name != p.name
	c.portal, c.stale, c.noBatch = p, false, false
	clear(c.gone)
	if c.cfg.RequestsPerSecond == RateAuto {
		c.budget.perSecond = documentedRate
		if p.rate > 0 {
			c.budget.perSecond = p.rate
		}
	}
	if !slices.Contains(c.ways, p.way) {
		c.ways = append(c.ways, p.way)
	}
	c.report(p.lacks)
	if !changed {
		return
	}
	c.log.Info().Str("portal", p.name).Stringer("origin_field", p.way).
		Float64("requests_per_second", c.budget.perSecond).Msg("CRM portal asked")
}

// documentedRate is the portal's limit where GET /v1/me is silent, requests a second.
const documentedRate = 10

// maxReported bounds the memory of names: they come from events.
const maxReported = 200

// report says once of each field that the portal would drop it. A name that is no name is
// an event's own text and not for the log. Called with mu held.
func (c *Creator) report(names []string) {
	var fresh []string
	for _, n := range names {
		if !c.reported[n] && len(c.reported) < maxReported && plainID(n) != "" {
			c.reported[n] = true
			fresh = append(fresh, n)
		}
	}
	if len(fresh) == 0 {
		return
	}
	c.log.Warn().Strs("fields", fresh).Msg("fields unknown to the portal: their values go into comments")
}

// detect asks the portal what it is. Without a portal the outcome says why: an error is
// never taken for an answer.
func (c *Creator) detect(ctx context.Context, j *job) (*portal, outcome) {
	p := &portal{}
	o := c.ask(ctx, j, call{op: opMe, method: http.MethodGet, path: "/me"})
	switch {
	case o.class == classDone:
		me := parseMe(o.data)
		p.name, p.rate = me.Portal.host(), float64(me.RateLimit.RequestsPerSecond)
	case !notOffered(o):
		return nil, o
	}
	o = c.ask(ctx, j, fieldsCall)
	if o.class != classDone {
		return nil, o
	}
	var err error
	if p.fields, err = parseFields(o.data); err != nil {
		o.class, o.code = classDoubt, "NO_FIELDS"
		return nil, o
	}
	p.lacks = p.missing()
	p.way, o = c.findWay(ctx, j, p)
	if o.class != classDone {
		return nil, o
	}
	return p, o
}

// fieldsCall is also the neutral call: it shows whether the CRM works, whatever an event holds.
var fieldsCall = call{op: opFields, method: http.MethodGet, path: "/contacts/fields"}

func notOffered(o outcome) bool {
	return o.status == http.StatusNotFound || o.status == http.StatusMethodNotAllowed
}

// findWay says which field carries our id: the native one, a user field
// of ours, else a tag.
func (c *Creator) findWay(ctx context.Context, j *job, p *portal) (way, outcome) {
	done := outcome{class: classDone}
	switch name := c.cfg.OriginField; {
	case name == originNone:
		return way{}, done
	case name != originAuto:
		if !p.writable(name) {
			return way{}, outcome{class: classRefused, code: codeFieldUnknown}
		}
		return way{p.fields[foldField(name)].name}, done
	case p.writable(nativeField):
		return way{nativeField}, done
	case p.writable(userFieldPrefix + ourUserField):
		return way{p.fields[foldField(userFieldPrefix+ourUserField)].name}, done
	}
	found, o := c.findUserField(ctx, j)
	if found {
		return way{"ufCrm_" + ourUserField}, done
	}
	return way{}, o
}

// findUserField looks for our user field where the portal offers a list of them. A portal
// that lists fields but forbids this list offers none.
func (c *Creator) findUserField(ctx context.Context, j *job) (bool, outcome) {
	o := c.ask(ctx, j, call{op: opUserFields, method: http.MethodGet,
		path: "/userfields/contacts?fieldName=" + url.QueryEscape(userFieldPrefix+ourUserField)})
	if notOffered(o) || o.status == http.StatusForbidden && !o.blamesKey() {
		return false, outcome{class: classDone}
	}
	if o.class != classDone {
		return false, o
	}
	for _, raw := range rowsOf(o.data) {
		if foldField(row(raw).text("fieldName")) == foldField(userFieldPrefix+ourUserField) {
			return true, o
		}
	}
	return false, o
}

// rowsOf reads a list: an array, or an object that holds one under a usual name.
func rowsOf(data json.RawMessage) []json.RawMessage {
	var rows []json.RawMessage
	if json.Unmarshal(data, &rows) == nil {
		return rows
	}
	var held map[string]json.RawMessage
	if json.Unmarshal(data, &held) != nil {
		return nil
	}
	for _, name := range [...]string{"items", "fields", "userFields", "userfields"} {
		if json.Unmarshal(held[name], &rows) == nil {
			return rows
		}
	}
	return nil
}

// identity is the answer of GET /v1/me.
type identity struct {
	Type      text     `json:"type"`
	Portal    portalID `json:"portal"`
	Scopes    []string `json:"scopes"`
	RateLimit struct {
		RequestsPerSecond number `json:"requestsPerSecond"`
	} `json:"rateLimit"`
	ExpiresAt text `json:"expiresAt"`
}

func parseMe(data json.RawMessage) identity {
	var me identity
	_ = json.Unmarshal(data, &me) // what cannot be read is not told
	return me
}

// portalID is the portal's address, told as a text or an object.
type portalID string

func (p *portalID) UnmarshalJSON(b []byte) error {
	var o struct {
		Domain, Host, URL string
	}
	if json.Unmarshal(b, (*string)(p)) != nil && json.Unmarshal(b, &o) == nil {
		*p = portalID(o.Domain + o.Host)
		if *p == "" {
			*p = portalID(o.URL)
		}
	}
	return nil
}

// host is the portal's host name, "" when it is none.
func (p portalID) host() string {
	s := strings.TrimSpace(string(p))
	if _, rest, ok := strings.Cut(s, "://"); ok {
		s = rest
	}
	s, _, _ = strings.Cut(s, "/")
	if !strings.Contains(s, ".") || strings.ContainsAny(s, " @?#\\\"<>") {
		return ""
	}
	return s
}
