package main

import (
	"context"
	"errors"
	"io"
	"maps"
	"slices"
	"time"

	"github.com/leadbridge/leadbridge/cmd/leadbridge/internal/settings"
	"github.com/leadbridge/leadbridge/dlt"
	"github.com/leadbridge/leadbridge/internal/human"
)

type dltEraseCommand struct {
	settings.DeadLetters `embed:""`

	EventID []string `name:"event-id" sep:"none" placeholder:"ID" help:"Forget the letters of that event; may be given several times."`
	Key     []string `sep:"none" placeholder:"KEY" help:"Forget the letters with that key; may be given several times."`
	DryRun  bool     `name:"dry-run" help:"Write nothing; say what would be forgotten, and what only retention deletes."`
	Output  string   `enum:"text,json" default:"text" placeholder:"text|json" help:"For people, or one JSON object."`
}

// Help says what an erasure does.
func (dltEraseCommand) Help() string {
	return "Erased letters are not listed, shown, exported or replayed any more, and cannot be restored by a replay. Kafka deletes no single record: " +
		"the answer tells where bytes remain, and until when. The contact in the CRM is not touched."
}

// Run erases.
func (c dltEraseCommand) Run(p process) error {
	return withLetters(p, c.DeadLetters, func(ctx context.Context, t *dlt.Topic, _ settings.DeadLettersConfig) error {
		return eraseLetters(ctx, p, t, dlt.Filter{EventIDs: c.EventID, Keys: c.Key}, eraseOptions{c.DryRun, c.Output, "dlt erase"})
	})
}

// eraseOptions are the flags that dlt erase and dlt replay --erase have in common.
type eraseOptions struct {
	dryRun bool
	output string
	name   string // of the command or flag, for faults
}

func eraseLetters(ctx context.Context, p process, t *dlt.Topic, f dlt.Filter, o eraseOptions) error {
	e, err := t.Erase(ctx, f, o.dryRun)
	if errors.Is(err, dlt.ErrEraseWhom) {
		return settings.Faults{{Variable: o.name, Problem: "does not say whom to forget", Remedy: "give --key or --event-id, and no other filter"}}
	}
	if err != nil {
		return err
	}
	if o.output == "json" {
		return printJSON(p.stdout, e)
	}
	return printErasure(p.stdout, e)
}

// printErasure says what was erased, what is still in Kafka, and what will delete that.
func printErasure(w io.Writer, e dlt.Erasure) error {
	out := reporter{w: w}
	verb := "Erased"
	if e.DryRun {
		verb = "Would erase"
	}
	out.line("%s %s: not listed, exported or replayed any more. Erased before: %d.", verb, counted(e.Letters, "letter"), e.Before)
	out.line("The contact in the CRM, if there is one, is not touched: delete it there.")
	if len(e.Remains) > 0 {
		out.line("\nTheir bytes are still in Kafka, which deletes no single record:")
	}
	for i, r := range e.Remains {
		if i == maxLeftLines {
			out.line("  and %d more; --output json lists all", len(e.Remains)-i)
			break
		}
		out.line("  %s, partition %d, offset %d, written %s", clean(r.Topic), r.Partition, r.Offset, r.WrittenAt.Format(time.RFC3339))
	}
	if len(e.Topics) > 1 {
		out.line("So are this person's other events in %s, and results in KAFKA_RESULT_TOPIC; they are deleted the same way.", e.Topics[1].Topic)
	}
	out.line("\nWhat deletes them:")
	for _, rules := range e.Topics {
		out.rules(rules, e)
	}
	if len(e.Remains) > 0 {
		out.line("  At once: kafka-delete-records.sh cuts a partition off below an offset, with everything that lies before it.")
	}
	for _, partition := range slices.Sorted(maps.Keys(e.OthersOpen)) {
		out.line("  In partition %d of the dead-letter topic that would lose %s of others: replay or export them first.", partition, counted(e.OthersOpen[partition], "open letter"))
	}
	return out.err
}

// rules says by what a topic deletes the person's records.
func (o *reporter) rules(r dlt.TopicRules, e dlt.Erasure) {
	if !r.Known {
		o.line("  %s: unknown, as we may not read its settings (DESCRIBE_CONFIGS)", r.Topic)
		return
	}
	if r.Compacts {
		verb := "was told to forget"
		if e.DryRun {
			verb = "would be told to forget"
		}
		o.line("  %s: %s %s; its next compaction deletes their records", r.Topic, verb, counted(r.Tombstones, "key"))
	}
	switch {
	case !r.Deletes && !r.Compacts || r.Deletes && r.RetentionMs < 0:
		o.line("  %s: nothing, its records are kept forever (retention.ms=-1): set a retention", r.Topic)
	case r.Deletes:
		o.line("  %s: retention, %s after a record was written, and when its segment is closed", r.Topic, human.Days(r.Retention))
	}
}
