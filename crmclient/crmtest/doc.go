// Package crmtest simulates the CRM that crmclient delivers to: Bitrix24's
// "Vibe" REST API as far as leadbridge uses it, with its limits, its portal
// queue and its ways to fail.
//
// A [Simulator] is an http.Handler. [Serve] puts it behind in-memory
// connections, which may live in a testing/synctest bubble. Tests decide the
// fate of single calls by [Simulator.Script]; [Faults] injects trouble at random
// with a seed.
//
// # What the simulator assumes
//
// The vendor's texts are silent about the following:
//
//   - The platform's limit counts every request under /v1, refused ones too.
//     GET /v1/me is answered by the platform; all other calls go to the portal.
//   - A create that waits in the portal's queue, or runs, takes effect even
//     when its client has gone. One that got 504 QUEUE_TIMEOUT, 429 or the 502 of
//     the limit per second never does.
//   - vibe_live_ keys get 403 MANAGEMENT_KEY_NO_ENTITY_ACCESS where an entity is
//     named and 401 WRONG_KEY_TYPE elsewhere; a vibe_app_ key without a
//     session gets 401 TOKEN_MISSING, one with an Authorization header that is no
//     bearer token 401 INVALID_APP_KEY.
//   - ERROR_LOOP_DETECTED blocks the whole key, for a minute, after
//     Options.ErrorLoop same calls in a row that failed with a 4xx other than 401
//     and 429; every fifth call while blocked passes as a probe, and a probe
//     that works ends the block.
//   - Look-ups answer 50 rows unless limit says otherwise, at most 500, in the
//     order of their ids, and take offset; each further 50 rows are another
//     portal request. Query filters are filter[field]=value,
//     filter[field][$op]=value, and commas or repeats for $in.
//   - $contains and plain text are compared without regard to case only for
//     e-mails. A phone matches its exact text.
//   - Numbers are accepted as JSON numbers only, booleans also as "Y" and "N";
//     null stands for "not given". The wrong type is 400 INVALID_REQUEST.
//   - User fields that the portal does not have are dropped silently, like any
//     unknown field. Names are compared without regard to case and underscores.
//   - Ids of a batch are not empty and not repeated; entity and action are
//     checked with the call's parameters, as validation of that call.
//   - meta.hasMore is exact.
package crmtest
