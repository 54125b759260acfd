package dlt

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/leadbridge/leadbridge/consumer/header"
	"github.com/leadbridge/leadbridge/transform"
)

// LineFault is a fault of a line of an import.
type LineFault struct {
	Line    int // from 1
	Problem string
}

// ImportFaults is the error of an import with faulty lines, which writes nothing.
type ImportFaults []LineFault

// maxFaults is how many faults Error lists.
const maxFaults = 100

// Error lists the first 100 faults, each on a line.
func (f ImportFaults) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d of the lines cannot be imported; nothing was written:", len(f))
	for i, one := range f {
		if i == maxFaults {
			fmt.Fprintf(&b, "\n  and %d more", len(f)-i)
			break
		}
		fmt.Fprintf(&b, "\n  line %d: %s", one.Line, one.Problem)
	}
	return b.String()
}

// maxLine is the longest line that is read, in bytes. A line of a record that brokers accept is shorter.
const maxLine = 64 << 20

// eachLine calls take for each line that is not empty; lines are numbered from 1.
func eachLine(ctx context.Context, in io.Reader, take func(number int, line []byte) error) error {
	lines := bufio.NewScanner(in)
	lines.Buffer(make([]byte, 64<<10), maxLine)
	number := 0
	for lines.Scan() {
		number++
		if err := ctx.Err(); err != nil {
			return err
		}
		if line := bytes.TrimSpace(lines.Bytes()); len(line) > 0 {
			if err := take(number, line); err != nil {
				return err
			}
		}
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("line %d: %w", number+1, err)
	}
	return nil
}

// parseLine reads a line of an export. problem is "" or says what is wrong with the line, without repeating its values.
func parseLine(line []byte) (l Letter, problem string) {
	var in Line
	if err := json.Unmarshal(line, &in); err != nil {
		if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
			return l, fmt.Sprintf("%q has the wrong type", wrong.Field)
		}
		return l, "it is not a JSON object"
	}
	if in.Masked {
		return l, "its values are masked: export without --mask"
	}
	r := transform.Record{Partition: in.Partition, Offset: in.Offset, Time: in.Timestamp}
	var badKey, badValue bool
	r.Key, badKey = bytesOf(in.Key, in.KeyBase64)
	r.Value, badValue = bytesOf(in.Value, in.ValueBase64)
	switch {
	case badKey:
		return l, "key and keyBase64: give one of them, and valid Base64"
	case badValue:
		return l, "value and valueBase64: give one of them, and valid Base64"
	case r.Value == nil:
		return l, "it has no value"
	case in.Partition < 0:
		return l, "partition is negative"
	case in.State != StateOpen && in.State != StateClosed && in.State != StateReplayed && in.State != "":
		return l, `state is neither "open" nor "closed" nor "replayed"`
	}
	for _, h := range in.Headers {
		value, wrong := bytesOf(h.Value, h.ValueBase64)
		if wrong {
			return l, "a header has both value and valueBase64, or Base64 that is not valid"
		}
		r.Headers = append(r.Headers, transform.Header{Key: h.Key, Value: value})
	}
	l = newLetter(r)
	for key, text := range map[string]string{header.EventID: l.EventID, header.Reason: l.Reason, header.Topic: l.Original.Topic} {
		if text == "" {
			return l, "it has no header " + key + ": it is not a letter"
		}
	}
	if header.Text(r.Headers, header.Marker) != "" {
		return l, "it is the marker of a letter, not a letter"
	}
	l.State, l.Marked = in.State, in.ReplayedAt
	if in.State == StateClosed {
		l.Marked = in.ClosedAt
		l.Word, _ = Word(in.ClosedWord) // a word that is not fit for a header is left out
	}
	return l, ""
}

// bytesOf returns the bytes of a text or of its Base64; bad says that both are there or the Base64 is not valid.
func bytesOf(text *string, code string) (b []byte, bad bool) {
	switch {
	case text != nil && code != "":
		return nil, true
	case text != nil:
		return []byte(*text), false
	case code == "":
		return nil, false
	}
	b, err := base64.StdEncoding.DecodeString(code)
	return b, err != nil
}
