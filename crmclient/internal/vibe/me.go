package vibe

import (
	"encoding/json"
	"strings"
	"time"
)

// Identity is what a portal says about the key in use (vendor's reference: GET /v1/me). A field that the
// answer lacks has the zero value.
type Identity struct {
	Type              string    // "personal", "oauth_app" or another; up to 32 bytes
	Portal            string    // the portal's address as in the answer: a host name or a URL
	Scopes            []string  // what the key may do; "crm" is needed
	RequestsPerSecond float64   // limit of the whole portal
	ExpiresAt         time.Time // when the key expires
}

// Host returns the portal's host name, such as company.bitrix24.ru; "" if the answer has none or it is
// not valid.
func (i Identity) Host() string {
	s := strings.TrimSpace(i.Portal)
	if _, rest, ok := strings.Cut(s, "://"); ok {
		s = rest
	}
	s, _, _ = strings.Cut(s, "/")
	if !strings.Contains(s, ".") || strings.ContainsAny(s, " @?#\\\"<>") {
		return ""
	}
	return s
}

// Me reads the answer to [Me].
func (o Outcome) Me() Identity {
	var data struct {
		Type      text          `json:"type"`
		Portal    portalAddress `json:"portal"`
		Scopes    []string      `json:"scopes"`
		RateLimit struct {
			RequestsPerSecond number `json:"requestsPerSecond"`
		} `json:"rateLimit"`
		ExpiresAt text `json:"expiresAt"`
	}
	_ = json.Unmarshal(o.Data, &data) // fields that cannot be read count as missing
	expires, _ := time.Parse(time.RFC3339, string(data.ExpiresAt))
	return Identity{
		Type: bounded(string(data.Type), 32), Portal: string(data.Portal), Scopes: data.Scopes,
		RequestsPerSecond: float64(data.RateLimit.RequestsPerSecond), ExpiresAt: expires,
	}
}

// portalAddress reads an address that is a string, or stands in an object.
type portalAddress string

func (p *portalAddress) UnmarshalJSON(b []byte) error {
	var o struct {
		Domain, Host, URL string
	}
	isText := json.Unmarshal(b, (*string)(p)) == nil
	if !isText && json.Unmarshal(b, &o) == nil {
		*p = portalAddress(o.Domain + o.Host)
		if *p == "" {
			*p = portalAddress(o.URL)
		}
	}
	return nil
}
