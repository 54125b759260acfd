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
	Field  string `json:"field,omitempty"` // of the request, when one is at fault
}

// problem answers with an error in words for people.
func problem(w http.ResponseWriter, status int, detail string) { fieldProblem(w, status, "", detail) }

func fieldProblem(w http.ResponseWriter, status int, field, detail string) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	// The client has gone when this fails: nobody is left to be told.
	_ = json.NewEncoder(w).Encode(details{"about:blank", http.StatusText(status), status, detail, field})
}

// answer writes JSON.
func answer(w http.ResponseWriter, body any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	_ = json.NewEncoder(w).Encode(body) // the client has gone: nobody is left to be told
}
