package probe

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// Format is the version of the profile's form. New fields alone do not make a new version.
const Format = 1

// Profile is what a portal does, as it was measured. It is written and read as JSON. Times are in
// milliseconds unless the field says otherwise.
type Profile struct {
	Format     int       `json:"format"`
	Leadbridge string    `json:"leadbridge"` // version
	At         time.Time `json:"at"`
	Took       int64     `json:"tookMs"`
	Requests   int       `json:"requests"`
	Complete   bool      `json:"complete"` // false: the measurement ended early, and what is missing was not asked

	Key        Key               `json:"key"`
	Limits     Limits            `json:"limits"`
	Entities   map[string]Entity `json:"entities"` // contacts, leads, deals
	Phones     string            `json:"phones"`   // how look-ups compare them: exact, normalised, mixed, ignored, not found, unknown
	Zone       Zone              `json:"zone"`
	Batch      Batch             `json:"batch"`
	Multifield map[string]Answer `json:"multifield"` // by form of a phone: string, strings, objects, native
	Update     Update            `json:"update"`
	Comments   Comments          `json:"comments"`
	Codes      map[string]Answer `json:"codes"` // by mistake: wrongType, wrongCompany, wrongUser, unknownField, unknownFilter
	Extra      int               `json:"extra"` // records that the portal has made by itself of the probe's records
	Duplicates Duplicates        `json:"duplicates"`
	OpenAPI    OpenAPI           `json:"openapi"`
	Calls      map[string]Calls  `json:"calls"` // by kind of request

	Proposal    []Setting    `json:"proposal"`
	Differences []Difference `json:"differences"`
	Left        []Left       `json:"left"` // test records that could not be deleted
	// Unread are the kinds of which test records may be left: what answers did not tell could not be looked up.
	Unread []string `json:"unread,omitempty"`
}

// Answer is how the portal answered: an HTTP status, 0 for a call of a batch that failed, and the code of an error.
type Answer struct {
	Status int    `json:"status,omitempty"`
	Code   string `json:"code,omitempty"`
}

// OK reports whether the portal did it.
func (a Answer) OK() bool { return a.Code == "" && a.Status >= 200 && a.Status < 300 }

// Key is what GET /v1/me says of the key.
type Key struct {
	Answer
	Type        string   `json:"type,omitempty"`
	Scopes      []string `json:"scopes,omitempty"`
	ExpiresDays int      `json:"expiresDays,omitempty"`

	portal string // the portal's name, which is printed and not written to the profile
}

// Limits are the portal's limits on requests.
type Limits struct {
	PerSecond      float64 `json:"perSecond,omitempty"`      // as told by GET /v1/me; 0: not told
	PerMinute      int     `json:"perMinute,omitempty"`      // as told by X-RateLimit-Limit; 0: not told
	LeastRemaining int     `json:"leastRemaining,omitempty"` // least X-RateLimit-Remaining that was seen
	Throttled      int     `json:"throttled,omitempty"`      // answers 429
}

// Entity is what was seen of contacts, leads or deals.
type Entity struct {
	Fields     Answer            `json:"fields"`     // of GET /v1/{entity}/fields
	Names      []string          `json:"names"`      // the vendor's fields that can be written
	UserFields int               `json:"userFields"` // how many there are beside the probe's
	UTM        string            `json:"utm"`        // utmSource: kept, not kept, not offered
	Create     Answer            `json:"create"`
	UserField  UserField         `json:"userField"`
	Ways       map[string]Way    `json:"ways"`    // by where our id is: originId, userField, tag
	Filters    map[string]Lookup `json:"filters"` // by field, ":" and what is asked for
}

// UserField is what became of making a user field.
type UserField struct {
	Existing bool   `json:"existing"` // leadbridge's own was there already, and was used
	Make     Answer `json:"make"`
	Delete   Answer `json:"delete"`
}

// Way is one field that can carry our id.
type Way struct {
	Offered bool   `json:"offered"` // the field is listed as writable
	Kept    bool   `json:"kept"`    // reading the record back shows the id; originId is tried even when it is not listed
	Told    bool   `json:"told"`    // the answer to the create shows the id
	Found   Lookup `json:"found"`   // by a plain value; the tag by phone or, of deals, by contact
	In      Lookup `json:"in"`      // by $in
	Lag     Spread `json:"lag"`     // from the create's answer until the record was found
}

// Match is what a look-up did.
type Match string

// What a look-up does.
const (
	Found   Match = "found"
	Missed  Match = "not found"
	Ignored Match = "ignored" // it answers with records that do not match
	Refused Match = "refused"
	Unknown Match = "" // not asked, or no answer
)

