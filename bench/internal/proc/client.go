package proc

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"
)

// Client asks a process for JSON.
type Client struct {
	URL  string
	http *http.Client
}

// NewClient returns a client of the process that serves at url, such as http://127.0.0.1:8080.
func NewClient(url string) *Client {
	return &Client{url, &http.Client{Transport: &http.Transport{}, Timeout: time.Minute}}
}

// Get asks for a path and reads the answer into a value.
func (c *Client) Get(ctx context.Context, path string, into any) error {
	return c.GetAs(ctx, "", path, into)
}

// GetAs asks as a client of the CRM does; without a key when that is "".
func (c *Client) GetAs(ctx context.Context, key, path string, into any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.URL+path, nil)
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

// Put sends a value as JSON. An answer that is not of the 2xx is an error.
func (c *Client) Put(ctx context.Context, path string, value any) error {
	body, err := json.Marshal(value)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPut, c.URL+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	res, err := c.http.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode/100 != 2 {
		return fmt.Errorf("PUT %s: %s", req.URL, res.Status)
	}
	return nil
}

// Close closes connections that are not in use.
func (c *Client) Close() { c.http.CloseIdleConnections() }
