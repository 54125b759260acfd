package settings

import (
	"crypto/tls"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/net/http/httpguts"

	"github.com/leadbridge/leadbridge/internal/tracing"
)

// Tracing are the settings of traces: the standard variables of OpenTelemetry. A variable for traces (OTEL_…_TRACES_…) wins
// over the one for all signals.
type Tracing struct {
	Endpoint       string `name:"otel-exporter-otlp-endpoint" env:"OTEL_EXPORTER_OTLP_ENDPOINT" placeholder:"URL" help:"Collector that takes traces by OTLP/HTTP, such as http://collector:4318; /v1/traces is added. See docs/tracing.md. Default: nothing is traced."`
	TracesEndpoint string `name:"otel-exporter-otlp-traces-endpoint" env:"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT" placeholder:"URL" help:"The same with its whole path, which is used as it is."`
	Protocol       string `name:"otel-exporter-otlp-protocol" env:"OTEL_EXPORTER_OTLP_TRACES_PROTOCOL,OTEL_EXPORTER_OTLP_PROTOCOL" default:"http/protobuf" placeholder:"PROTOCOL" help:"http/protobuf is the only one."`
	Headers        string `name:"otel-exporter-otlp-headers" env:"OTEL_EXPORTER_OTLP_TRACES_HEADERS,OTEL_EXPORTER_OTLP_HEADERS" placeholder:"NAME=VALUE,…" help:"Headers of each request to the collector, such as its key."`
	HeadersFile    string `name:"otel-exporter-otlp-headers-file" env:"OTEL_EXPORTER_OTLP_HEADERS_FILE" placeholder:"FILE" help:"File that holds these headers; read at the start."`
	Timeout        string `name:"otel-exporter-otlp-timeout" env:"OTEL_EXPORTER_OTLP_TRACES_TIMEOUT,OTEL_EXPORTER_OTLP_TIMEOUT" default:"10000" placeholder:"MILLISECONDS" help:"Longest time for a request to the collector, with its retries."`
	Compression    string `name:"otel-exporter-otlp-compression" env:"OTEL_EXPORTER_OTLP_TRACES_COMPRESSION,OTEL_EXPORTER_OTLP_COMPRESSION" default:"none" placeholder:"none|gzip" help:"How requests to the collector are compressed."`
	Certificate    string `name:"otel-exporter-otlp-certificate" env:"OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE,OTEL_EXPORTER_OTLP_CERTIFICATE" placeholder:"FILE" help:"Certificate authorities to trust for the collector, in PEM. Default: the system's."`
	ClientCert     string `name:"otel-exporter-otlp-client-certificate" env:"OTEL_EXPORTER_OTLP_TRACES_CLIENT_CERTIFICATE,OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE" placeholder:"FILE" help:"Certificate to show to the collector, in PEM."`
	ClientKey      string `name:"otel-exporter-otlp-client-key" env:"OTEL_EXPORTER_OTLP_TRACES_CLIENT_KEY,OTEL_EXPORTER_OTLP_CLIENT_KEY" placeholder:"FILE" help:"Its private key, in PEM."`
	Sampler        string `name:"otel-traces-sampler" env:"OTEL_TRACES_SAMPLER" default:"parentbased_always_on" placeholder:"SAMPLER" help:"Which traces are kept: parentbased_always_on, parentbased_traceidratio, parentbased_always_off, always_on, traceidratio or always_off."`
	SamplerArg     string `name:"otel-traces-sampler-arg" env:"OTEL_TRACES_SAMPLER_ARG" placeholder:"RATIO" help:"Part of the traces that a traceidratio sampler keeps, 0 to 1. Default: 1."`
	ServiceName    string `name:"otel-service-name" env:"OTEL_SERVICE_NAME" placeholder:"NAME" help:"Name of this process in traces. Default: leadbridge, and leadbridge-ingest for the gate."`
	Resource       string `name:"otel-resource-attributes" env:"OTEL_RESOURCE_ATTRIBUTES" placeholder:"KEY=VALUE,…" help:"What else traces are to tell of this process, such as deployment.environment.name=prod."`
	Exporter       string `name:"otel-traces-exporter" env:"OTEL_TRACES_EXPORTER" default:"otlp" placeholder:"otlp|none" help:"none: nothing is traced."`
	Disabled       Switch `name:"otel-sdk-disabled" env:"OTEL_SDK_DISABLED" default:"false" placeholder:"true|false" help:"true: nothing is traced."`
}

// tracesPath is added to the endpoint for all signals, as the standard says.
const tracesPath = "/v1/traces"

// parse returns nil when nothing is to be traced. The other settings are not checked then, as a platform may give
// them to all programs. service is the default of service.name.
func (t Tracing) parse(p *parser, service string) *tracing.Config {
	if p.boolean("OTEL_SDK_DISABLED", string(t.Disabled)) || strings.TrimSpace(t.Endpoint+t.TracesEndpoint) == "" ||
		p.choice("OTEL_TRACES_EXPORTER", t.Exporter, "otlp", "none") == "none" {
		return nil
	}
	p.otlpProtocol(t.Protocol)
	c := &tracing.Config{Service: service, Endpoint: tracing.Endpoint{
		URL:     t.url(p),
		Headers: p.pairs("OTEL_EXPORTER_OTLP_HEADERS", t.headers(p)),
		Timeout: p.milliseconds("OTEL_EXPORTER_OTLP_TIMEOUT", t.Timeout),
		Gzip:    p.choice("OTEL_EXPORTER_OTLP_COMPRESSION", t.Compression, "none", "gzip") == "gzip",
		TLS:     t.tls(p),
	}}
	for name, value := range c.Endpoint.Headers {
		if !httpguts.ValidHeaderFieldName(name) || !httpguts.ValidHeaderFieldValue(value) {
			p.fault("OTEL_EXPORTER_OTLP_HEADERS", "holds what cannot be a header", "write name=value, several separated by commas, and what is special as %20")
			break
		}
	}
	c.Resource = p.pairs("OTEL_RESOURCE_ATTRIBUTES", t.Resource)
	if name := c.Resource["service.name"]; name != "" {
		c.Service = name
	}
	if t.ServiceName != "" {
		c.Service = t.ServiceName
	}
	delete(c.Resource, "service.name")
	name := p.choice("OTEL_TRACES_SAMPLER", t.Sampler, tracing.Samplers()...)
	sampler, err := tracing.NewSampler(name, strings.TrimSpace(t.SamplerArg))
	if err != nil {
		p.fault("OTEL_TRACES_SAMPLER_ARG", err.Error(), "write the part of the traces to keep, such as 0.1")
	}
	c.Sampler = sampler
	return c
}

