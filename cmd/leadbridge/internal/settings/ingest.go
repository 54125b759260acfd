package settings

import (
	"errors"
	"os"
	"time"

	"github.com/leadbridge/leadbridge/consumer"
	"github.com/leadbridge/leadbridge/webhook"
)

// Ingest are the settings of the gate. It asks nothing of the CRM.
type Ingest struct {
	Topic `embed:"" group:"Kafka:"`
	Kafka `embed:"" group:"Kafka:"`
	Gate  `embed:"" group:"Webhooks:"`
	HTTP  `embed:"" group:"Process:"`
	Log   `embed:"" group:"Process:"`
}

// Gate are the settings of how webhooks are taken.
type Gate struct {
	SourcesFile   string `name:"sources-file" env:"SOURCES_FILE" placeholder:"FILE" help:"YAML file that declares who may send, and how it is verified; see docs/ingest.md. Needed."`
	PhoneRegion   string `name:"phone-region" env:"PHONE_REGION" default:"RU" placeholder:"CODE" help:"Country of phone numbers without a country code (ISO 3166, two letters); a phone may become the record's key."`
	AckTimeout    string `name:"ingest-ack-timeout" env:"INGEST_ACK_TIMEOUT" default:"10s" placeholder:"DURATION" help:"Longest wait for Kafka's acknowledgement; then the sender is answered 503."`
	BodyTimeout   string `name:"ingest-body-timeout" env:"INGEST_BODY_TIMEOUT" default:"10s" placeholder:"DURATION" help:"Longest time for a request's body; then 408."`
	HeaderTimeout string `name:"ingest-header-timeout" env:"INGEST_HEADER_TIMEOUT" default:"5s" placeholder:"DURATION" help:"Longest time for a request's header; then the connection is closed."`
	Connections   string `name:"ingest-connections" env:"INGEST_CONNECTIONS" default:"16384" placeholder:"COUNT" help:"Connections at a time; further ones wait."`
	MaxBuffer     string `name:"max-buffer" env:"MAX_BUFFER" default:"64MiB" placeholder:"SIZE" help:"Memory for bodies under way, of the whole process: 64MiB, 64MB or a plain number; beyond it senders are answered 503."`
	DrainDelay    string `name:"drain-delay" env:"DRAIN_DELAY" default:"5s" placeholder:"DURATION" help:"How long webhooks are still taken after SIGTERM, while /readyz is 503 already: load balancers learn late. Part of DRAIN_TIMEOUT."`
	DrainTimeout  string `name:"drain-timeout" env:"DRAIN_TIMEOUT" default:"20s" placeholder:"DURATION" help:"How long a stop waits for requests under way; the process is gone 5 s later whatever hangs."`
	MetricsAddr   string `name:"metrics-addr" env:"METRICS_ADDR" placeholder:"HOST:PORT" help:"Where /metrics, /healthz and /readyz are served instead of HTTP_ADDR, which websites reach. Default: HTTP_ADDR."`
}

// IngestConfig is a parsed Ingest. Logs and metrics are still missing in Gate.
type IngestConfig struct {
	Gate        webhook.Config
	HTTPAddr    string
	MetricsAddr string // "": HTTPAddr
	Log         LogConfig
	Warnings    []string
}

// Parse reads all settings and the sources file; its error is [Faults].
func (i Ingest) Parse(lookupEnv func(string) (string, bool)) (IngestConfig, error) {
	var (
		p parser
		k consumer.Config
		c IngestConfig
	)
	i.Kafka.parse(&p, i.Topic, &k)
	c.Gate = i.Gate.parse(&p, lookupEnv)
	c.Gate.Brokers, c.Gate.Topic, c.Gate.Dial, c.Gate.SASL = k.Brokers, k.Topic, k.Dial, k.SASL
	c.HTTPAddr = i.HTTP.parse(&p)
	if i.MetricsAddr != "" {
		c.MetricsAddr = p.listenAddress("METRICS_ADDR", i.MetricsAddr)
	}
	c.Log = i.Log.parse(&p)
	c.Warnings = p.warnings
	return c, p.err()
}

func (g Gate) parse(p *parser, lookupEnv func(string) (string, bool)) webhook.Config {
	region := p.region(g.PhoneRegion)
	return webhook.Config{
		Sources:       p.sources(g.SourcesFile, webhook.Environment{LookupEnv: lookupEnv, ReadFile: os.ReadFile, PhoneRegion: region}),
		AckTimeout:    p.duration("INGEST_ACK_TIMEOUT", g.AckTimeout, positive),
		BodyTimeout:   p.duration("INGEST_BODY_TIMEOUT", g.BodyTimeout, positive),
		HeaderTimeout: p.duration("INGEST_HEADER_TIMEOUT", g.HeaderTimeout, positive),
		Connections:   p.count("INGEST_CONNECTIONS", g.Connections, 1),
		MaxBuffer:     p.bytes("MAX_BUFFER", g.MaxBuffer, 4<<20),
		DrainDelay:    p.duration("DRAIN_DELAY", g.DrainDelay, 0),
		DrainTimeout:  p.duration("DRAIN_TIMEOUT", g.DrainTimeout, 0),
	}
}

// sources reads the sources file; each of its faults is one of ours.
func (p *parser) sources(file string, env webhook.Environment) *webhook.Sources {
	const variable = "SOURCES_FILE"
	if file == "" {
		p.fault(variable, "is missing", "name a YAML file that declares who may send (docs/ingest.md shows one)")
		return nil
	}
	text := p.file(variable, file)
	if text == nil {
		return nil
	}
	sources, err := webhook.ParseSources(text, env)
	if faults, ok := errors.AsType[webhook.Faults](err); ok {
		for _, f := range faults {
			p.fault(variable, f.Where(), f.Remedy)
		}
	}
	return sources
}

// Grace is how long after the first signal the process is gone at the latest.
func (c IngestConfig) Grace() time.Duration { return c.Gate.DrainTimeout + exitMargin }
