package settings

import (
	"strings"

	"github.com/leadbridge/leadbridge/crmclient/crmtest"
)

// Sim are the settings of the simulated CRM. Their defaults are the documented
// limits of the real one.
type Sim struct {
	HTTP `embed:"" set:"http_addr=:8080"`

	Faults string `name:"faults" env:"SIM_FAULTS" placeholder:"TEXT" help:"What should fail, as in fail_before=0.05,lookup_lag=2s. Default: none."`

	Profile string `name:"profile" env:"SIM_PROFILE" placeholder:"FILE" help:"Behave like the portal that leadbridge probe --output json has measured; it wins over the settings below. Default: none."`

	PerMinute   string `name:"per-minute" env:"SIM_PER_MINUTE" default:"300" placeholder:"COUNT" help:"Requests in a minute; more get 429; 0: no limit."`
	PerSecond   string `name:"per-second" env:"SIM_PER_SECOND" default:"10" placeholder:"COUNT" help:"Requests in a second; more get 502; 0: no limit."`
	Slots       string `name:"slots" env:"SIM_SLOTS" default:"2" placeholder:"COUNT" help:"Requests that the portal runs at a time; 0: no limit."`
	QueueLimit  string `name:"queue-limit" env:"SIM_QUEUE_LIMIT" default:"30s" placeholder:"DURATION" help:"Longest wait for a slot; then 504."`
	ServiceTime string `name:"service-time" env:"SIM_SERVICE_TIME" default:"150ms" placeholder:"DURATION" help:"Run time of a request."`
	ItemTime    string `name:"item-time" env:"SIM_ITEM_TIME" default:"5ms" placeholder:"DURATION" help:"Further run time of each call of a batch."`
	ErrorLoop   string `name:"error-loop" env:"SIM_ERROR_LOOP" default:"10" placeholder:"COUNT" help:"Same failing calls in a row until the key is blocked for a minute; 0: never."`

	OriginID   Switch `name:"origin-id" env:"SIM_ORIGIN_ID" default:"false" placeholder:"true|false" help:"Offer the native field originId."`
	UTM        Switch `name:"utm" env:"SIM_UTM" default:"false" placeholder:"true|false" help:"Offer the native utm fields."`
	UserFields Switch `name:"user-fields" env:"SIM_USER_FIELDS" default:"true" placeholder:"true|false" help:"Let the key make user fields."`
	NoBatch    Switch `name:"no-batch" env:"SIM_NO_BATCH" default:"false" placeholder:"true|false" help:"Answer 404 on /v1/batch."`
	NoScope    Switch `name:"no-scope" env:"SIM_NO_SCOPE" default:"false" placeholder:"true|false" help:"Give the key no right to the CRM."`
	Keys       string `name:"keys" env:"SIM_KEYS" placeholder:"KEY,…" help:"The only valid keys, a comma list. Default: any but vibe_live_…."`
	Sessions   string `name:"sessions" env:"SIM_SESSIONS" placeholder:"SESSION,…" help:"The only valid sessions of vibe_app_ keys, a comma list. Default: any."`
	Portal     string `name:"portal" env:"SIM_PORTAL" default:"sim.bitrix24.ru" placeholder:"NAME" help:"The portal's name."`
	Seed       string `name:"seed" env:"SIM_SEED" default:"1" placeholder:"NUMBER" help:"Seed of everything random."`
}

// SimConfig is a parsed Sim.
type SimConfig struct {
	Options  crmtest.Options
	Faults   crmtest.Faults
	HTTPAddr string
}

// Parse reads all settings; its error is [Faults].
func (s Sim) Parse() (SimConfig, error) {
	var p parser
	c := SimConfig{HTTPAddr: s.HTTP.parse(&p), Options: crmtest.Options{
		PerMinute:      p.count("SIM_PER_MINUTE", s.PerMinute, 0),
		PerSecond:      p.count("SIM_PER_SECOND", s.PerSecond, 0),
		Slots:          p.count("SIM_SLOTS", s.Slots, 0),
		QueueLimit:     p.duration("SIM_QUEUE_LIMIT", s.QueueLimit, 0),
		ServiceTime:    p.duration("SIM_SERVICE_TIME", s.ServiceTime, 0),
		ItemTime:       p.duration("SIM_ITEM_TIME", s.ItemTime, 0),
		ErrorLoop:      p.count("SIM_ERROR_LOOP", s.ErrorLoop, 0),
		NativeOriginID: p.boolean("SIM_ORIGIN_ID", string(s.OriginID)),
		NativeUTM:      p.boolean("SIM_UTM", string(s.UTM)),
		UserFields:     p.boolean("SIM_USER_FIELDS", string(s.UserFields)),
		NoBatch:        p.boolean("SIM_NO_BATCH", string(s.NoBatch)),
		NoScope:        p.boolean("SIM_NO_SCOPE", string(s.NoScope)),
		Keys:           list(s.Keys),
		Sessions:       list(s.Sessions),
		Portal:         strings.TrimSpace(s.Portal),
		Seed:           uint64(p.count("SIM_SEED", s.Seed, 0)),
	}}
	var err error
	if c.Faults, err = crmtest.ParseFaults(s.Faults); err != nil {
		p.fault("SIM_FAULTS", strings.ReplaceAll(err.Error(), "\n", "; "), "see leadbridge sim --help")
	}
	if profile, ok := p.profile("SIM_PROFILE", s.Profile); ok {
		c.imitate(profile)
	}
	return c, p.err()
}

// list reads a comma list; nil when it names nothing.
func list(text string) []string {
	var out []string
	for one := range strings.SplitSeq(text, ",") {
		if one = strings.TrimSpace(one); one != "" {
			out = append(out, one)
		}
	}
	return out
}