// Lookup is what a look-up did, and the code when it was refused.
type Lookup struct {
	Match Match  `json:"match,omitempty"`
	Code  string `json:"code,omitempty"`
}

// Spread summarises times.
type Spread struct {
	Samples int   `json:"samples"`
	Missing int   `json:"missing,omitempty"` // that were not found in time
	P50     int64 `json:"p50Ms"`
	Max     int64 `json:"maxMs"`
}

// Zone is how the portal writes and reads times.
type Zone struct {
	Answers string `json:"answers,omitempty"` // of the times in answers: +03:00, "none" without one
	Filters string `json:"filters,omitempty"` // honoured, not honoured, ignored
}

// Batch is what POST /v1/batch does.
type Batch struct {
	Offered bool   `json:"offered"`
	Answer  Answer `json:"answer"`
	Items   int    `json:"items"` // creates in one request
	Made    int    `json:"made"`
	Took    int64  `json:"tookMs"`
	PerItem int64  `json:"perItemMs"`
	OneBad  string `json:"oneBad,omitempty"` // what a bad item does to the others: "alone", "all fail"
}

// Update is what PATCH does to phones and e-mails.
type Update struct {
	Answer Answer `json:"answer"`
	Phone  string `json:"phone,omitempty"` // adds, replaces, ignored
	Email  string `json:"email,omitempty"`
	Again  string `json:"again,omitempty"` // the same update again: same, doubles
	Both   string `json:"both,omitempty"`  // an update with the old and the new phone and e-mail: BothShown, or not shown

	InBatch UpdateInBatch `json:"inBatch"`
}

// UpdateInBatch is what updates of several contacts in one POST /v1/batch do, as read by another one.
type UpdateInBatch struct {
	Answer Answer `json:"answer"`
	Phone  string `json:"phone,omitempty"` // as Update.Phone; "differs" when it is not the same for all contacts
	Email  string `json:"email,omitempty"`
	Both   string `json:"both,omitempty"` // as Update.Both
}

// BothShown is Update.Both when reading a record shows several phones and e-mails.
const BothShown = "shown"

// Comments says what the portal does with comments on cards.
type Comments struct {
	Make   map[string]Answer `json:"make"`   // by kind of card
	Listed map[string]bool   `json:"listed"` // a list shows the comment
	Batch  Answer            `json:"batch"`  // of a list in a batch
	Lag    int64             `json:"lagMs"`
}

// Duplicates is what /v1/duplicates answers.
type Duplicates struct {
	Answer
	Shape any `json:"shape,omitempty"` // names and types of an answer's fields
}

// OpenAPI is the API's description of itself.
type OpenAPI struct {
	Answer
	Bytes      int                 `json:"bytes,omitempty"`
	Paths      []string            `json:"paths,omitempty"`      // with their methods: "/v1/leads get post"
	Schemas    map[string][]string `json:"schemas,omitempty"`    // names of fields
	Duplicates json.RawMessage     `json:"duplicates,omitempty"` // of the paths about duplicates
}

// Calls are the times and sizes of a kind of request.
type Calls struct {
	Spread
	Bytes int `json:"bytes"` // of the largest answer
}

// Setting is a proposed setting.
type Setting struct {
	Name  string `json:"name"`
	Value string `json:"value"`
	Why   string `json:"why"`
}

// Difference is something that a portal does otherwise than leadbridge assumes.
type Difference struct {
	Topic   string `json:"topic"`
	Assumed string `json:"assumed"`
	Seen    string `json:"seen"`
	Means   string `json:"means"` // what follows for leadbridge, and what to do about it
	Warn    bool   `json:"warn"`  // there is something to do
}

// Left is a test record that could not be deleted.
type Left struct {
	Entity string `json:"entity"` // contacts, leads, deals, timelines, or userfields/…
	ID     int64  `json:"id"`
}

// Portal returns the portal's name; "" for a profile that was read from a file, which does not have it.
func (p Profile) Portal() string { return p.Key.portal }

// Parse reads a profile.
func Parse(text []byte) (Profile, error) {
	var p Profile
	if err := json.Unmarshal(text, &p); err != nil {
		return Profile{}, fmt.Errorf("this is not a profile: write one by leadbridge probe --output json: %w", err)
	}
	switch {
	case p.Format < 1 || len(p.Entities) == 0:
		return Profile{}, errors.New("this is not a profile: write one by leadbridge probe --output json")
	case p.Format > Format:
		return Profile{}, fmt.Errorf("the profile's format %d is newer than this leadbridge: measure again with this version", p.Format)
	}
	return p, nil
}
