package consumer

import (
	"context"
)

// Stage is how far a record has come by the group's last commit. While the group is well, that commit is less than a second
// old.
type Stage string

// The stages of a record.
const (
	StageWaiting Stage = "waiting" // nobody has begun to deliver it
	StageTaken   Stage = "taken"   // its delivery has begun; no create has been sent for it
	StageSent    Stage = "sent"    // a create may have been sent for it; it is looked up before another is sent
	StageDone    Stage = "done"    // it is a contact or a dead letter, or needed no delivery
)

// Progress is what the group's commit says about a partition. The zero value stands for no commit.
type Progress struct {
	known     bool // there is a commit
	committed int64
	ledger    ledger
}

// Stage returns how far the record at offset has come.
func (p Progress) Stage(offset int64) Stage {
	switch {
	case !p.known || offset >= p.ledger.granted:
		return StageWaiting
	case offset < p.committed:
		return StageDone
	}
	for _, s := range p.ledger.spans {
		switch {
		case offset < s.from || offset >= s.to:
		case s.sent:
			return StageSent
		default:
			return StageTaken
		}
	}
	return StageDone
}

// Before returns how many offsets of [first, offset) are not done.
func (p Progress) Before(first, offset int64) int64 {
	if !p.known {
		return max(0, offset-first)
	}
	n := max(0, offset-max(first, p.ledger.granted))
	for _, s := range p.ledger.spans {
		n += max(0, min(s.to, offset)-max(s.from, first))
	}
	return n
}

// Progress returns what a group's commits say about each partition; nothing if nobody has joined the group yet. The error is
// [cluster.ErrNoTopic] when the topic does not exist.
func (l *Log) Progress(ctx context.Context, group string) (map[int]Progress, error) {
	found, err := l.commits(ctx, group)
	if err != nil {
		return nil, err
	}
	all := make(map[int]Progress, len(found))
	for id, c := range found {
		all[id] = progressOf(c)
	}
	return all, nil
}

// progressOf reads a commit. If it has no ledger of ours, only the offset is used.
func progressOf(c committed) Progress {
	if c.offset < 0 {
		return Progress{}
	}
	l, err := decodeLedger(c.offset, c.metadata)
	if err != nil {
		l = ledger{granted: c.offset}
	}
	return Progress{known: true, committed: c.offset, ledger: l}
}
