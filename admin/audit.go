package admin

import "github.com/rs/zerolog"

// audit begins a log line that says who did what; it is written at any LOG_LEVEL. Its fields are places, event ids, counts
// and reasons only: no personal data.
func (s *Server) audit(act string, by caller) *zerolog.Event {
	return s.log.Log().Str("level", "info").Str("audit", act).Str("who", by.name).Str("remote", by.remote)
}
