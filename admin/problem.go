package admin

import (
	"encoding/json"
	"net/http"
)

// details are the problem details of RFC 9457.
type details struct {
	Type   string `json:"type"`
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail"`
	Field  string `json:"field,omitempty"` // the field of the request that is at fault, if it is one
}

// problem answers with an error whose text is for people.
func problem(w http.ResponseWriter, status int, detail string) { fieldProblem(w, status, "", detail) }

func fieldProblem(w http.ResponseWriter, status int, field, detail string) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	// It fails only when the client has gone.
	_ = json.NewEncoder(w).Encode(details{"about:blank", http.StatusText(status), status, detail, field})
}

// answer answers with JSON.
func answer(w http.ResponseWriter, body any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	_ = json.NewEncoder(w).Encode(body) // it fails only when the client has gone
}
