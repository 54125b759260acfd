package transform

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// originPrefix marks our ids in the CRM.
const originPrefix = "lb-"

// identify returns the event's id: the sender's id if there is one, else the coordinates of original, the record that was
// first written.
//
// The parts of an id are separated by a blank. As no part holds one, different parts never make the same id.
func identify(env *envelope, source, id string, original Record) string {
	topic := readable(original.Topic, isTopic)
	switch {
	case env.eventID != "": // a dead letter's id survives an edit of its value
		return boundedID(env.eventID)
	case source != "" && id != "":
		return "ce:" + readable(source, isPublic) + " " + readable(id, isPublic)
	case env.webhookID != "":
		return "id:" + topic + " " + readable(env.webhookID, isPublic)
	case env.idemKey != "":
		return "id:" + topic + " " + readable(env.idemKey, isPublic)
	}
	var text [320]byte // a topic has up to 249
	b := append(append(text[:0], "rec:"...), topic...)
	b = strconv.AppendInt(append(b, '/'), int64(original.Partition), 10)
	b = strconv.AppendInt(append(b, '/'), original.Offset, 10)
	b = strconv.AppendInt(append(b, '@'), original.Time.UnixMilli(), 10)
	return string(appendHash(append(b, '/'), original.Value))
}

// maxID is the longest id of an event in bytes. It is bounded because brokers refuse letters and results that are too long.
const maxID = 1 << 10

// boundedID returns an id as it is, or its hash if it is too long or not one line of text.
func boundedID(id string) string {
	if len(id) <= maxID && utf8.ValidString(id) && !strings.ContainsFunc(id, unicode.IsControl) {
		return id
	}
	return hashMark + string(appendHash(nil, []byte(id)))
}

// PublicID returns the beginning of an event's origin id, which holds no personal data, for logs. It is "" for "".
func PublicID(eventID string) string {
	if eventID == "" {
		return ""
	}
	return OriginID(eventID)[:len(originPrefix)+publicDigits]
}

// publicDigits is how many digits of a hash are enough to distinguish events.
const publicDigits = 16

// OriginID returns the id by which the CRM knows the event: a hash of the event's id, whose characters are safe in every
// field and filter.
func OriginID(eventID string) string {
	var id [128]byte // long enough for most ids
	sum := sha256.Sum256(append(id[:0], eventID...))
	var text [len(originPrefix) + 40]byte
	return string(hex.AppendEncode(append(text[:0], originPrefix...), sum[:20]))
}

// SourceOf returns who gave an event its id, in a form that may be logged: the source of a CloudEvent, else the topic. It
// is "" for an id that was made of the record's coordinates.
func SourceOf(eventID string) string {
	first, _, named := strings.Cut(eventID, " ") // "ce:SOURCE ID" or "id:TOPIC ID"
	_, source, ok := strings.Cut(first, ":")
	if !named || !ok {
		return ""
	}
	return source
}

// appendHash appends a short hash in lower-case hex.
func appendHash(to, b []byte) []byte {
	sum := sha256.Sum256(b)
	return hex.AppendEncode(to, sum[:16])
}

const hashMark = "sha256:"

// readable returns a part of an id as it is if ok says that it can hold no personal data, else its hash: ids are written into
// logs and headers. A part that looks like such a hash is hashed too, so that it cannot stand for another
// part.
func readable(part string, ok func(string) bool) string {
	if ok(part) && !strings.HasPrefix(part, hashMark) {
		return part
	}
	var text [len(hashMark) + 32]byte
	return string(appendHash(append(text[:0], hashMark...), []byte(part)))
}

// isTopic reports whether a name is one that Kafka allows.
func isTopic(s string) bool {
	return len(s) > 0 && len(s) <= 249 && onlyFrom(s, "._-")
}

// isPublic reports whether a part holds neither an address nor a phone number.
func isPublic(s string) bool {
	return len(s) > 0 && len(s) <= 200 && onlyFrom(s, "._:/#=+~-") && !holdsPhone(s)
}

// onlyFrom reports whether a text has only ASCII letters, digits and the given punctuation; true for "".
func onlyFrom(s, punctuation string) bool {
	for i := range len(s) {
		if !isAlnum(s[i]) && strings.IndexByte(punctuation, s[i]) < 0 {
			return false
		}
	}
	return true
}

func isAlnum(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

// holdsPhone reports whether a token between . _ : / # = ~ starts with +, or has 7 to 15 digits and otherwise only + and -.
func holdsPhone(s string) bool {
	digits, other, start := 0, false, true
	for i := range len(s) + 1 {
		switch {
		case i == len(s) || strings.IndexByte("._:/#=~", s[i]) >= 0:
			if !other && digits >= 7 && digits <= 15 {
				return true
			}
			digits, other, start = 0, false, true
			continue
		case s[i] == '+' && start:
			return true
		case s[i] >= '0' && s[i] <= '9':
			digits++
		case s[i] != '+' && s[i] != '-':
			other = true
		}
		start = false
	}
	return false
}
