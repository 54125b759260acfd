package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/leadbridge/leadbridge/cmd/leadbridge/internal/settings"
	"github.com/leadbridge/leadbridge/consumer"
	"github.com/leadbridge/leadbridge/dlt"
	"github.com/leadbridge/leadbridge/internal/cluster"
	"github.com/leadbridge/leadbridge/internal/kafkaauth"
)

// dltCommand groups the commands for dead letters.
type dltCommand struct {
	List   dltListCommand   `cmd:"" help:"List letters, one for each event, with a histogram by reason."`
	Show   dltShowCommand   `cmd:"" help:"Show one letter: why, the CRM's words, the event, the contact, and what to do."`
	Replay dltReplayCommand `cmd:"" help:"Put events back into their topic, each letter once."`
	Close  dltCloseCommand  `cmd:"" help:"Mark letters as seen, with a word: nothing is to be done about them."`
	Erase  dltEraseCommand  `cmd:"" help:"Forget a person's letters, and say what only retention deletes."`
	Export dltExportCommand `cmd:"" help:"Write letters as JSON lines, as they are."`
	Import dltImportCommand `cmd:"" help:"Write letters from the lines of an export."`
}

// letterFilter are the flags that choose letters.
type letterFilter struct {
	Reason  []string `placeholder:"REASON" help:"Only letters with one of these reasons, such as CRM_REFUSED."`
	Code    []string `placeholder:"CODE" help:"Only letters with one of these codes of the CRM."`
	Words   []string `sep:"none" placeholder:"TEXT" help:"Only letters in whose words, the CRM's or ours, that stands; may be given several times."`
	Source  []string `sep:"none" placeholder:"SOURCE" help:"Only letters of events from that source of CloudEvents or of the gate, or from that topic."`
	Flood   flood    `placeholder:"ID" help:"Only letters that were written in a flood of refusals; --flood=ID: in that one."`
	Since   string   `placeholder:"TIME" help:"Only letters written at that time or later: 2026-03-04, 2026-03-04T05:06:07Z, or 90m, 12h, 7d ago."`
	Until   string   `placeholder:"TIME" help:"Only letters written before that time."`
	EventID []string `name:"event-id" sep:"none" placeholder:"ID" help:"Only letters of that event; may be given several times."`
	Key     []string `sep:"none" placeholder:"KEY" help:"Only letters with that key; may be given several times."`
	Limit   int      `default:"0" placeholder:"COUNT" help:"Only this many, the first ones; 0: all."`
}

// filter reads the flags. An unknown reason is only a warning: other programs may write letters too.
func (f letterFilter) filter(stderr io.Writer, now time.Time) (dlt.Filter, error) {
	var faults settings.Faults
	for _, reason := range f.Reason {
		if !slices.ContainsFunc(consumer.Reasons(), func(known string) bool { return strings.EqualFold(known, reason) }) {
			_, _ = fmt.Fprintf(stderr, "leadbridge: --reason %.60q is not a reason that leadbridge writes; those are %s\n", reason, strings.Join(consumer.Reasons(), ", "))
		}
	}
	filter := dlt.Filter{Reasons: f.Reason, Codes: f.Code, Words: f.Words, Sources: f.Source, Flood: string(f.Flood), EventIDs: f.EventID, Keys: f.Key, Limit: f.Limit}
	for _, bound := range []struct {
		flag, text string
		to         *time.Time
	}{{"--since", f.Since, &filter.Since}, {"--until", f.Until, &filter.Until}} {
		at, ok := moment(bound.text, now)
		if !ok {
			faults = append(faults, settings.Fault{
				Variable: bound.flag, Problem: fmt.Sprintf("%.60q is not a time", bound.text), Remedy: "write 2026-03-04 or 2026-03-04T05:06:07Z, or 90m, 12h or 7d for that long ago",
			})
		}
		*bound.to = at
	}
	if f.Limit < 0 {
		faults = append(faults, settings.Fault{Variable: "--limit", Problem: "is negative", Remedy: "write 0 for all"})
	}
	if len(faults) > 0 {
		return filter, faults
	}
	return filter, nil
}

