package consumer

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"slices"
	"strings"
	"time"
)

// maxMetadata is how many bytes of a commit's metadata a broker accepts (offset.metadata.max.bytes) by default.
const maxMetadata = 4096

// maxSpans is how many spans fit into maxMetadata if each takes five bytes, which become seven at most in base64: four for a gap
// of less than 2^28 offsets before the span, and one for a length of up to 63. If spans are larger and do not fit, encode joins
// some.
const maxSpans = 500

// ledgerPrefix begins the metadata of our commits.
const ledgerPrefix = "leadbridge/1 "

// errUnreadableLedger is the error of metadata that is not a ledger of ours, or is damaged.
var errUnreadableLedger = errors.New("the commit's metadata is not a ledger that can be read")

// A span is a run of unfinished offsets [from, to).
type span struct {
	from, to int64
	// sent says that a create may have been sent for any record of the span. If false, none was sent.
	sent bool
}

// isBacklog reports whether the span holds records of a backlog that was set aside, and that nobody has dispatched: it is longer than
// a run of parked records can be.
func (s span) isBacklog() bool { return !s.sent && s.to-s.from > maxParked }

// A ledger is what the metadata of a commit says about the records at and
// above the committed offset.
type ledger struct {
	// granted is the grant, called H in docs/delivery.md: nobody ever dispatched a record at or above it.
	granted int64
	// horizon is the send horizon: no request for a record below granted leaves after it, unless a commit with a later
	// horizon is acknowledged.
	horizon time.Time
	// spans are the unfinished offsets of [committed, granted), ascending and without overlap. All other records there
	// are done.
	spans []span
	// openings counts how often in a row the partition was opened at this offset.
	openings int
	// trial is the offset of the record that is being transformed alone, -1 for none, and trials is how often a trial of it was
	// begun.
	trial  int64
	trials int
	// originField is the field of the CRM that carries our ids.
	originField string
}

// doneEnd returns the end that the log of a commit at offset must reach at least: the offset after the last record that is done. A
// log that ends before this is another log.
func (l ledger) doneEnd(offset int64) int64 {
	end := l.granted
	for _, s := range slices.Backward(l.spans) {
		if s.to < end { // the record at end-1 is in no span: it is done
			return end
		}
		end = s.from
	}
	return max(end, offset)
}

// encode returns the metadata of a commit at offset, at most maxMetadata bytes of it.
func (l ledger) encode(offset int64) string { return l.encodeWithin(offset, maxMetadata) }

// encodeWithin returns the metadata of a commit at offset, in at most most bytes if that is possible. If it does not fit,
// neighbouring spans are joined. Done and untouched records in a joined span become suspects, which costs look-ups and loses
// nothing.
func (l ledger) encodeWithin(offset int64, most int) string {
	for spans := l.spans; ; spans = joinCheapest(spans) {
		text := l.encodeSpans(offset, spans)
		if len(text) <= most || len(spans) <= 1 {
			return text
		}
	}
}

// encodeSpans encodes the ledger with these spans instead of its own.
func (l ledger) encodeSpans(offset int64, spans []span) string {
	b := make([]byte, 0, 64+4*len(spans))
	b = binary.AppendUvarint(b, uint64(l.granted-offset))
	b = binary.AppendVarint(b, l.horizon.UnixMilli())
	b = binary.AppendUvarint(b, uint64(l.openings))
	b = binary.AppendVarint(b, l.trial-offset)
	b = binary.AppendUvarint(b, uint64(l.trials))
	b = binary.AppendUvarint(b, uint64(len(l.originField)))
	b = append(b, l.originField...)
	b = appendSpans(b, offset, spans)
	return ledgerPrefix + base64.RawURLEncoding.EncodeToString(b)
}

// appendSpans appends, for each span, its distance from the end of the one before and its length, whose lowest bit is sent.
func appendSpans(b []byte, offset int64, spans []span) []byte {
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
	return b
}

// joinCheapest joins two neighbouring spans, so that the fewest records become suspects.
func joinCheapest(spans []span) []span {
	best := 1
	for i := 2; i < len(spans); i++ {
		if suspectsOfJoin(spans, i) < suspectsOfJoin(spans, best) {
			best = i
		}
	}
	joined := slices.Clone(spans)
	joined[best-1].to = spans[best].to
	joined[best-1].sent = true // all records of the joined span count as sent
	return slices.Delete(joined, best, best+1)
}

// suspectsOfJoin returns how many records become suspects when spans[i] is joined with the span before it: the done records
// between them, and the untouched records in them.
func suspectsOfJoin(spans []span, i int) int64 {
	n := spans[i].from - spans[i-1].to
	for _, s := range spans[i-1 : i+1] {
		if !s.sent {
			n += s.to - s.from
		}
	}
	return n
}

// decodeLedger reads the metadata of a commit at offset. The error is errUnreadableLedger.
func decodeLedger(offset int64, text string) (ledger, error) {
	code, ours := strings.CutPrefix(text, ledgerPrefix)
	if !ours {
		return ledger{}, errUnreadableLedger
	}
	b, err := base64.RawURLEncoding.DecodeString(code)
	if err != nil {
		return ledger{}, errUnreadableLedger
	}
	r := varints{b: b}
	l := ledger{granted: offset + int64(r.unsigned())}
	l.horizon = time.UnixMilli(r.signed())
	l.openings = int(r.unsigned())
	l.trial = offset + r.signed()
	l.trials = int(r.unsigned())
	l.originField = r.text()
	for at := offset; len(r.b) > 0 && !r.bad; {
		s := span{from: at + int64(r.unsigned())}
		length := r.unsigned()
		s.to, s.sent = s.from+int64(length>>1), length&1 == 1
		r.bad = r.bad || s.to <= s.from || s.from < at || s.to > l.granted
		l.spans = append(l.spans, s)
		at = s.to
	}
	if r.bad || l.granted < offset {
		return ledger{}, errUnreadableLedger
	}
	return l, nil
}

// varints reads numbers and texts. After the first one that is not valid, bad is true, and all further ones are zero.
type varints struct {
	b   []byte
	bad bool
}

func (v *varints) advance(n int) {
	if n <= 0 {
		v.bad, v.b = true, nil
		return
	}
	v.b = v.b[n:]
}

func (v *varints) unsigned() uint64 {
	x, n := binary.Uvarint(v.b)
	v.advance(n)
	return x
}

func (v *varints) signed() int64 {
	x, n := binary.Varint(v.b)
	v.advance(n)
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