// otlpProtocol records a fault unless the protocol is http/protobuf. A platform that sets another one names the port of that
// one, too, so that it cannot be ignored.
func (p *parser) otlpProtocol(text string) {
	if !strings.EqualFold(strings.TrimSpace(text), "http/protobuf") {
		p.fault("OTEL_EXPORTER_OTLP_PROTOCOL", quote(text)+" is not spoken here",
			"write http/protobuf, and the collector's port for it (4318 as a rule); or turn traces off by OTEL_TRACES_EXPORTER=none")
	}
}

// url returns the address to which spans are posted. Faults do not repeat it: it may hold a password.
func (t Tracing) url(p *parser) string {
	variable, text, suffix := "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", strings.TrimSpace(t.TracesEndpoint), ""
	if text == "" {
		variable, text, suffix = "OTEL_EXPORTER_OTLP_ENDPOINT", strings.TrimSpace(t.Endpoint), tracesPath
	}
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		p.fault(variable, "is not a valid address", "give one like http://collector:4318")
		return ""
	}
	if suffix != "" {
		u.Path = strings.TrimRight(u.Path, "/") + suffix
	}
	return u.String()
}

// headers returns the text of the variable, or of the file.
func (t Tracing) headers(p *parser) string {
	secret := p.secret("OTEL_EXPORTER_OTLP_HEADERS", t.Headers, t.HeadersFile)
	if t.Headers != "" && t.HeadersFile != "" {
		return "" // which secret has recorded as a fault
	}
	if secret.Value != "" || secret.File == "" {
		return secret.Value
	}
	content, _ := os.ReadFile(secret.File) // that it cannot be read is a fault already
	return strings.TrimSpace(string(content))
}

// tls returns the settings of connections to the collector.
func (t Tracing) tls(p *parser) *tls.Config {
	before := len(p.faults)
	c := &tls.Config{MinVersion: tls.VersionTLS12}
	if t.Certificate != "" {
		if content := p.file("OTEL_EXPORTER_OTLP_CERTIFICATE", t.Certificate); content != nil {
			pool, err := poolOf(content)
			if err != nil {
				p.fault("OTEL_EXPORTER_OTLP_CERTIFICATE", err.Error(), "name a PEM file with BEGIN CERTIFICATE in it")
			}
			c.RootCAs = pool
		}
	}
	switch {
	case t.ClientCert == "" && t.ClientKey == "":
		return c
	case t.ClientKey == "":
		p.fault("OTEL_EXPORTER_OTLP_CLIENT_KEY", "is missing", "name the private key that belongs to OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE")
	case t.ClientCert == "":
		p.fault("OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE", "is missing", "name the certificate that belongs to OTEL_EXPORTER_OTLP_CLIENT_KEY")
	}
	if len(p.faults) > before {
		return c
	}
	pair, err := tls.LoadX509KeyPair(t.ClientCert, t.ClientKey)
	if err != nil {
		p.fault("OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE", "cannot be used ("+reason(err)+")", "name a PEM certificate and, in OTEL_EXPORTER_OTLP_CLIENT_KEY, its own private key")
	}
	c.Certificates = []tls.Certificate{pair}
	return c
}

// pairs reads a comma list of key=value, with escapes such as %20 in the values.
//
// Source: OpenTelemetry, environment variables; W3C Baggage.
func (p *parser) pairs(variable, text string) map[string]string {
	pairs := map[string]string{}
	for one := range strings.SplitSeq(text, ",") {
		if strings.TrimSpace(one) == "" {
			continue
		}
		key, value, ok := strings.Cut(one, "=")
		key = strings.TrimSpace(key)
		value, err := url.PathUnescape(strings.TrimSpace(value))
		if !ok || key == "" || err != nil {
			p.fault(variable, "holds a part that is not key=value", "write key=value, several separated by commas, and what is special as %20")
			return pairs
		}
		pairs[key] = value
	}
	return pairs
}

// milliseconds reads a time above 0 as the standard has it: a number of milliseconds, without a unit.
func (p *parser) milliseconds(variable, text string) time.Duration {
	n, err := strconv.ParseUint(strings.TrimSpace(text), 10, 31)
	if err != nil || n == 0 {
		p.fault(variable, quote(text)+" is not a number of milliseconds", "write one such as 10000, without a unit")
	}
	return time.Duration(n) * time.Millisecond
}

// ParseTracing reads the settings for commands that trace and are not a service; nil: nothing is traced. Its error is
// [Faults].
func (t Tracing) ParseTracing(service string) (*tracing.Config, error) {
	var p parser
	c := t.parse(&p, service)
	return c, p.err()
}
