package settings

import (
	"errors"
	"net/netip"
	"os"
	"strings"
	"time"

	"github.com/leadbridge/leadbridge/consumer"
	"github.com/leadbridge/leadbridge/internal/tracing"
	"github.com/leadbridge/leadbridge/webhook"
)

// Ingest are the settings of the gate. It asks nothing of the CRM.
type Ingest struct {
	Topic `embed:"" group:"Kafka:"`
	Kafka `embed:"" group:"Kafka:"`
	Gate  `embed:"" group:"Webhooks:"`
	HTTP  `embed:"" set:"http_addr=:8090" group:"Process:"`
	Log   `embed:"" group:"Process:"`

	Traces Tracing `embed:"" group:"Tracing:"`
}

// Gate are the settings of how webhooks are taken.
type Gate struct {
	SourcesFile        string `name:"sources-file" env:"SOURCES_FILE" placeholder:"FILE" help:"YAML file that declares who may send, and how it is verified; see docs/ingest.md. Needed."`
	PhoneRegion        string `name:"phone-region" env:"PHONE_REGION" default:"RU" placeholder:"CODE" help:"Country of phone numbers without a country code (ISO 3166, two letters); a phone may become the record's key."`
	AckTimeout         string `name:"ingest-ack-timeout" env:"INGEST_ACK_TIMEOUT" default:"10s" placeholder:"DURATION" help:"Longest wait for Kafka's acknowledgement; then the sender is answered 503."`
	BodyTimeout        string `name:"ingest-body-timeout" env:"INGEST_BODY_TIMEOUT" default:"10s" placeholder:"DURATION" help:"Longest time for a request's body; then 408."`
	HeaderTimeout      string `name:"ingest-header-timeout" env:"INGEST_HEADER_TIMEOUT" default:"5s" placeholder:"DURATION" help:"Longest time for a request's header; then the connection is closed."`
	Connections        string `name:"ingest-connections" env:"INGEST_CONNECTIONS" default:"16384" placeholder:"COUNT" help:"Most connections at a time; for a further one a connection that waits for its next request is closed, else the new one waits."`
	ConnectionsPerPeer string `name:"ingest-peer-connections" env:"INGEST_PEER_CONNECTIONS" placeholder:"COUNT" help:"Connections of one address (of IPv6: one /64) at a time; further ones are closed. A proxy is one address, unless INGEST_TRUSTED_PROXIES names it. Default: a quarter of INGEST_CONNECTIONS, at least 16."`
	Proxies            string `name:"ingest-trusted-proxies" env:"INGEST_TRUSTED_PROXIES" placeholder:"CIDR,…" help:"Addresses or networks of the proxies in front, a comma list: the sender of their requests is the one that INGEST_FORWARDED_HEADER names. Default: none."`
	Forwarded          string `name:"ingest-forwarded-header" env:"INGEST_FORWARDED_HEADER" default:"X-Forwarded-For" placeholder:"NAME" help:"Header in which trusted proxies name the sender: X-Forwarded-For or Forwarded. They must set it themselves."`
	BodyRate           string `name:"ingest-body-rate" env:"INGEST_BODY_RATE" default:"1KiB" placeholder:"SIZE" help:"Least speed of a body in bytes a second, over each INGEST_BODY_GRACE; a slower one is answered 408. 0: no limit."`
	BodyGrace          string `name:"ingest-body-grace" env:"INGEST_BODY_GRACE" default:"5s" placeholder:"DURATION" help:"Span of time over which INGEST_BODY_RATE is measured."`
	MaxBuffer          string `name:"max-buffer" env:"MAX_BUFFER" default:"64MiB" placeholder:"SIZE" help:"Memory for bodies under way, of the whole process: 64MiB, 64MB or a plain number; beyond it senders are answered 503."`
	DrainDelay         string `name:"drain-delay" env:"DRAIN_DELAY" default:"5s" placeholder:"DURATION" help:"How long webhooks are still taken after SIGTERM, while /readyz is 503 already: load balancers learn late. Part of DRAIN_TIMEOUT."`
	DrainTimeout       string `name:"drain-timeout" env:"DRAIN_TIMEOUT" default:"20s" placeholder:"DURATION" help:"How long a stop waits for requests under way; the process is gone 5 s later whatever hangs."`
	MetricsAddr        string `name:"metrics-addr" env:"METRICS_ADDR" placeholder:"HOST:PORT" help:"Where /metrics, /healthz and /readyz are served instead of HTTP_ADDR, which websites reach. Default: HTTP_ADDR."`
}

