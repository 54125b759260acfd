// Package compose brings deploy/compose.yaml up (build tag compose, make test-compose).
package compose
