package settings

import (
	"time"

	"github.com/leadbridge/leadbridge/consumer"
	"github.com/leadbridge/leadbridge/crmclient"
	"github.com/leadbridge/leadbridge/internal/tracing"
	"github.com/leadbridge/leadbridge/schemas"
)

// Service are all settings of the service.
type Service struct {
	Topic    `embed:"" group:"Kafka:"`
	Kafka    `embed:"" group:"Kafka:"`
	Letters  `embed:"" group:"Kafka:"`
	Group    `embed:"" group:"Kafka:"`
	State    `embed:"" group:"Kafka:"`
	CRM      `embed:"" group:"CRM:"`
	Target   `embed:"" group:"CRM:"`
	Match    `embed:"" group:"CRM:"`
	Portal   `embed:"" group:"CRM:"`
	Lead     `embed:"" group:"Leads:"`
	Schemas  `embed:"" group:"Schemas:"`
	Delivery `embed:"" group:"Process:"`
	HTTP     `embed:"" set:"http_addr=:8080" group:"Process:"`
	Admin    `embed:"" group:"Process:"`
	OIDC     AdminOIDC `embed:"" group:"Process:"`
	Log      `embed:"" group:"Process:"`
	Traces   Tracing `embed:"" group:"Tracing:"`
}

// Config is a parsed Service. The Log and Metrics of Consumer and CRM are not set yet.
type Config struct {
	Consumer    consumer.Config
	CRM         crmclient.Config
	Transformer *schemas.Transformer
	Schemas     *schemas.Reader // the one that Transformer reads schemas with
	SourceID    string
	HTTPAddr    string
	Pause       PauseConfig
	Admin       AdminConfig
	Log         LogConfig
	Tracing     *tracing.Config // nil: nothing is traced
	Warnings    []string        // for the log
}

// Parse reads all settings; its error is [Faults].
func (s Service) Parse() (Config, error) {
	var (
		p parser
		c Config
	)
	c.Consumer = parseKafka(&p, s.Topic, s.Kafka, s.Letters, s.Group)
	s.State.parse(&p, &c.Consumer)
	c.CRM = s.CRM.parse(&p)
	s.Target.parse(&p, &c.CRM)
	s.Match.parse(&p, &c.CRM)
	s.Portal.parse(&p, &c.CRM, time.Now())
	c.Transformer, c.Schemas = s.Schemas.reader(&p, s.Lead.parse(&p, c.CRM.Target), forDelivery)
	c.SourceID = s.SourceID
	s.Delivery.parse(&p, &c.Consumer)
	c.Pause = s.Delivery.pause(&p)
	c.HTTPAddr = s.HTTP.parse(&p)
	c.Admin = s.Admin.parse(&p, s.OIDC, c.HTTPAddr)
	c.Log = s.Log.parse(&p)
	c.Tracing = s.Traces.parse(&p, "leadbridge")
	c.Warnings = p.warnings
	return c, p.err()
}

// Map are the settings of a command that only shows contacts.
type Map struct {
	Topic   `embed:""`
	Target  `embed:""`
	Match   `embed:""`
	Lead    `embed:""`
	Schemas `embed:""`
}

// MapConfig is a parsed Map.
type MapConfig struct {
	Topic       string
	Target      crmclient.Target
	Match       crmclient.Match
	Comment     crmclient.CommentMode
	Transformer *schemas.Transformer
}

// Parse reads all settings; its error is [Faults].
func (m Map) Parse() (MapConfig, error) {
	var p parser
	c := MapConfig{Topic: m.Topic.parse(&p), Target: m.Target.target(&p), Comment: m.Target.comment(&p), Match: m.Match.match(&p)}
	c.Transformer, _ = m.Schemas.reader(&p, m.Lead.parse(&p, c.Target), forTools)
	return c, p.err()
}
