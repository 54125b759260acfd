package settings

import (
	"github.com/leadbridge/leadbridge/consumer"
	"github.com/leadbridge/leadbridge/dlt"
	"github.com/leadbridge/leadbridge/schemas"
)

// DeadLetters are the settings of commands that work with dead letters. They do
// not ask the CRM.
type DeadLetters struct {
	Topic   `embed:"" group:"Kafka:"`
	Kafka   `embed:"" group:"Kafka:"`
	Letters `embed:"" group:"Kafka:"`
	Lead    `embed:"" group:"Leads:"`
	Schemas `embed:"" group:"Schemas:"`
}

// DeadLettersConfig is a parsed DeadLetters.
type DeadLettersConfig struct {
	Letters     dlt.Config
	Transformer *schemas.Transformer
	Warnings    []string
}

// Parse reads all settings; its error is [Faults].
func (d DeadLetters) Parse() (DeadLettersConfig, error) {
	var (
		p parser
		k consumer.Config
		c DeadLettersConfig
	)
	d.Kafka.parse(&p, d.Topic, &k)
	d.Letters.parse(&p, &k)
	c.Letters = dlt.Config{Brokers: k.Brokers, DeadLetterTopic: k.DeadLetterTopic, Topic: k.Topic}
	c.Transformer, _ = d.Schemas.reader(&p, d.Lead.parse(&p, ""), forTools)
	c.Warnings = p.warnings
	return c, p.err()
}
