// Package probe measures a portal: it asks what the vendor does not document, or what differs
// from portal to portal, and says what each answer means for leadbridge. See docs/portal.md.
//
// [Run] makes test records in the portal, all named [Marker], and deletes them before it returns,
// also when its context ends early. What a killed process left, [Clean] finds and deletes.
//
// The result is a [Profile]. It holds no personal data, no key and not the portal's name: field
// names of the vendor, codes, counts and times only. [Profile.Warnings] compares it with the
// settings of a service.
//
// Requests leave one at a time and slower than the documented limits (300 a minute, 10 a second);
// a portal that throttles all the same ends the measurement.
package probe
