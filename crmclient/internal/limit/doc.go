// Package limit decides when requests to the CRM may leave and whose fault a failure is: the rate
// budget, the hold of creates, the evidence against an event, floods of refusals, the size of
// batches and the order of the kinds of request.
//
// All types are plain values. The caller passes the present time in and gets a verdict out: there
// is no clock, lock, goroutine, callback, log or metric here. A value is not safe for concurrent
// use; its owner guards it.
package limit