// chosen reads both ways to choose letters: the filter's flags, and places. It returns the faults of both.
func (f letterFilter) chosen(stderr io.Writer, at []string) (dlt.Filter, []dlt.Position, settings.Faults) {
	filter, err := f.filter(stderr, time.Now())
	faults, _ := errors.AsType[settings.Faults](err)
	places, unread := placesOf(at)
	return filter, places, append(faults, unread...)
}

// placesOf reads the places of letters.
func placesOf(texts []string) (places []dlt.Position, faults settings.Faults) {
	for _, text := range texts {
		place, err := dlt.ParsePosition(text)
		if err != nil {
			faults = append(faults, settings.Fault{Variable: "<partition:offset>", Problem: "cannot be read", Remedy: err.Error()})
		}
		places = append(places, place)
	}
	return places, faults
}

// moment reads a time, a day (of UTC), or how long ago.
func moment(text string, now time.Time) (time.Time, bool) {
	text = strings.TrimSpace(text)
	if text == "" {
		return time.Time{}, true
	}
	for _, form := range []string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02T15:04", time.DateTime, time.DateOnly} {
		if at, err := time.Parse(form, text); err == nil {
			return at, true
		}
	}
	if days, ok := strings.CutSuffix(text, "d"); ok {
		n, err := strconv.ParseFloat(days, 64)
		ago := n * 24 * float64(time.Hour)
		if err != nil || !(ago >= 0 && ago < math.MaxInt64) { // so that NaN is refused, too
			return time.Time{}, false
		}
		return now.Add(-time.Duration(ago)), true
	}
	ago, err := time.ParseDuration(text)
	return now.Add(-ago), err == nil && ago >= 0
}

// withLetters runs a command's work on the dead-letter topic; a signal ends it.
func withLetters(p process, d settings.DeadLetters, work func(context.Context, *dlt.Topic, settings.DeadLettersConfig) error) error {
	cfg, err := d.Parse()
	if err != nil {
		return err
	}
	topic := dlt.Open(cfg.Letters)
	defer topic.Close()
	return p.readKafka(cfg.Warnings, cfg.Letters, func(ctx context.Context) error { return work(ctx, topic, cfg) })
}

// readKafka runs a command's work on the topics: it prints the warnings of the settings, ends the work at a signal, and
// adds to its error what to do about it.
func (p process) readKafka(warnings []string, topics dlt.Config, work func(context.Context) error) error {
	for _, warning := range warnings {
		_, _ = fmt.Fprintln(p.stderr, "leadbridge:", warning)
	}
	ctx, stop := untilSignal(interruptGrace, onStop{})
	defer stop()
	err := work(ctx)
	if interrupted(ctx) {
		return exitStatus(exitInterrupted)
	}
	return advised(err, topics)
}

// advised returns an error with what to do about brokers that do not answer and topics that are not there.
func advised(err error, cfg dlt.Config) error {
	switch {
	case kafkaauth.Advice(err) != "":
		return fmt.Errorf("no broker of %s lets us in: %w", strings.Join(cfg.Brokers.Addresses, ", "), err)
	case errors.Is(err, cluster.ErrNoTopic):
		return fmt.Errorf("%w: look at KAFKA_TOPIC (%s) and KAFKA_DLT_TOPIC (%s); leadbridge check --fix creates them", err, cfg.Topic, cfg.DeadLetterTopic)
	case errors.Is(err, context.DeadlineExceeded), isNetwork(err):
		return fmt.Errorf("no broker of %s answers: look at KAFKA_BROKERS, KAFKA_TLS and KAFKA_SASL_…: %w", strings.Join(cfg.Brokers.Addresses, ", "), err)
	}
	return err
}

func isNetwork(err error) bool {
	_, ok := errors.AsType[net.Error](err)
	return ok
}
