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

// LineFault is what is wrong with a line of an import.
type LineFault struct {
	Line    int // from 1
	Problem string
}

// ImportFaults is the error of an import that wrote nothing.
type ImportFaults []LineFault

// maxFaults bounds what Error tells.
const maxFaults = 100

// Error tells the faults, one a line.
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

// maxLine is longer than the line of any record that a broker takes.
const maxLine = 64 << 20

// eachLine gives the lines that are not empty, with their number from 1.
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

// parseLine reads a line of an export; problem says what is wrong with it, and
// repeats no value.
func parseLine(line []byte) (l Letter, problem string) {
	var in Line
	if err := json.Unmarshal(line, &in); err != nil {
		if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
			return l, fmt.Sprintf("%q has the wrong type", wrong.Field)
		}
		return l, "it is no JSON object"
	}
	if in.Masked {
		return l, "its values are masked: export without --mask"
	}
	r := transform.Record{Partition: in.Partition, Offset: in.Offset, Time: in.Timestamp}
	var bad [2]bool
	r.Key, bad[0] = bytesOf(in.Key, in.KeyBase64)
	r.Value, bad[1] = bytesOf(in.Value, in.ValueBase64)
	switch {
	case bad[0]:
		return l, "key and keyBase64: one of them, and right Base64"
	case bad[1]:
		return l, "value and valueBase64: one of them, and right Base64"
	case r.Value == nil:
		return l, "it has no value"
	case in.Partition < 0:
		return l, "partition is negative"
	case in.State != StateOpen && in.State != StateReplayed && in.State != "":
		return l, `state is neither "open" nor "replayed"`
	}
	for _, h := range in.Headers {
		value, wrong := bytesOf(h.Value, h.ValueBase64)
		if wrong {
			return l, "a header has both value and valueBase64, or wrong Base64"
		}
		r.Headers = append(r.Headers, transform.Header{Key: h.Key, Value: value})
	}
	l = newLetter(r)
	for key, text := range map[string]string{header.EventID: l.EventID, header.Reason: l.Reason, header.Topic: l.Original.Topic} {
		if text == "" {
			return l, "it has no header " + key + ": it is no letter"
		}
	}
	if header.Text(r.Headers, header.Marker) != "" {
		return l, "it is the marker of a letter, no letter"
	}
	l.State, l.Marked = in.State, in.ReplayedAt
	return l, ""
}

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
