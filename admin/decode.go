package admin

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"
)

// The largest bodies of requests, in bytes.
const (
	smallBody = 64 << 10
	// replayBody is for the places of a hundred thousand letters, or for one value as JSON.
	replayBody = 8 << 20
)

// decode reads the JSON of a request. When that fails, it answers the request and returns false.
func decode(w http.ResponseWriter, r *http.Request, limit int64, to any) (ok bool) {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != "application/json" {
		problem(w, http.StatusUnsupportedMediaType, "send application/json")
		return false
	}
	err = decodeJSON(http.MaxBytesReader(w, r.Body, limit), to)
	if _, large := errors.AsType[*http.MaxBytesError](err); large {
		problem(w, http.StatusRequestEntityTooLarge, fmt.Sprintf("the request is longer than %d bytes", limit))
		return false
	}
	if err != nil {
		problem(w, http.StatusBadRequest, "the request is not the JSON that is expected here: "+inWords(err))
		return false
	}
	return true
}

// decodeJSON reads one JSON object, with nothing after it. Unknown fields are errors, as a filter whose name is misspelt
// would otherwise choose every letter.
func decodeJSON(r io.Reader, to any) error {
	dec := json.NewDecoder(r)
	dec.DisallowUnknownFields()
	if err := dec.Decode(to); err != nil {
		return err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return errors.New("more follows the object")
	}
	return nil
}

// inWords describes a decoding error for people, without repeating values.
func inWords(err error) string {
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return fmt.Sprintf("the field %s takes no %s", wrong.Field, wrong.Value)
	}
	if wrong, ok := errors.AsType[*json.SyntaxError](err); ok {
		return fmt.Sprintf("a mistake at byte %d", wrong.Offset)
	}
	if name, ok := strings.CutPrefix(err.Error(), "json: unknown field "); ok {
		return "there is no field " + name
	}
	return "it cannot be read"
}
