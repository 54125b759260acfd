package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/leadbridge/leadbridge/cmd/leadbridge/internal/monitor"
	"github.com/leadbridge/leadbridge/consumer"
)

// liveLimit is the longest wait for the answer of a running service.
const liveLimit = 5 * time.Second

// liveStatus asks a running service for its status.
func liveStatus(ctx context.Context, url string) (monitor.Status, error) {
	ctx, cancel := context.WithTimeout(ctx, liveLimit)
	defer cancel()
	var status monitor.Status
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimRight(url, "/")+"/statusz", nil)
	if err != nil {
		return status, fmt.Errorf("--live: %w", err)
	}
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Do(req)
	if err != nil {
		return status, fmt.Errorf("--live: %w: give the address of HTTP_ADDR, such as http://localhost:8080", err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return status, fmt.Errorf("--live: %s answers %s: give the address of HTTP_ADDR, such as http://localhost:8080", req.URL.Redacted(), resp.Status)
	}
	if err := json.NewDecoder(io.LimitReader(resp.Body, 4<<20)).Decode(&status); err != nil {
		return status, fmt.Errorf("--live: the answer of %s is not a status: %w", req.URL.Redacted(), err)
	}
	return status, nil
}

// liveFindings returns, as findings of a check, what keeps a running service from delivering.
func liveFindings(ctx context.Context, url string) []consumer.Finding {
	status, err := liveStatus(ctx, url)
	check := "service"
	if err != nil {
		return []consumer.Finding{{Check: check, Level: "fail", Detail: err.Error(), Remedy: "look whether it runs, and at its log"}}
	}
	var all []consumer.Finding
	for _, h := range status.Holds {
		how := "is held"
		if !h.Held {
			how = "fails, and tries all the same"
		}
		all = append(all, consumer.Finding{Check: check, Level: "fail", Remedy: h.Advice.String(),
			Detail: fmt.Sprintf("%s %s: %s since %s", url, how, h.Cause, h.Since.UTC().Format(time.DateTime))})
	}
	if len(all) == 0 && !status.Ready {
		all = append(all, consumer.Finding{Check: check, Level: "fail", Detail: url + " is not ready: " + string(status.State), Remedy: "look at its log"})
	}
	if len(all) == 0 {
		all = append(all, consumer.Finding{Check: check, Level: "ok", Detail: fmt.Sprintf("%s is %s, %s", url, status.State, behindText(status))})
	}
	for _, w := range status.Waiting {
		all = append(all, consumer.Finding{Check: check, Level: "warn", Detail: waitingText(w), Remedy: "see docs/runbook.md, section Events wait"})
	}
	return all
}

// behindText says how many records the service still has to deliver.
func behindText(s monitor.Status) string {
	if s.Lag == nil {
		return "its lag is not known"
	}
	return counted(int(*s.Lag), "record") + " behind"
}

// waitingText says how many events wait, since when and until when, and for what.
func waitingText(w consumer.Waiting) string {
	text := "an unknown number of events wait"
	if w.Events != nil {
		text = counted(int(*w.Events), "event") + " waiting"
	}
	text += " since " + w.Since.UTC().Format(time.DateTime)
	if !w.Until.IsZero() {
		text += " until " + w.Until.UTC().Format(time.DateTime)
	}
	return text + " (" + string(w.Why) + "): " + w.Text
}

// liveText returns, on several lines, what holds a service and what its events wait for.
func liveText(s monitor.Status) string {
	var b strings.Builder
	fmt.Fprintf(&b, "The service is %s.\n", s.State)
	for _, h := range s.Holds {
		fmt.Fprintf(&b, "  %s since %s", h.Cause, h.Since.UTC().Format(time.DateTime))
		if !h.Until.IsZero() {
			fmt.Fprintf(&b, ", next try %s", h.Until.UTC().Format(time.DateTime))
		}
		fmt.Fprintf(&b, ": %s\n", h.Advice)
	}
	for _, w := range s.Waiting {
		fmt.Fprintf(&b, "  %s\n", waitingText(w))
	}
	for _, p := range s.Partitions {
		if p.Parked > 0 || p.Suspects > 0 {
			fmt.Fprintf(&b, "  partition %d: %d parked, %d suspect\n", p.Partition, p.Parked, p.Suspects)
		}
	}
	return b.String()
}