// Sources reads a sources file for a trial: its secrets may be missing. Its error is [Faults].
func Sources(file, phoneRegion string, lookupEnv func(string) (string, bool)) (*webhook.Sources, error) {
	var p parser
	sources := p.sources(file, webhook.Environment{LookupEnv: lookupEnv, ReadFile: os.ReadFile, PhoneRegion: p.region(phoneRegion), SecretsMayLack: true})
	return sources, p.err()
}

// IngestConfig is a parsed Ingest. Log, Metrics, Tracer and DryRun of Gate are not set yet.
type IngestConfig struct {
	Gate        webhook.Config
	HTTPAddr    string
	MetricsAddr string // "": HTTPAddr
	Log         LogConfig
	Tracing     *tracing.Config // nil: nothing is traced
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
	c.Gate.Brokers, c.Gate.Topic = k.Brokers, k.Topic
	c.HTTPAddr = i.HTTP.parse(&p)
	if i.MetricsAddr != "" {
		c.MetricsAddr = p.listenAddress("METRICS_ADDR", i.MetricsAddr)
	}
	c.Log = i.Log.parse(&p)
	c.Tracing = i.Traces.parse(&p, "leadbridge-ingest")
	c.Warnings = p.warnings
	return c, p.err()
}

// peerConnections reads INGEST_PEER_CONNECTIONS; 0 when it is not given.
func (g Gate) peerConnections(p *parser) int {
	if strings.TrimSpace(g.ConnectionsPerPeer) == "" {
		return 0
	}
	return p.count("INGEST_PEER_CONNECTIONS", g.ConnectionsPerPeer, 1)
}

// networks reads a comma list of addresses and networks.
func (p *parser) networks(variable, text string) (list []netip.Prefix) {
	for one := range strings.SplitSeq(text, ",") {
		if one = strings.TrimSpace(one); one == "" {
			continue
		}
		network, err := netip.ParsePrefix(one)
		if a, addrErr := netip.ParseAddr(one); addrErr == nil {
			network, err = netip.PrefixFrom(a.Unmap(), a.Unmap().BitLen()), nil
		}
		if err != nil {
			p.fault(variable, quote(one)+" is neither an address nor a network", "write such as 10.0.0.7 or 10.0.0.0/8, several separated by commas")
			continue
		}
		list = append(list, network.Masked())
	}
	return list
}

func (g Gate) parse(p *parser, lookupEnv func(string) (string, bool)) webhook.Config {
	region := p.region(g.PhoneRegion)
	c := webhook.Config{
		Sources:            p.sources(g.SourcesFile, webhook.Environment{LookupEnv: lookupEnv, ReadFile: os.ReadFile, PhoneRegion: region}),
		AckTimeout:         p.duration("INGEST_ACK_TIMEOUT", g.AckTimeout, positive),
		BodyTimeout:        p.duration("INGEST_BODY_TIMEOUT", g.BodyTimeout, positive),
		HeaderTimeout:      p.duration("INGEST_HEADER_TIMEOUT", g.HeaderTimeout, positive),
		Connections:        p.count("INGEST_CONNECTIONS", g.Connections, 1),
		MaxBuffer:          p.bytes("MAX_BUFFER", g.MaxBuffer, 4<<20),
		DrainDelay:         p.duration("DRAIN_DELAY", g.DrainDelay, 0),
		DrainTimeout:       p.duration("DRAIN_TIMEOUT", g.DrainTimeout, 0),
		ConnectionsPerPeer: g.peerConnections(p),
		BodyRate:           p.bytes("INGEST_BODY_RATE", g.BodyRate, 0),
		BodyGrace:          p.duration("INGEST_BODY_GRACE", g.BodyGrace, time.Second),

		TrustedProxies:  p.networks("INGEST_TRUSTED_PROXIES", g.Proxies),
		ForwardedHeader: p.choice("INGEST_FORWARDED_HEADER", g.Forwarded, webhook.HeaderXForwardedFor, webhook.HeaderForwarded),
	}
	if c.Sources == nil {
		return c
	}
	p.warnings = append(p.warnings, c.Sources.Warnings()...)
	if sum := c.Sources.Buffers(); sum > c.MaxBuffer {
		p.warn("the buffers of the sources are %d bytes together, and MAX_BUFFER is %d: one source can take memory from another; raise MAX_BUFFER, or lower buffers", sum, c.MaxBuffer)
	}
	return c
}

// sources reads the sources file. Its faults are recorded as faults of SOURCES_FILE; it is nil after one.
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

// Grace returns the time after the first signal within which the process ends, whatever hangs.
func (c IngestConfig) Grace() time.Duration { return c.Gate.DrainTimeout + exitMargin }
