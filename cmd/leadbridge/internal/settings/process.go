package settings

import (
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/rs/zerolog"

	"github.com/leadbridge/leadbridge/consumer"
)

// Delivery are the limits of what is in flight, the order of events, and how the delivery is paused and stopped.
type Delivery struct {
	Window       string `name:"window" env:"WINDOW" default:"256" placeholder:"COUNT" help:"Records in flight per partition; parked records (docs/failures.md) do not count."`
	MaxBuffer    string `name:"max-buffer" env:"MAX_BUFFER" default:"64MiB" placeholder:"SIZE" help:"Memory for records of the whole process, in bytes: 64MiB, 64MB or a plain number."`
	OrderBy      string `name:"order-by" env:"ORDER_BY" default:"person" placeholder:"person|key|none" help:"Events that are delivered one after another: person: those that share a phone or an e-mail address; key: records with one key; none: only events of one id."`
	FreshFirst   string `name:"fresh-first" env:"FRESH_FIRST" default:"off" placeholder:"off|PERCENT" help:"Part of the CRM's budget for the newest events while a backlog waits, 1% to 99%: they overtake it. See docs/fresh-first.md."`
	DedupeWindow string `name:"dedupe-window" env:"DEDUPE_WINDOW" default:"10000" placeholder:"COUNT" help:"Event ids remembered per partition, to find events that were sent twice."`
	DrainTimeout string `name:"drain-timeout" env:"DRAIN_TIMEOUT" default:"20s" placeholder:"DURATION" help:"How long a stop waits for what is in flight, 3 s when other events wait for it; the process ends at most 5 s later."`
	Paused       Switch `name:"paused" env:"PAUSED" default:"false" placeholder:"true|false" help:"Create no contacts: leads wait in Kafka. See docs/operations.md."`
	PausedFile   string `name:"paused-file" env:"PAUSED_FILE" placeholder:"FILE" help:"File that says true or false to the same, read every few seconds, so that a ConfigMap pauses all replicas; what follows the word is shown. No file: not paused. Default: none."`
}

// PauseConfig says how the delivery is paused by hand.
type PauseConfig struct {
	Paused bool
	File   string // "": none
}

// pause reads PAUSED and PAUSED_FILE.
func (d Delivery) pause(p *parser) PauseConfig {
	c := PauseConfig{Paused: p.boolean("PAUSED", string(d.Paused)), File: d.PausedFile}
	if c.File != "" {
		_, _, err := ReadPause(c.File)
		switch _, noFolder := os.Stat(filepath.Dir(c.File)); {
		case noFolder != nil:
			p.fault("PAUSED_FILE", "its folder does not exist, so that nobody could ever pause by it", "name a file in a folder that is there; the file itself may be missing")
		case err != nil:
			p.fault("PAUSED_FILE", err.Error(), "write true or false into it, and behind it who pauses and why")
		}
	}
	return c
}

func (d Delivery) parse(p *parser, c *consumer.Config) {
	c.Window = p.count("WINDOW", d.Window, 1)
	// Less would not hold one record of the largest size and its letter.
	c.MaxBuffer = p.bytes("MAX_BUFFER", d.MaxBuffer, 4<<20)
	c.OrderBy = consumer.OrderBy(p.choice("ORDER_BY", d.OrderBy,
		string(consumer.OrderByPerson), string(consumer.OrderByKey), string(consumer.OrderByNone)))
	c.FreshFirst = p.part("FRESH_FIRST", d.FreshFirst)
	c.DedupeWindow = p.count("DEDUPE_WINDOW", d.DedupeWindow, 0)
	c.DrainTimeout = p.duration("DRAIN_TIMEOUT", d.DrainTimeout, 0)
}

// HTTP is the setting of the address that a command serves. Its default is set where it is embedded, by the tag
// set:"http_addr=…", so that commands on one machine have different ports.
type HTTP struct {
	Addr string `name:"http-addr" env:"HTTP_ADDR" default:"${http_addr}" placeholder:"HOST:PORT" help:"Address to serve HTTP at; port 0: any free one."`
}

func (h HTTP) parse(p *parser) string { return p.listenAddress("HTTP_ADDR", h.Addr) }

// listenAddress reads host:port, whose host may be empty and whose port may be 0.
func (p *parser) listenAddress(variable, text string) string {
	text = strings.TrimSpace(text)
	_, port, err := net.SplitHostPort(text)
	n, convErr := strconv.Atoi(port)
	if err != nil || convErr != nil || n < 0 || n > 65535 {
		p.fault(variable, quote(text)+" is not an address to listen on", "write :8080, 127.0.0.1:8080 or another host:port")
	}
	return text
}

// Log are the settings of the log.
type Log struct {
	Level  string `name:"log-level" env:"LOG_LEVEL" default:"info" placeholder:"LEVEL" help:"trace, debug (each contact), info, warn or error."`
	Format string `name:"log-format" env:"LOG_FORMAT" default:"json" placeholder:"json|console" help:"json: one JSON object a line; console: readable lines."`
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

// exitMargin is how long a process may take to end after its drain.
const exitMargin = 5 * time.Second

// Grace returns the time after the first signal within which the process ends, whatever hangs.
func (c Config) Grace() time.Duration { return c.Consumer.DrainTimeout + exitMargin }
