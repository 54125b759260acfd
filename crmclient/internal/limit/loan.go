package limit

import "time"

// loanRate is how fast a process that is kept waiting by its limits takes over what others leave
// unused: parts of the limits a second, for one whose requests are the only ones. It is less for
// one that is one of many: ten that become busy together each see nine others in the window and
// share the rest before they have overrun the portal's limit per second, of which no header tells.
const loanRate = .02

// loanReserve is the part of the platform's window that nobody borrows of: answers are old by
// what others sent since, and what is left at the end belongs to those who have a share of it.
const loanReserve = .1

// loan is what a process uses of the others' parts of the limits.
type loan struct {
	part float64 // of the limits, beside our share
	at   time.Time
}

// use notes that a request leaves. The loan grows while the limits keep requests waiting and
// shrinks while they do not, in proportion to our part of all requests of the last minute.
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

// borrowed returns what may be used beside our share: at most half of what the CRM said is left,
// but for a reserve, so that every other process finds room for its share. Without a recent answer
// it is nothing.
func (b *Budget) borrowed(now time.Time) float64 {
	if !now.Before(b.heard.until) {
		return 0
	}
	left := b.heard.remaining/b.heard.limit - loanReserve
	return min(b.loan.part, max(0, left/2))
}
