package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"
)

// client asks a process for JSON.
type client struct {
	url  string
	http *http.Client
}

func newClient(url string) *client {
	return &client{url, &http.Client{Transport: &http.Transport{}, Timeout: time.Minute}}
}

func (c *client) get(ctx context.Context, path string, into any) error {
	return c.getAs(ctx, "", path, into)
}

// getAs asks as a client of the CRM does; without a key when that is "".
func (c *client) getAs(ctx context.Context, key, path string, into any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.url+path, nil)
	if err != nil {
		return err
	}
	if key != "" {
		req.Header.Set("X-Api-Key", key)
	}
	res, err := c.http.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", req.URL, res.Status)
	}
	if err := json.NewDecoder(res.Body).Decode(into); err != nil {
		return fmt.Errorf("%s: %w", req.URL, err)
	}
	return nil
}
