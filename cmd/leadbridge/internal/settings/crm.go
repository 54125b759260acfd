package settings

import (
	"net"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/leadbridge/leadbridge/crmclient"
	"github.com/leadbridge/leadbridge/transform"
)

// Access are the settings of how the portal is reached.
type Access struct {
	BaseURL          string `name:"crm-base-url" env:"CRM_BASE_URL" default:"https://vibecode.bitrix24.tech" placeholder:"URL" help:"The CRM's address, without /v1; http:// is allowed."`
	APIKey           string `name:"crm-api-key" env:"CRM_API_KEY" placeholder:"SECRET" help:"Key of the CRM: vibe_api_… or vibe_app_…; better given by the file. Needed by run, check and probe."`
	APIKeyFile       string `name:"crm-api-key-file" env:"CRM_API_KEY_FILE" placeholder:"FILE" help:"File that holds the key; read again when the key stops working."`
	SessionToken     string `name:"crm-session-token" env:"CRM_SESSION_TOKEN" placeholder:"SECRET" help:"Session of a vibe_app_ key; better given by the file. Default: none."`
	SessionTokenFile string `name:"crm-session-token-file" env:"CRM_SESSION_TOKEN_FILE" placeholder:"FILE" help:"File that holds the session; read again when it stops working. Default: none."`
}

// CRM are the settings of the portal, its limits, and how failures are met.
type CRM struct {
	Access `embed:""`

	Timeout    string `name:"crm-timeout" env:"CRM_TIMEOUT" default:"35s" placeholder:"DURATION" help:"Longest wait for the answer to a request; a batch gets 200ms more for each further contact."`
	QueueLimit string `name:"crm-queue-limit" env:"CRM_QUEUE_LIMIT" default:"30s" placeholder:"DURATION" help:"How long the portal may keep an unanswered request before it runs it."`
	Settle     string `name:"crm-settle" env:"CRM_SETTLE" default:"5s" placeholder:"DURATION" help:"How long after an answer a write may still take effect."`

	Slots             string `name:"crm-slots" env:"CRM_SLOTS" default:"2" placeholder:"COUNT" help:"Requests of this process at a time; the portal runs two."`
	BatchSize         string `name:"crm-batch-size" env:"CRM_BATCH_SIZE" default:"50" placeholder:"COUNT" help:"Most contacts in one request, up to 50; 1: one by one."`
	RequestsPerMinute string `name:"crm-requests-per-minute" env:"CRM_REQUESTS_PER_MINUTE" default:"300" placeholder:"COUNT" help:"Limit of requests a minute, of the whole portal; 0: no limit."`
	RequestsPerSecond string `name:"crm-requests-per-second" env:"CRM_REQUESTS_PER_SECOND" default:"auto" placeholder:"COUNT|auto" help:"Limit of requests a second, of the whole portal; auto: what the portal reports, else 10; 0: no limit."`

	OriginField string `name:"crm-origin-field" env:"CRM_ORIGIN_FIELD" default:"auto" placeholder:"NAME|auto|none" help:"Contact field that carries the event's id; auto: detected at start; none: look up by phone or e-mail and a tag in sourceDescription."`
	Originator  string `name:"crm-originator" env:"CRM_ORIGINATOR" default:"leadbridge" placeholder:"NAME" help:"The contact's originatorId; distinguishes several bridges on one portal."`
	Tracking    string `name:"tracking-fields" env:"TRACKING_FIELDS" placeholder:"NAMES" help:"Which of the values that tell where a visit came from have a user field of the contact, which a check with fix makes: names such as utm_source,gclid, or all. Default: none."`
	Lookup      string `name:"crm-lookup" env:"CRM_LOOKUP" default:"suspects" placeholder:"suspects|always" help:"Which events are looked up before they are created: those that may have been sent before, or all, at half the throughput."`

	MaxAttempts    string `name:"crm-max-attempts" env:"CRM_MAX_ATTEMPTS" default:"6" placeholder:"COUNT" help:"Failed tries that are an event's own fault before it becomes a dead letter; outages do not count."`
	BackoffInitial string `name:"crm-backoff-initial" env:"CRM_BACKOFF_INITIAL" default:"500ms" placeholder:"DURATION" help:"First wait before a request is tried again; it doubles."`
	BackoffMax     string `name:"crm-backoff-max" env:"CRM_BACKOFF_MAX" default:"1m" placeholder:"DURATION" help:"Longest such wait; also how often a CRM that is down is tried."`
	FloodLimit     string `name:"crm-flood-limit" env:"CRM_FLOOD_LIMIT" default:"100" placeholder:"COUNT" help:"Different events refused in a row after which their dead letters wait, because the set-up is probably wrong; new leads are still sent. 0: off."`
}

