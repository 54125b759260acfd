package kafkaauth

import "errors"

// A Problem is a failed login that somebody has to do something about.
type Problem struct {
	What   string // such as "the token server auth.example.com refuses the client"
	Remedy string // such as "look at KAFKA_OAUTH_CLIENT_ID"
	Err    error  // may be nil
}

// Error is What and Remedy; Err only explains it to [errors.Is].
func (p *Problem) Error() string { return p.What + ": " + p.Remedy }

// Unwrap gives Err.
func (p *Problem) Unwrap() error { return p.Err }

// Advice is what to do about err, "" when it is not a Problem.
func Advice(err error) string {
	if p, ok := errors.AsType[*Problem](err); ok {
		return p.Error()
	}
	return ""
}
