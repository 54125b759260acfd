// Package playground serves a page on which the whole way of a lead can be tried in one process: a form that posts to a
// gate, buttons that make trouble in the simulated CRM, and the cards that the CRM has. Only the demo serves it.
//
// It has no token, so it answers to loopback addresses only, and to no other site's page. Nothing of it is masked: what it
// shows are the demo's invented persons, and what is typed into its form.
package playground
