package kafkaauth

import (
	"testing"
	"time"
)

// TestSessionEnd is the earlier one of what the broker says and of the token's own end.
func TestSessionEnd(t *testing.T) {
	t.Parallel()
	sent := time.Now()
	for _, test := range []struct {
		name           string
		token          time.Duration // how long the token lasts; 0: nobody says
		lifetime, want time.Duration // 0: no end
	}{
		{"nobody says", 0, 0, 0},
		{"the broker says", 0, time.Minute, time.Minute},
		{"the token says, the broker does not", 5 * time.Minute, 0, 5 * time.Minute},
		{"the broker ends it earlier", 5 * time.Minute, time.Minute, time.Minute},
		{"the token ends earlier", time.Minute, 5 * time.Minute, time.Minute},
		{"the token has expired by our clock", -time.Minute, 5 * time.Minute, 5 * time.Minute},
		{"the token has expired by our clock, and the broker says nothing", -time.Minute, 0, 0},
	} {
		var login bearerLogin
		if test.token != 0 {
			login.token.Expires = sent.Add(test.token)
		}
		end := sessionEnd(&login, sent, test.lifetime)
		if got := end.Sub(sent); end.IsZero() != (test.want == 0) || !end.IsZero() && got != test.want {
			t.Errorf("%s: ends at %v, %v after it was sent, want %v", test.name, end, got, test.want)
		}
	}
}