var fieldName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_]{0,99}$`)

func (c CRM) parse(p *parser) crmclient.Config {
	out := crmclient.Config{
		BaseURL:           p.baseURL(c.BaseURL),
		APIKey:            c.key(p),
		SessionToken:      p.secret("CRM_SESSION_TOKEN", c.SessionToken, c.SessionTokenFile),
		Timeout:           p.duration("CRM_TIMEOUT", c.Timeout, positive),
		QueueLimit:        p.duration("CRM_QUEUE_LIMIT", c.QueueLimit, 0),
		Settle:            p.duration("CRM_SETTLE", c.Settle, 0),
		Slots:             p.count("CRM_SLOTS", c.Slots, 1),
		BatchSize:         p.batchSize(c.BatchSize),
		RequestsPerMinute: p.rate("CRM_REQUESTS_PER_MINUTE", c.RequestsPerMinute),
		RequestsPerSecond: p.rateOrAuto("CRM_REQUESTS_PER_SECOND", c.RequestsPerSecond, crmclient.RateAuto),
		OriginField:       p.originField(c.OriginField),
		Originator:        strings.TrimSpace(c.Originator),
		TrackingFields:    p.tracking(c.Tracking),
		LookupAlways:      p.choice("CRM_LOOKUP", c.Lookup, "suspects", "always") == "always",
		MaxAttempts:       p.count("CRM_MAX_ATTEMPTS", c.MaxAttempts, 1),
		BackoffInitial:    p.duration("CRM_BACKOFF_INITIAL", c.BackoffInitial, positive),
		BackoffMax:        p.duration("CRM_BACKOFF_MAX", c.BackoffMax, positive),
		FloodLimit:        p.count("CRM_FLOOD_LIMIT", c.FloodLimit, 0),
	}
	out.BackoffMax = p.atLeast("CRM_BACKOFF_MAX", out.BackoffMax, "CRM_BACKOFF_INITIAL", out.BackoffInitial)
	out.Timeout = p.atLeast("CRM_TIMEOUT", out.Timeout, "CRM_QUEUE_LIMIT", out.QueueLimit)
	if strings.ContainsFunc(out.Originator, isControl) || len(out.Originator) > 50 {
		p.fault("CRM_ORIGINATOR", quote(out.Originator)+" is not a valid name", "use up to 50 plain characters")
	}
	return out
}

// batchSize reads CRM_BATCH_SIZE, and lowers it to what the CRM takes in one request.
func (p *parser) batchSize(text string) int {
	const variable, most = "CRM_BATCH_SIZE", 50
	n := p.count(variable, text, 1)
	if n > most {
		p.warn("%s=%d is more than the CRM takes in one request: using %d", variable, n, most)
	}
	return min(n, most)
}

// atLeast returns d or, with a warning, the duration of another setting that it must not be shorter than.
func (p *parser) atLeast(variable string, d time.Duration, other string, least time.Duration) time.Duration {
	if d < least {
		p.warn("%s=%s is shorter than %s=%s: using %s", variable, d, other, least, least)
	}
	return max(d, least)
}

// key reads the CRM's key. For one of a kind that the CRM will refuse there is a warning and no fault: only the CRM
// knows, and the service waits, and says so, until the key is right.
func (c Access) key(p *parser) crmclient.Secret {
	key := p.secret("CRM_API_KEY", c.APIKey, c.APIKeyFile)
	switch {
	case key == crmclient.Secret{}:
		p.fault("CRM_API_KEY", "is missing", "set it, or name a file by CRM_API_KEY_FILE; for a trial without a CRM run leadbridge demo or leadbridge sim")
	case strings.HasPrefix(key.Value, "vibe_live_"):
		p.warn("CRM_API_KEY is a management key (vibe_live_), which makes no contacts: use a vibe_api_ key")
	case strings.HasPrefix(key.Value, "vibe_app_") && c.SessionToken == "" && c.SessionTokenFile == "":
		p.warn("CRM_API_KEY is a vibe_app_ key, which needs CRM_SESSION_TOKEN or CRM_SESSION_TOKEN_FILE")
	}
	return key
}

// originField reads CRM_ORIGIN_FIELD: auto, none, or the name of a field.
func (p *parser) originField(text string) string {
	text = strings.TrimSpace(text)
	switch strings.ToLower(text) {
	case "auto", "none":
		return strings.ToLower(text)
	}
	if !fieldName.MatchString(text) {
		p.fault("CRM_ORIGIN_FIELD", quote(text)+" is not a field name", "write auto, none, or a name such as originId or ufCrm_LeadbridgeEventId")
	}
	return text
}

// tracking reads the names of tracking values.
func (p *parser) tracking(text string) []string {
	text = strings.TrimSpace(text)
	if strings.EqualFold(text, "all") {
		return transform.TrackingNames()
	}
	var names []string
	for name := range strings.FieldsFuncSeq(text, func(r rune) bool { return r == ',' || r == ' ' }) {
		known := transform.TrackingName(name)
		if known == "" {
			p.fault("TRACKING_FIELDS", quote(text)+" holds a name that is not known", "write all, utm_ with a name, or some of "+strings.Join(transform.TrackingNames(), ", "))
			return nil
		}
		if !slices.Contains(names, known) {
			names = append(names, known)
		}
	}
	return names
}

// baseURL reads CRM_BASE_URL, without what people add: blanks, slashes at the end, and /v1.
func (p *parser) baseURL(text string) string {
	const variable = "CRM_BASE_URL"
	text = strings.TrimSpace(text)
	u, err := url.Parse(text)
	switch {
	case err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Hostname() == "":
		// The text is not repeated: it may hold a password.
		p.fault(variable, "is not an address", "write one such as https://vibecode.bitrix24.tech, without /v1")
		return ""
	case u.User != nil:
		p.fault(variable, "holds a user name", "put the key into CRM_API_KEY and remove what stands before the @")
		return ""
	case u.RawQuery != "" || u.Fragment != "" || u.ForceQuery:
		p.fault(variable, "holds a query or fragment", "remove what stands from the ? or # on")
		return ""
	}
	if u.Scheme == "http" && !isLoopback(net.JoinHostPort(u.Hostname(), "80")) {
		p.warn("CRM_BASE_URL is http:// to another machine: the key and every person's data can be read on the way; use https://")
	}
	base := strings.TrimRight(text, "/")
	if cut, found := strings.CutSuffix(base, "/v1"); found {
		base = strings.TrimRight(cut, "/")
		p.warn("CRM_BASE_URL is written without /v1: using %s", base)
	}
	return base
}
