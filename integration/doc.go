// Package integration holds the tests that need real brokers: build tag
// "integration", make test-integration.
package integration
