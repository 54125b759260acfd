package kafkaauth

import "errors"

// A Problem is the error of a login that fails until somebody changes something.
type Problem struct {
	What   string // such as "the token server auth.example.com refuses the client"
	Remedy string // such as "look at KAFKA_OAUTH_CLIENT_ID"
	Err    error  // may be nil
}

// Error returns What and Remedy. Err is for [errors.Is] only.
func (p *Problem) Error() string { return p.What + ": " + p.Remedy }

// Unwrap returns Err.
func (p *Problem) Unwrap() error { return p.Err }

// Advice returns the text of the Problem that err wraps, which says what to do; "" when it wraps none.
func Advice(err error) string {
	if p, ok := errors.AsType[*Problem](err); ok {
		return p.Error()
	}
	return ""
}
