package dlt

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/segmentio/kafka-go"

	"github.com/leadbridge/leadbridge/consumer/header"
)

// Errors of [Topic.CloseLetters].
var (
	// ErrCloseWhich is the error when neither places nor a filter say which letters to close.
	ErrCloseWhich = errors.New("closing needs letters: places, or a filter")
	// ErrWord is the error when the reason of a closing is missing, too long, or must not stand in a header.
	ErrWord = errors.New("the word is not valid")
)

// maxWord is how long the word of a closing may be, in characters.
const maxWord = 200

// Word returns text without surrounding spaces, if it is fit to be written beside a closed letter as the reason why nothing
// is to be done: one line of at most 200 characters, without an e-mail address or a phone number, as it stands in a
// header. The error wraps [ErrWord].
func Word(text string) (string, error) {
	text = strings.TrimSpace(text)
	switch {
	case text == "":
		return "", fmt.Errorf("%w: say briefly why nothing is to be done", ErrWord)
	case utf8.RuneCountInString(text) > maxWord:
		return "", fmt.Errorf("%w: it is longer than %d characters", ErrWord, maxWord)
	case !utf8.ValidString(text) || strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }):
		return "", fmt.Errorf("%w: it must be one line of text", ErrWord)
	case strings.Contains(text, "@") || mostDigits(text) >= 7:
		return "", fmt.Errorf("%w: it must not hold an e-mail address or a phone number, as it is kept in Kafka and shown to all", ErrWord)
	}
	return text, nil
}

// mostDigits returns the length of the longest run of digits, with any separators of a phone number between them.
func mostDigits(text string) int {
	most, run := 0, 0
	for _, r := range text {
		switch {
		case unicode.IsDigit(r):
			run++
			most = max(most, run)
		case !strings.ContainsRune(" ()-.+", r):
			run = 0
		}
	}
	return most
}

// CloseOptions say which letters [Topic.CloseLetters] closes.
type CloseOptions struct {
	Filter
	Word   string // why nothing is to be done; see [Word]
	DryRun bool   // only count the letters; false: close them
}

// Closing is what a closing did, or would do.
type Closing struct {
	DryRun  bool `json:"dryRun"`
	Letters int  `json:"letters"` // open letters that were closed, or would be
	Already int  `json:"already"` // chosen letters that were closed or replayed before
}

// CloseLetters marks open letters as seen, with nothing to be done about them. From then on they are not listed as open,
// and only a replay that names them puts their events back. The error wraps [ErrCloseWhich], [ErrWord] or [ErrNoLetter].
func (t *Topic) CloseLetters(ctx context.Context, o CloseOptions) (Closing, error) {
	done := Closing{DryRun: o.DryRun}
	word, err := Word(o.Word)
	if err != nil {
		return done, err
	}
	if !o.chooses() {
		return done, ErrCloseWhich
	}
	o.States = []State{StateOpen, StateClosed, StateReplayed}
	o.Exactly = len(o.Places) > 0 // the word is about these letters, not about a newer one of the same event
	idx, err := t.scan(ctx, o.Filter, nil)
	if err == nil {
		err = idx.placesExist(t.cfg.DeadLetterTopic)
	}
	if err != nil {
		return done, err
	}
	if o.Exactly {
		done.Already = len(idx.places) - len(idx.chosen) // a letter whose event has a newer one was replayed
	}
	open := map[int][]letterID{}
	for _, e := range idx.chosen {
		if e.state() != StateOpen {
			done.Already++
			continue
		}
		done.Letters++
		open[e.Partition] = append(open[e.Partition], e.id)
	}
	if o.DryRun {
		return done, nil
	}
	return done, t.writeClosings(ctx, open, word)
}

// chooses reports whether the filter, without regard to States and Limit, leaves out any letters.
func (f Filter) chooses() bool {
	return len(f.Reasons)+len(f.Codes)+len(f.Words)+len(f.Sources)+len(f.EventIDs)+len(f.Keys)+len(f.Places)+len(f.Flood) > 0 ||
		!f.Since.IsZero() || !f.Until.IsZero() || f.Text != nil
}

// newClosing returns the marker of a letter that is closed.
func newClosing(id letterID, at time.Time, word string) kafka.Record {
	r := newMarker(id, StateClosed, at)
	r.Headers = append(r.Headers, kafka.Header{Key: header.MarkedWhy, Value: []byte(word)})
	return r
}

// writeClosings writes markers without a transaction: a marker may be written twice, and a replay that runs meanwhile goes
// on, as its markers outrank these.
func (t *Topic) writeClosings(ctx context.Context, open map[int][]letterID, word string) error {
	client, transport := t.cfg.Brokers.Client(t.cfg.DeadLetterTopic)
	defer transport.CloseIdleConnections()
	now := time.Now()
	for partition, all := range open {
		for ids := range slices.Chunk(all, maxBatch) {
			err := patiently(ctx, func() error {
				markers := make([]kafka.Record, len(ids)) // made for each try, as a try consumes them
				for i, id := range ids {
					markers[i] = newClosing(id, now, word)
				}
				res, err := client.Produce(ctx, &kafka.ProduceRequest{
					Topic: t.cfg.DeadLetterTopic, Partition: partition, RequiredAcks: kafka.RequireAll, Records: kafka.NewRecordReader(markers...),
				})
				if err == nil {
					err = res.Error
				}
				return err
			})
			if err != nil {
				return fmt.Errorf("closing letters of partition %d, run it again: %w", partition, err)
			}
		}
	}
	return nil
}
