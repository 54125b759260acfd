package kafkaauth

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"time"
)

// expiry returns when a JSON Web Token says that it expires; zero for any other token. It verifies nothing: the brokers
// do that.
func expiry(token string) time.Time {
	_, rest, _ := strings.Cut(token, ".")
	claims, _, found := strings.Cut(rest, ".")
	text, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(claims, "="))
	if !found || err != nil {
		return time.Time{}
	}
	var c struct {
		Exp float64 `json:"exp"` // seconds; may have a fraction (RFC 7519, section 2)
	}
	if json.Unmarshal(text, &c) != nil || c.Exp <= 0 || c.Exp >= 1<<40 {
		return time.Time{}
	}
	return time.UnixMilli(int64(c.Exp * 1000))
}
