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

// Bounds of request bodies, in bytes.
const (
	smallBody = 64 << 10
	// replayBody holds the places of a hundred thousand letters, or one value in JSON.
	replayBody = 8 << 20
)

// decode reads a request's JSON; it has answered when it is not ok.
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
		problem(w, http.StatusBadRequest, "the request is no JSON as it is expected here: "+inWords(err))
		return false
	}
	return true
}

// decodeJSON reads one JSON object and nothing else; unknown fields are faults, as a
// misspelt filter would choose every letter.
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

// inWords tells what is wrong without repeating values.
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
	return "it is not read"
}
