package admin

import "github.com/rs/zerolog"

// audit begins a line of the log that tells who did something, whatever LOG_LEVEL is. Its
// fields are closed: places, event ids, counts, reasons; nothing of a person.
func (s *Server) audit(act string, by who) *zerolog.Event {
	return s.log.Log().Str("level", "info").Str("audit", act).Str("who", by.name).Str("remote", by.remote)
}
