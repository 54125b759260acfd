package admin

import (
	"encoding/json"
	"net/http"

	"github.com/leadbridge/leadbridge/internal/phrase"
)

// details are the problem details of RFC 9457.
type details struct {
	Type   string `json:"type"`
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail"`
	Field  string `json:"field,omitempty"` // the field of the request that is at fault, if it is one
	// Said is Detail in the form in which the page says it in its reader's language.
	Said []phrase.Sentence `json:"said,omitempty"`
}

// problem answers with an error that only programs can get, as the page never makes such a request.
func problem(w http.ResponseWriter, status int, detail string) {
	fieldProblem(w, status, "", phrase.Verbatim(detail))
}

// refuse answers with an error that the page shows.
func refuse(w http.ResponseWriter, status int, detail phrase.Text) {
	fieldProblem(w, status, "", detail)
}

func fieldProblem(w http.ResponseWriter, status int, field string, detail phrase.Text) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	// It fails only when the client has gone.
	_ = json.NewEncoder(w).Encode(details{"about:blank", http.StatusText(status), status, detail.String(), field, detail})
}

// answer answers with JSON.
func answer(w http.ResponseWriter, body any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	_ = json.NewEncoder(w).Encode(body) // it fails only when the client has gone
}
