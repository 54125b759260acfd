package settings

import (
	"strings"

	"github.com/leadbridge/leadbridge/crmclient"
	"github.com/leadbridge/leadbridge/find"
)

// Find are the settings of the search for a lead: those of run, but the key of the CRM may be missing.
type Find struct {
	Topic   `embed:"" group:"Kafka:"`
	Kafka   `embed:"" group:"Kafka:"`
	Letters `embed:"" group:"Kafka:"`
	Group   `embed:"" group:"Kafka:"`
	CRM     `embed:"" group:"CRM:"`
	Target  `embed:"" group:"CRM:"`
	Match   `embed:"" group:"CRM:"`
	Lead    `embed:"" group:"Leads:"`
	Schemas `embed:"" group:"Schemas:"`
}

// FindConfig is a parsed Find.
type FindConfig struct {
	Find     find.Config       // its CRM, Limit and OnRead are not set yet
	CRM      *crmclient.Config // nil: no key is given, and the CRM is not asked
	Warnings []string
}

// Parse reads all settings; its error is [Faults].
func (f Find) Parse() (FindConfig, error) {
	var (
		p parser
		c FindConfig
	)
	k := parseKafka(&p, f.Topic, f.Kafka, f.Letters, f.Group)
	target := crmclient.Config{}
	f.Target.parse(&p, &target)
	f.Match.parse(&p, &target)
	if strings.TrimSpace(f.APIKey+f.APIKeyFile) != "" {
		crm := f.CRM.parse(&p)
		crm.Target, crm.Card, crm.Match = target.Target, target.Card, target.Match
		crm.Match.Fill = false // nothing is written
		c.CRM = &crm
	}
	transformer, _ := f.Schemas.reader(&p, f.Lead.parse(&p, target.Target), forTools)
	c.Find = find.Config{
		Brokers: k.Brokers, Topic: k.Topic, DeadLetterTopic: k.DeadLetterTopic, ResultTopic: k.ResultTopic, GroupID: k.GroupID,
		Transformer: transformer,
	}
	c.Warnings = p.warnings
	return c, p.err()
}
