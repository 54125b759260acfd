// Package demo shows leadbridge at work with nothing but this process: an
// embedded broker, a simulated CRM that fails on purpose, and leads of every
// shape. In the end it audits broker and CRM: each event must be exactly one
// contact or one dead letter.
package demo
