// Package observe tests the alerts, the dashboard and the runbook: Prometheus' own rule
// check, what fires when, and whether each expression finds a series in what the running
// binary tells. It is a module of its own, so that Prometheus' packages stay out of the product's.
package observe
