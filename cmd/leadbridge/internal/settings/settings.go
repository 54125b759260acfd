package settings

import (
	"github.com/leadbridge/leadbridge/consumer"
	"github.com/leadbridge/leadbridge/crmclient"
	"github.com/leadbridge/leadbridge/transform"
)

// Service are all settings of the service.
type Service struct {
	Topic    `embed:"" group:"Kafka:"`
	Kafka    `embed:"" group:"Kafka:"`
	Letters  `embed:"" group:"Kafka:"`
	Group    `embed:"" group:"Kafka:"`
	CRM      `embed:"" group:"CRM:"`
	Lead     `embed:"" group:"Leads:"`
	Delivery `embed:"" group:"Process:"`
	HTTP     `embed:"" group:"Process:"`
	Admin    `embed:"" group:"Process:"`
	Log      `embed:"" group:"Process:"`
}

// Config is what the service is made of. Logs and metrics are still missing in
// the rooms' configurations.
type Config struct {
	Consumer    consumer.Config
	CRM         crmclient.Config
	Transformer *transform.Transformer
	SourceID    string
	HTTPAddr    string
	Admin       AdminConfig
	Log         LogConfig
	Warnings    []string // to be logged once logs are there
}

// Parse reads all settings; its error is [Faults].
func (s Service) Parse() (Config, error) {
	var (
		p parser
		c Config
	)
	s.Kafka.parse(&p, s.Topic, &c.Consumer)
	s.Letters.parse(&p, &c.Consumer)
	s.Group.parse(&p, &c.Consumer)
	c.CRM = s.CRM.parse(&p)
	c.Transformer = s.Lead.parse(&p)
	c.SourceID = s.SourceID
	s.Delivery.parse(&p, &c.Consumer)
	c.HTTPAddr = s.HTTP.parse(&p)
	c.Admin = s.Admin.parse(&p, c.HTTPAddr)
	c.Log = s.Log.parse(&p)
	c.Warnings = p.warnings
	return c, p.err()
}

// Map are the settings of a command that only shows contacts.
type Map struct {
	Topic `embed:""`
	Lead  `embed:""`
}

// MapConfig is a parsed Map.
type MapConfig struct {
	Topic       string
	Transformer *transform.Transformer
}

// Parse reads all settings; its error is [Faults].
func (m Map) Parse() (MapConfig, error) {
	var p parser
	c := MapConfig{Topic: m.Topic.parse(&p), Transformer: m.Lead.parse(&p)}
	return c, p.err()
}
