package settings

import (
	"github.com/leadbridge/leadbridge/consumer"
	"github.com/leadbridge/leadbridge/transform"
)

// DeadLetters are the settings of commands that work with dead letters: of the
// CRM nothing is asked.
type DeadLetters struct {
	Topic   `embed:"" group:"Kafka:"`
	Kafka   `embed:"" group:"Kafka:"`
	Letters `embed:"" group:"Kafka:"`
	Lead    `embed:"" group:"Leads:"`
}

// DeadLettersConfig is a parsed DeadLetters.
type DeadLettersConfig struct {
	Consumer    consumer.Config // topics, and how to reach the brokers
	Transformer *transform.Transformer
	Warnings    []string
}

// Parse reads all settings; its error is [Faults].
func (d DeadLetters) Parse() (DeadLettersConfig, error) {
	var (
		p parser
		c DeadLettersConfig
	)
	d.Kafka.parse(&p, d.Topic, &c.Consumer)
	d.Letters.parse(&p, &c.Consumer)
	c.Transformer = d.Lead.parse(&p)
	c.Warnings = p.warnings
	return c, p.err()
}
