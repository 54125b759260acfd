package probe

import (
	"cmp"
	"context"
	"errors"
	"net"
	"net/url"
	"strings"
	"time"
)

// Marker is the name of each contact, and the title of each lead and deal, that a probe makes.
const Marker = "leadbridge probe, delete me"

// Config says which portal is measured, and how.
type Config struct {
	BaseURL string // scheme, host and path, without /v1
	APIKey  string // sent as X-Api-Key
	Session string // of an OAuth app, sent as a Bearer token; "": none

	Timeout      time.Duration // longest wait for an answer, to a batch 10 s more; 0: 35 s
	Rate         float64       // most requests a second; 0: 4
	LagLimit     time.Duration // longest wait until a record is found; 0: 10 s
	NoUserFields bool          // make no user field, for portals in which the key cannot delete it
	Version      string        // of leadbridge, for the profile

	Progress func(step string)                                                    // called at the beginning of each step; nil: it is not called
	Dial     func(ctx context.Context, network, address string) (net.Conn, error) // opens connections; nil: the network
}

// withDefaults fills in what has no useful zero value, and checks the address.
func (cfg Config) withDefaults() (Config, error) {
	cfg.Timeout = cmp.Or(cfg.Timeout, 35*time.Second)
	cfg.Rate = cmp.Or(cfg.Rate, 4)
	cfg.LagLimit = cmp.Or(cfg.LagLimit, 10*time.Second)
	if cfg.Progress == nil {
		cfg.Progress = func(string) {}
	}
	u, err := url.Parse(cfg.BaseURL)
	if err != nil || u.Host == "" || u.User != nil {
		return cfg, errors.New("the CRM's address is not valid: give one like https://vibecode.bitrix24.tech")
	}
	if cfg.APIKey == "" {
		return cfg, errors.New("the key of the CRM is missing: set CRM_API_KEY or CRM_API_KEY_FILE")
	}
	cfg.BaseURL = strings.TrimSuffix(strings.TrimRight(cfg.BaseURL, "/"), "/v1") + "/v1"
	return cfg, nil
}
