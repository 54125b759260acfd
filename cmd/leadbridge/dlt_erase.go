package main

import (
	"io"
	"maps"
	"slices"
	"time"

	"github.com/leadbridge/leadbridge/dlt"
)

// printErasure says plainly what is gone, and what is not.
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
			out.line("  and %d more; --output json tells all", len(e.Remains)-i)
			break
		}
		out.line("  %s, partition %d, offset %d, written %s", clean(r.Topic), r.Partition, r.Offset, r.WrittenAt.Format(time.RFC3339))
	}
	if len(e.Topics) > 1 {
		out.line("So are this person's other events in %s, and results in KAFKA_RESULT_TOPIC: the same deletes them.", e.Topics[1].Topic)
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
		o.line("  %s: nothing, its records are kept for ever (retention.ms=-1): set one", r.Topic)
	case r.Deletes:
		o.line("  %s: retention, %s after a record was written, and when its segment is closed", r.Topic, lasting(r.Retention))
	}
}
