// Package attack holds tests that attack the built binary from outside, as a stranger, a token holder
// or somebody who may write to the topics would; see docs/security.md. They run by make test-attack.
package attack
