package limit

import "time"

// loanRate is how fast a process whose limits keep its requests waiting borrows what other processes leave
// unused: the part of the limits, 0 to 1, that is added in a second if all requests are its own. If others send, too, the
// loan grows more slowly, in proportion to the process's part of all requests. So if ten processes become
// busy at once, they do not overrun the portal's limit per second, about which no header informs.
const loanRate = .02

// loanReserve is the part of the platform's window, 0 to 1, that is never borrowed: other processes may have sent
// requests since the answer that is known, and the rest is for those whose share it is.
const loanReserve = .1

// loan is how much a process uses of the other processes' parts of the limits.
type loan struct {
	part float64   // part of the limits, 0 to 1, in addition to our share
	at   time.Time // when part was last changed
}

// use notes that a request leaves. While requests have to wait for the limits, the loan grows in proportion to
// our part of all requests of the last minute. While they do not, it shrinks.
func (l *loan) use(waited bool, ourPart float64, now time.Time) {
	step := loanRate * now.Sub(l.at).Seconds()
	if l.at.IsZero() {
		step = 0
	}
	l.at = now
	if waited {
		l.part = min(1, l.part+step*ourPart)
	} else {
		l.part = max(0, l.part-step)
	}
}

// borrowed returns the part of the limits, 0 to 1, that may be used in addition to our share: at most half of what the
// CRM said is left, less the reserve, so that every other process finds room for its share. It is 0 without
// a recent answer.
func (b *Budget) borrowed(now time.Time) float64 {
	if !now.Before(b.heard.until) {
		return 0
	}
	left := b.heard.remaining/b.heard.limit - loanReserve
	return min(b.loan.part, max(0, left/2))
}
