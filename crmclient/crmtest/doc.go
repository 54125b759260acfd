// Package crmtest simulates the CRM that crmclient delivers to: Bitrix24's
// "Vibe" REST API as far as leadbridge uses it, with its limits, its portal
// queue and its ways to fail.
//
// A [Simulator] is an http.Handler. [Serve] serves it over in-memory
// connections, which may live in a testing/synctest bubble. Tests decide what
// happens to single calls by [Simulator.Script]. [Faults] injects trouble at random,
// with a seed.
//
// # What the simulator assumes
//
// The vendor documents none of the following.
//
// Keys and limits:
//
//   - The platform's limit counts every request under /v1 that it does not refuse, also
//     those with bad keys and unknown paths. It is checked before the key.
//   - GET /v1/me is answered by the platform and works without scope and session;
//     all other requests go to the portal. The portal's limit per second counts a request
//     when it enters the queue.
//   - A create that waits in the portal's queue, or runs, takes effect even when
//     its client has gone. One that got 504 QUEUE_TIMEOUT, 429, or the 502 of the
//     limit per second never does (a script may say otherwise).
//   - A slot is taken for the whole run of a batch.
//   - vibe_live_ keys get 403 MANAGEMENT_KEY_NO_ENTITY_ACCESS, from /v1/me 401
//     WRONG_KEY_TYPE. A vibe_app_ key without a session gets 401 TOKEN_MISSING,
//     with an Authorization header that is not a bearer token 401 INVALID_APP_KEY.
//   - ERROR_LOOP_DETECTED blocks the whole key for a minute, after Options.ErrorLoop equal
//     calls (by option: any calls) in a row failed with a 4xx other than 401 and 429. Every
//     fifth call of a blocked key passes as a probe, and a probe that works ends the block.
//
// Contacts and user fields:
//
//   - A value of the wrong type is 400 INVALID_REQUEST. Numbers are whole JSON
//     numbers, not texts; booleans may be "Y" and "N"; null means "not given".
//   - A portal fills in assignedById 1, opened true, typeId CLIENT and sourceId
//     CALL, as the documented answer shows them.
//   - Answers show phone and email as their first value, and all values in fm[].
//   - User fields that the portal does not have are dropped, like any unknown
//     field. Their names are the same in any case and with or without underscores;
//     answers spell ufCrm_X or, by option, UF_CRM_X. Making one that exists is 409.
//   - Contacts, leads and deals are changed by PATCH or PUT, and deleted permanently. An update
//     replaces phones and e-mails; by option it adds them to those that are there.
//   - A deal's contactId is not looked at: a deal may name a contact that is not there.
//     A portal fills in categoryId 0 and stageId NEW of deals, statusId NEW of leads.
//   - A lead stays a lead: the portal is not in "simple CRM" mode.
//   - Comments on cards have no fields page, no search and no updates; a list needs both
//     filters, else 400 MISSING_PARAMS; an unknown card is 422 BITRIX_ERROR.
//
// Look-ups and batches:
//
//   - Answers have 50 rows unless limit says otherwise, at most 500, by id, from
//     offset; each further 50 rows are another portal request. meta.hasMore
//     says that the page is full, so it is wrong on a last page that is exactly full.
//   - All conditions must be met. Texts and phones are compared exactly, e-mails without
//     regard to case. If a field has several values, one must meet the condition. Times
//     without a zone are the portal's. An unknown operator is 400 INVALID_REQUEST.
//   - Queries of GET /v1/contacts are filter[field]=value, filter[field][$op]=value,
//     with commas or repeats for $in, and limit, offset, select.
//   - If the id of a batch's call is empty or repeated, the whole batch is 400. An unknown
//     entity or action is INVALID_PARAMS of that call.
package crmtest
