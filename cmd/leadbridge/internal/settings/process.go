package settings

import (
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/rs/zerolog"

	"github.com/leadbridge/leadbridge/consumer"
)

// Delivery are the limits of what is under way.
type Delivery struct {
	Window       string `name:"window" env:"WINDOW" default:"256" placeholder:"COUNT" help:"Records in flight per partition."`
	MaxBuffer    string `name:"max-buffer" env:"MAX_BUFFER" default:"64MiB" placeholder:"SIZE" help:"Memory for records of the whole process, in bytes: 64MiB, 64MB or a plain number."`
	DedupeWindow string `name:"dedupe-window" env:"DEDUPE_WINDOW" default:"10000" placeholder:"COUNT" help:"Event ids remembered per partition, to find events that were sent twice."`
	DrainTimeout string `name:"drain-timeout" env:"DRAIN_TIMEOUT" default:"20s" placeholder:"DURATION" help:"How long a stop waits for what is under way; the process is gone 5 s later whatever hangs."`
}

func (d Delivery) parse(p *parser, c *consumer.Config) {
	c.Window = p.count("WINDOW", d.Window, 1)
	// Less could not hold one record of the largest size beside its letter.
	c.MaxBuffer = p.bytes("MAX_BUFFER", d.MaxBuffer, 4<<20)
	c.DedupeWindow = p.count("DEDUPE_WINDOW", d.DedupeWindow, 0)
	c.DrainTimeout = p.duration("DRAIN_TIMEOUT", d.DrainTimeout, 0)
}

// HTTP is where a command listens.
type HTTP struct {
	Addr string `name:"http-addr" env:"HTTP_ADDR" default:":8080" placeholder:"HOST:PORT" help:"Where HTTP is served; port 0: any free one."`
}

func (h HTTP) parse(p *parser) string { return p.listenAddress("HTTP_ADDR", h.Addr) }

func (p *parser) listenAddress(variable, text string) string {
	text = strings.TrimSpace(text)
	_, port, err := net.SplitHostPort(text)
	n, convErr := strconv.Atoi(port)
	if err != nil || convErr != nil || n < 0 || n > 65535 {
		p.fault(variable, quote(text)+" is no address to listen on", "write :8080, 127.0.0.1:8080 or another host:port")
	}
	return text
}

// Log is how much is logged, and in which form.
type Log struct {
	Level  string `name:"log-level" env:"LOG_LEVEL" default:"info" placeholder:"LEVEL" help:"trace, debug (each contact), info, warn or error."`
	Format string `name:"log-format" env:"LOG_FORMAT" default:"json" placeholder:"json|console" help:"json: a line of JSON each; console: for people."`
}

// LogConfig is a parsed Log.
type LogConfig struct {
	Level   zerolog.Level
	Console bool
}

func (l Log) parse(p *parser) LogConfig {
	level, err := zerolog.ParseLevel(p.choice("LOG_LEVEL", l.Level, "info", "trace", "debug", "warn", "error"))
	if err != nil {
		level = zerolog.InfoLevel
	}
	return LogConfig{
		Level:   level,
		Console: p.choice("LOG_FORMAT", l.Format, "json", "console") == "console",
	}
}

// exitMargin is what a stop may take beyond the drain.
const exitMargin = 5 * time.Second

// Grace is how long after the first signal the process is gone at the latest.
func (c Config) Grace() time.Duration { return c.Consumer.DrainTimeout + exitMargin }
