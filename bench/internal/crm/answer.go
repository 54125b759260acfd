package crm

import (
	"encoding/json"
	"net/http"
	"strconv"
	"time"
)

// answer is what a request, or a call of a batch, came to.
type answer struct {
	status     int
	code       string // of an error; "": a success
	message    string
	retryAfter time.Duration // 0: nothing is said
	data       any
	meta       *pageMeta // of a list
}

// pageMeta tells how much of a list is in an answer.
type pageMeta struct {
	Total    int  `json:"total"`
	Returned int  `json:"returned"`
	HasMore  bool `json:"hasMore"`
}

// failureBody is the documented form of an error.
type failureBody struct {
	Code       string `json:"code"`
	Message    string `json:"message"`
	RetryAfter int    `json:"retryAfter,omitzero"` // seconds
}

func success(status int, data any) answer { return answer{status: status, data: data} }

func failure(status int, code, message string) answer {
	return answer{status: status, code: code, message: message}
}

func (a answer) failed() bool { return a.code != "" }

func (a answer) failure() failureBody { return failureBody{a.code, a.message, seconds(a.retryAfter)} }

// write sends the answer as one of its own.
func (a answer) write(w http.ResponseWriter) {
	body := map[string]any{"success": !a.failed()}
	if a.data != nil {
		body["data"] = a.data
	}
	if a.failed() {
		body["error"] = a.failure()
	}
	if a.meta != nil {
		body["meta"] = a.meta
	}
	text, err := json.Marshal(body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	if a.retryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(seconds(a.retryAfter)))
	}
	w.WriteHeader(a.status)
	_, _ = w.Write(text) // a client that has gone reads nothing
}
