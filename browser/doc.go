// Package browser tests the page in a headless Chromium, with the built leadbridge, an
// embedded broker and the simulated CRM behind it. See README.md.
package browser
