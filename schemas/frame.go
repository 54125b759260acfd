package schemas

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/leadbridge/leadbridge/internal/jsonscan"
	"github.com/leadbridge/leadbridge/transform"
)

// Headers that name the schema of a value. The value itself has no frame then.
const (
	headerConfluent       = "__value_schema_id"        // a magic byte, an id or a GUID, and the message indexes of Protobuf
	headerApicurioContent = "apicurio.value.contentId" // an id of eight bytes, big-endian
	headerApicurioGlobal  = "apicurio.value.globalId"
)

// The first byte of a frame says what follows it. JSON can begin with neither.
const (
	magicID   = 0 // an id of four bytes, big-endian
	magicGUID = 1 // a GUID of sixteen bytes
)

// A ref names a schema in the registry: by id or, when that is not "", by GUID.
type ref struct {
	id   uint64
	guid string
}

// String returns the id or the GUID as people look it up.
func (r ref) String() string {
	if r.guid != "" {
		return "GUID " + r.guid
	}
	return fmt.Sprintf("id %d", r.id)
}

// A frame is a framed value, taken apart.
type frame struct {
	ref     ref
	payload []byte // what the schema describes; with Protobuf the message indexes come first, unless indexes has them
	indexes []byte // the message indexes of a header, which may be empty; nil: no header has them
}

// plain reports whether the payload is JSON already, so that no schema is needed.
func (f *frame) plain() bool {
	text := bytes.TrimSpace(f.payload)
	return len(text) > 0 && (text[0] == '{' || text[0] == '[') && jsonscan.Valid(text, nil)
}

// looksFramed reports whether a record may be framed. It is called for all records, and so looks at little.
func looksFramed(r *transform.Record) bool {
	if len(r.Value) > 0 && r.Value[0] <= magicGUID {
		return true
	}
	for _, h := range r.Headers {
		if h.Key == headerConfluent || strings.HasPrefix(h.Key, "apicurio.value.") {
			return true
		}
	}
	return false
}

// readFrame takes a framed value apart; nil when it is not framed. The error is a *Fault.
func readFrame(r *transform.Record) (*frame, error) {
	if r.Value == nil {
		return nil, nil //nolint:nilnil // a tombstone has no frame
	}
	if f, err := frameOfHeaders(r); f != nil || err != nil {
		return f, err
	}
	value := r.Value
	switch {
	case len(value) > 9 && value[0] == magicID && binary.BigEndian.Uint32(value[1:5]) == 0:
		// Registries count from 1, so that an id of four bytes is not 0: this is the first half of one of eight bytes.
		f := &frame{ref: ref{id: binary.BigEndian.Uint64(value[1:9])}, payload: value[9:]}
		if f.plain() {
			return f, nil
		}
		return nil, fault("the value is framed with an id of eight bytes, which Apicurio alone knows: have the producer write ids of four bytes (apicurio.registry.id-handler=io.apicurio.registry.serde.Legacy4ByteIdHandler)")
	case len(value) >= 5 && value[0] == magicID:
		return &frame{ref: ref{id: uint64(binary.BigEndian.Uint32(value[1:5]))}, payload: value[5:]}, nil
	case len(value) >= 17 && value[0] == magicGUID:
		return &frame{ref: ref{guid: guidText(value[1:17])}, payload: value[17:]}, nil
	}
	return nil, nil //nolint:nilnil // it is not framed
}

// frameOfHeaders reads the schema's id from a header; nil when no header has one. Of a repeated header the last one
// counts: programs that write a record again add theirs behind it. The error is a *Fault.
func frameOfHeaders(r *transform.Record) (*frame, error) {
	var f *frame
	for _, h := range r.Headers {
		switch h.Key {
		case headerConfluent:
			named, indexes, ok := refOfHeader(h.Value)
			if !ok {
				return nil, fault("the header " + headerConfluent + " does not hold a schema id")
			}
			f = &frame{ref: named, payload: r.Value, indexes: append([]byte{}, indexes...)}
		case headerApicurioContent:
			if len(h.Value) != 8 {
				return nil, fault("the header " + headerApicurioContent + " does not hold a schema id")
			}
			f = &frame{ref: ref{id: binary.BigEndian.Uint64(h.Value)}, payload: r.Value}
		case headerApicurioGlobal:
			if f = (&frame{payload: r.Value}); !f.plain() {
				return nil, fault("the header " + headerApicurioGlobal + " names a schema as only Apicurio's own interface knows it: have the producer write content ids (apicurio.registry.use-id=contentId)")
			}
		}
	}
	return f, nil
}

// refOfHeader reads Confluent's header: the id or GUID of the schema, and the message indexes of Protobuf behind it.
func refOfHeader(b []byte) (named ref, indexes []byte, ok bool) {
	switch {
	case len(b) >= 5 && b[0] == magicID:
		return ref{id: uint64(binary.BigEndian.Uint32(b[1:5]))}, b[5:], true
	case len(b) >= 17 && b[0] == magicGUID:
		return ref{guid: guidText(b[1:17])}, b[17:], true
	}
	return ref{}, nil, false
}

func guidText(b []byte) string {
	s := hex.EncodeToString(b)
	return s[:8] + "-" + s[8:12] + "-" + s[12:16] + "-" + s[16:20] + "-" + s[20:]
}

// Frame puts a JSON Schema's frame before JSON: a zero byte and the id, big-endian.
func Frame(id uint32, json []byte) []byte {
	framed := make([]byte, 0, 5+len(json))
	framed = binary.BigEndian.AppendUint32(append(framed, magicID), id)
	return append(framed, json...)
}

// A Fault says why a value can never be read, in our words and without a value of the event.
type Fault struct {
	Reason  transform.Reason
	Message string
}

func (f *Fault) Error() string { return f.Message }

func fault(message string) error {
	return &Fault{Reason: transform.ReasonMalformed, Message: message}
}
