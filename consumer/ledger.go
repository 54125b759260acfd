package consumer

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"slices"
	"strings"
	"time"
)

// maxMetadata is what a broker takes as the metadata of a commit
// (offset.metadata.max.bytes, default 4096).
const maxMetadata = 4096

// maxSpans is how many spans always fit into maxMetadata: five bytes each
// hold gaps of up to 2^28 offsets, and base64 makes four bytes of three.
const maxSpans = 500

// ledgerPrefix tells our metadata from anybody else's.
const ledgerPrefix = "leadbridge/1 "

// errForeignLedger says that a commit's metadata is not a ledger of ours.
var errForeignLedger = errors.New("the commit's metadata is not ours")

// A span is a run of unfinished offsets [from, to).
type span struct {
	from, to int64
	// sent says that a create may have been sent for a record of the span. The
	// records of an unsent span are unfinished, but known to be untouched.
	sent bool
}

// A ledger is what the metadata of a commit says about the records at and
// above the committed offset.
type ledger struct {
	// granted: no record at or above it was ever dispatched by anyone.
	granted int64
	// horizon: no request for a record below granted is written after it,
	// unless a commit with a later horizon was acknowledged.
	horizon time.Time
	// spans are the unfinished offsets of [committed, granted), ascending and
	// apart; all else there is done.
	spans []span
	// openings counts how often in a row the partition was opened at this offset.
	openings int
	// trial is the record that is being transformed alone, and trials
	// how often that was begun; -1 when there is none.
	trial  int64
	trials int
	// way is the field by which the CRM was asked for our ids.
	way string
}

// doneEnd is the offset after the last one that is done, of a commit at
// offset. A log that ends before it is not the one that was read.
func (l ledger) doneEnd(offset int64) int64 {
	end := l.granted
	for _, s := range slices.Backward(l.spans) {
		if s.to < end {
			return end
		}
		end = s.from
	}
	return max(end, offset)
}

// encode writes the ledger of a commit at offset, in at most maxMetadata
// bytes. When that is not enough the closest spans are joined, which makes done
// records suspects again: more look-ups, never a loss.
func (l ledger) encode(offset int64) string {
	for spans := l.spans; ; spans = joinClosest(spans) {
		text := l.encodeSpans(offset, spans)
		if len(text) <= maxMetadata || len(spans) <= 1 {
			return text
		}
	}
}

func (l ledger) encodeSpans(offset int64, spans []span) string {
	b := make([]byte, 0, 64+4*len(spans))
	b = binary.AppendUvarint(b, uint64(l.granted-offset))
	b = binary.AppendVarint(b, l.horizon.UnixMilli())
	b = binary.AppendUvarint(b, uint64(l.openings))
	b = binary.AppendVarint(b, l.trial-offset)
	b = binary.AppendUvarint(b, uint64(l.trials))
	b = binary.AppendUvarint(b, uint64(len(l.way)))
	b = append(b, l.way...)
	at := offset
	for _, s := range spans {
		length := uint64(s.to-s.from) << 1
		if s.sent {
			length |= 1
		}
		b = binary.AppendUvarint(b, uint64(s.from-at))
		b = binary.AppendUvarint(b, length)
		at = s.to
	}
	return ledgerPrefix + base64.RawURLEncoding.EncodeToString(b)
}

// joinClosest joins the neighbours with the smallest gap between them.
func joinClosest(spans []span) []span {
	best := 1
	for i := 2; i < len(spans); i++ {
		if spans[i].from-spans[i-1].to < spans[best].from-spans[best-1].to {
			best = i
		}
	}
	joined := slices.Clone(spans)
	joined[best-1].to = spans[best].to
	joined[best-1].sent = true // the done records between them count as sent
	return slices.Delete(joined, best, best+1)
}

// decodeLedger reads the metadata of a commit at offset. The error is
// errForeignLedger, also when the text is ours and damaged.
func decodeLedger(offset int64, text string) (ledger, error) {
	code, ours := strings.CutPrefix(text, ledgerPrefix)
	if !ours {
		return ledger{}, errForeignLedger
	}
	b, err := base64.RawURLEncoding.DecodeString(code)
	if err != nil {
		return ledger{}, errForeignLedger
	}
	r := varints{b: b}
	l := ledger{granted: offset + int64(r.unsigned())}
	l.horizon = time.UnixMilli(r.signed())
	l.openings = int(r.unsigned())
	l.trial = offset + r.signed()
	l.trials = int(r.unsigned())
	l.way = r.text()
	for at := offset; len(r.b) > 0 && !r.bad; {
		s := span{from: at + int64(r.unsigned())}
		length := r.unsigned()
		s.to, s.sent = s.from+int64(length>>1), length&1 == 1
		r.bad = r.bad || s.to <= s.from || s.from < at || s.to > l.granted
		l.spans = append(l.spans, s)
		at = s.to
	}
	if r.bad || l.granted < offset {
		return ledger{}, errForeignLedger
	}
	return l, nil
}

// varints reads numbers until the first bad one.
type varints struct {
	b   []byte
	bad bool
}

func (v *varints) take(n int) {
	if n <= 0 {
		v.bad, v.b = true, nil
		return
	}
	v.b = v.b[n:]
}

func (v *varints) unsigned() uint64 {
	x, n := binary.Uvarint(v.b)
	v.take(n)
	return x
}

func (v *varints) signed() int64 {
	x, n := binary.Varint(v.b)
	v.take(n)
	return x
}

func (v *varints) text() string {
	n := v.unsigned()
	if n > uint64(len(v.b)) {
		v.bad, v.b = true, nil
		return ""
	}
	s := string(v.b[:n])
	v.b = v.b[n:]
	return s
}
