package crmtest

import "net/http"

// Simulator is the CRM. It is safe for concurrent use. In a synctest bubble
// it has to be made there.
type Simulator struct{}

// New makes a portal that holds nothing.
func New(o Options) *Simulator { return &Simulator{} }

// Close ends all waits and what was still to be applied, and waits for it.
func (s *Simulator) Close() {}

// ServeHTTP answers /v1/…, the page at / and /_sim/….
func (s *Simulator) ServeHTTP(w http.ResponseWriter, r *http.Request) {}

// Update changes the portal while it runs: keys revoked, fields appear, limits change.
// Waits that have begun are not changed.
func (s *Simulator) Update(f func(*Options)) {}

// DeleteUserField takes a user field away, with the values in it.
func (s *Simulator) DeleteUserField(name string) {}

// Contacts are all contacts held, by id.
func (s *Simulator) Contacts() []Contact { return nil }

// Count is the number of contacts held.
func (s *Simulator) Count() int { return 0 }

// ByOrigin are the contacts with this OriginID, by id.
func (s *Simulator) ByOrigin(id string) []Contact { return nil }

// Create puts a contact there, as if someone had made it in the portal, whatever
// faults are set; body is that of POST /v1/contacts.
func (s *Simulator) Create(body string) (int64, error) { return 0, nil }

// Delete takes a contact away.
func (s *Simulator) Delete(id int64) bool { return false }

// Reset forgets all contacts and counts; options, user fields, faults and script stay.
func (s *Simulator) Reset() {}
