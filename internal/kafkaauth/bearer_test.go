package kafkaauth

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"
)

type fixed Token

func (f fixed) Token(context.Context) (Token, error) { return Token(f), nil }

func TestBearerMessage(t *testing.T) {
	t.Parallel()
	m := Bearer(fixed{Value: "abc.def-._~+/=="}, map[string]string{"logicalCluster": "lkc-1", "identityPoolId": "pool-2"})
	state, message, err := m.Start(t.Context())
	if err != nil || m.Name() != "OAUTHBEARER" {
		t.Fatal(m.Name(), err)
	}
	if want := "n,,\x01auth=Bearer abc.def-._~+/==\x01identityPoolId=pool-2\x01logicalCluster=lkc-1\x01\x01"; string(message) != want {
		t.Errorf("message %q, want %q", message, want)
	}
	if done, next, err := state.Next(t.Context(), nil); !done || next != nil || err != nil {
		t.Errorf("a good answer: %v %q %v", done, next, err)
	}
}

func TestBearerRefused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		expires   time.Time
		challenge string
		want      string
	}{
		"status":      {time.Time{}, `{"status":"invalid_token","scope":"x"}`, "(invalid_token)"},
		"expired":     {time.Unix(1000, 0), `{"status":"invalid_token"}`, "expired at 1970-01-01T00:16:40Z"},
		"anything":    {time.Time{}, "token s3cret is bad", "refuses the token: look"},
		"odd status":  {time.Time{}, `{"status":"s3cret token"}`, "refuses the token: look"},
		"still valid": {time.Now().Add(time.Hour), `{"status":"insufficient_scope"}`, "(insufficient_scope)"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			state, _, err := Bearer(fixed{Value: "s3cret", Expires: c.expires}, nil).Start(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			done, next, err := state.Next(t.Context(), []byte(c.challenge))
			if done || string(next) != "\x01" || err != nil {
				t.Fatalf("the refusal is answered by %v %q %v", done, next, err)
			}
			_, _, err = state.Next(t.Context(), nil)
			if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "s3cret") || Advice(err) == "" {
				t.Errorf("error %v, want %q in it", err, c.want)
			}
		})
	}
}

// TestBearerTokensThatAreNone would change the message of the login.
func TestBearerTokensThatAreNone(t *testing.T) {
	t.Parallel()
	for _, value := range []string{"", "a b", "a\x01user=root", "a\n", "тoken", "a=b"} {
		_, _, err := Bearer(fixed{Value: value}, nil).Start(t.Context())
		if Advice(err) == "" || value != "" && strings.Contains(err.Error(), value) {
			t.Errorf("%q: %v", value, err)
		}
	}
}

func TestCheckExtension(t *testing.T) {
	t.Parallel()
	for _, good := range [][2]string{{"logicalCluster", "lkc-abc123"}, {"identityPoolId", "pool-x, pool-y"}} {
		if err := CheckExtension(good[0], good[1]); err != nil {
			t.Errorf("%v: %v", good, err)
		}
	}
	for _, bad := range [][2]string{{"", "x"}, {"auth", "x"}, {"a-b", "x"}, {"a", ""}, {"a", "x\x01auth=y"}, {"a", "é"}} {
		if CheckExtension(bad[0], bad[1]) == nil {
			t.Errorf("%q passes", bad)
		}
	}
}

func TestExpiryOfJSONWebTokens(t *testing.T) {
	t.Parallel()
	const claims = "eyJleHAiOjE4OTM0NTYwMDAuNX0" // {"exp":1893456000.5}
	for token, want := range map[string]time.Time{
		"e30." + claims + ".sig": time.UnixMilli(1893456000500),
		"e30." + claims + ".":    time.UnixMilli(1893456000500), // unsecured
		"e30." + claims:          {},
		"e30.e30.sig":            {},
		"opaque":                 {},
		"a.!.b":                  {},
	} {
		if got := expiry(token); !got.Equal(want) {
			t.Errorf("%s expires at %v, want %v", token, got, want)
		}
	}
}

func TestAdviceOfOtherErrors(t *testing.T) {
	t.Parallel()
	if got := Advice(errors.New("reset by peer")); got != "" {
		t.Errorf("advice %q", got)
	}
}
