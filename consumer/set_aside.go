package consumer

import (
	"context"
	"errors"
	"math"
	"slices"
	"time"

	"github.com/leadbridge/leadbridge/crmclient"
)

const (
	// backlogAge is how old the record must be that is dispatched next for a backlog to be set aside.
	backlogAge = time.Minute
	// splitInterval is how often a partition looks whether it has a backlog.
	splitInterval = time.Second
	// freeFor is for how long nothing must have held delivery for a backlog to be set aside, and endedWithin is how lately a
	// record must have ended: what comes while nothing is delivered belongs to the backlog, too, and single events may pass
	// meanwhile.
	freeFor     = 3 * time.Second
	endedWithin = 10 * time.Second
	// unreadableInterval is how often it looks when a record of the backlog could not be read.
	unreadableInterval = 30 * time.Second
	// rereadPause is how long it waits after a backlog was read and could not be set aside.
	rereadPause = 10 * time.Second
	// maxBacklogKeys is how many ids, keys and contact points of records the keys of all backlogs of a process may hold: at
	// 32 bytes each while they are read, and 16 later.
	maxBacklogKeys = 1 << 20
	// maxReadings is how often in a row the process may end while it reads the keys of a partition's backlog until no more
	// of them are read.
	maxReadings = 3
	// readingKeys as the offset of a trial says that the keys of a backlog are being read.
	readingKeys = -2
)

// Why the keys of a backlog could not be read.
var (
	errBacklogTooLarge   = errors.New("the backlog has more keys than may be held in memory")
	errBacklogUnreadable = errors.New("the backlog has a record that cannot be read yet")
)

// splitter sets the backlog of a part aside, so that newer records overtake it.
type splitter struct {
	part *partition
	keys int // how many keys a backlog may have
	// inherited is the end of the backlog that an earlier owner set aside; 0 for none.
	inherited int64
	// most is how many offsets a backlog may have for its keys to be read; 0: no bound is known.
	most   int64
	next   time.Time // not to be tried before
	moves  movement
	warned bool // that no keys are read any more, as that has ended the process
}

// A movement shows whether records are delivered. It is a plain value.
type movement struct {
	ended   int       // how many records had ended when it was last looked at
	endedAt time.Time // when that number had last grown; zero if it has not since something held delivery
	freeAt  time.Time // since when nothing has held delivery; zero while something does
}

// look notes how many records have ended by now, and whether something holds delivery.
func (m *movement) look(now time.Time, ended int, held bool) {
	switch {
	case held:
		*m = movement{}
	case m.freeAt.IsZero():
		m.freeAt = now
	case ended > m.ended:
		m.endedAt = now
	}
	m.ended = ended
}

// goesOn reports whether records are delivered, and nothing has held that for a while.
func (m *movement) goesOn(now time.Time) bool {
	return now.Sub(m.freeAt) >= freeFor && now.Sub(m.endedAt) <= endedWithin
}

func newSplitter(p *partition, inherited int64) *splitter {
	return &splitter{part: p, keys: maxBacklogKeys / max(len(p.gen.assigned), 1), inherited: inherited}
}

// run sets the first backlog aside that there is, and ends then, or with the generation.
func (sp *splitter) run() {
	p := sp.part
	if p.opening.openedTooOften() { // reading records ahead of their turn may be what ends the process
		return
	}
	p.gen.rebuilding.Wait() // nothing is dispatched before; each rebuild takes a bounded time, and ends with ctx
	ctx := p.gen.fetchCtx
	ticker := time.NewTicker(splitInterval)
	defer ticker.Stop()
	for wide := p.older == nil; ; {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		if !wide && p.older.records.isFinished() {
			p.widen()
			wide = true
		}
		if wide && p.intake.backlog.isEmpty() && sp.trySplit(ctx, time.Now()) {
			return
		}
	}
}

// trySplit sets the backlog aside if there is one, and returns whether it did.
func (sp *splitter) trySplit(ctx context.Context, now time.Time) bool {
	p := sp.part
	if !p.records.isBehind(now) && sp.inherited == 0 {
		sp.moves = movement{}
		p.records.endReadings()
		return false
	}
	sp.moves.look(now, p.records.ended(), p.isHeld())
	if now.Before(sp.next) || sp.most > 0 && p.records.undispatched() > sp.most || sp.tooManyReadings() {
		return false
	}
	end := int64(noEnd)
	if sp.inherited > 0 {
		end = sp.inherited
	} else if !sp.moves.goesOn(now) {
		return false
	}
	read, err := sp.read(ctx, end)
	if err != nil {
		sp.readFailed(ctx, err)
		return false
	}
	if sp.inherited == 0 {
		if p.isHeld() { // since it is being read
			sp.next = time.Now().Add(rereadPause)
			return false
		}
		read.leaveYoung(p.leastBacklog(), int64(p.deps.cfg.Window/2))
	}
	sp.inherited = 0
	sp.next = time.Now().Add(rereadPause)
	return p.splitAt(read)
}

// A backlogReading is what was read of a backlog before it is set aside.
type backlogReading struct {
	began      time.Time
	first, end int64 // the offsets between which it was read
	old        int64 // the offset behind the last record that is as old as a backlog is
	entries    []backlogEntry
}

// leaveYoung leaves the last records to the newer part that are not as old as a backlog is: so many at most, as the newer part
// should have dispatched them at once. At least so many offsets stay in the backlog.
func (b *backlogReading) leaveYoung(least, most int64) {
	b.end = max(b.old, b.end-most, min(b.end, b.first+least))
	b.entries = slices.DeleteFunc(b.entries, func(e backlogEntry) bool { return b.first+int64(e.offset) >= b.end })
}

// isHeld reports whether something keeps all events from being delivered now. That the CRM throttles does not count: events
// pass between.
func (p *partition) isHeld() bool {
	_, paused := p.deps.board.heldFor(HoldOperator)
	crm := snapshot{holds: p.deps.creator.Status().Holds}
	why, _ := crm.holdingAll()
	return paused || why != "" && why != Why(crmclient.HoldThrottle)
}

// tooManyReadings reports whether the process has ended so often while it read the keys that a record of the backlog is
// suspected to be the cause.
func (sp *splitter) tooManyReadings() bool {
	p := sp.part
	if p.records.readings() < maxReadings {
		return false
	}
	if !sp.warned {
		sp.warned = true
		p.deps.cfg.Log.Warn().Int("partition", p.id).
			Msg("the process ended several times while it read the keys of the backlog: newer events wait for it, until it is delivered")
	}
	return true
}

// readFailed notes why the keys could not be read.
func (sp *splitter) readFailed(ctx context.Context, err error) {
	p := sp.part
	if ctx.Err() != nil {
		return
	}
	sp.next = time.Now().Add(unreadableInterval)
	if errors.Is(err, errBacklogTooLarge) {
		sp.most = p.records.undispatched() * 3 / 4
		p.deps.cfg.Log.Warn().Int("partition", p.id).Int64("backlog", p.records.undispatched()).
			Msg("the backlog is too large for its keys to be held in memory: newer events wait until it is smaller")
		return
	}
	p.deps.cfg.Log.Debug().Err(err).Int("partition", p.id).Msg("reading the keys of the backlog failed")
}

// read reads the records from the next one to be dispatched up to end, or to the log's end if that comes first.
func (sp *splitter) read(ctx context.Context, end int64) (*backlogReading, error) {
	p := sp.part
	p.records.setTrial(trial{offset: readingKeys, begun: p.records.readings() + 1})
	defer p.records.setTrial(trial{offset: -1})
	if err := p.records.awaitCommit(ctx, p.records.wakeSplitter); err != nil {
		return nil, err
	}
	b := &backlogReading{began: time.Now(), first: p.records.nextOffset()}
	for at := b.first; ; {
		next, err := sp.readOn(ctx, b, at, end)
		if err != nil {
			return nil, err
		}
		if len(b.entries) > sp.keys || next-b.first > math.MaxUint32 {
			return nil, errBacklogTooLarge
		}
		if next <= at || next >= end {
			b.end = min(next, end)
			return b, nil
		}
		at = next
	}
}

// readOn reads some records from at on, as far as they lie below end, and returns the offset behind them. While it has them
// they take bytes of those that are for parked records.
func (sp *splitter) readOn(ctx context.Context, b *backlogReading, at, end int64) (next int64, err error) {
	p := sp.part
	bytes := p.reader.bytes
	size := fetchSize(bytes, len(p.gen.assigned))
	if err := bytes.reserve(ctx, size); err != nil {
		return 0, err
	}
	defer func() { bytes.release(size) }()
	batch, err := p.fetchWithRetries(ctx, at, size)
	if err != nil {
		return 0, err
	}
	bytes.release(size - batch.bytes)
	size = batch.bytes
	for _, rec := range batch.records {
		if rec.Offset >= end {
			break
		}
		if err := sp.note(b, rec); err != nil {
			return 0, err
		}
		if b.began.Sub(rec.Time) >= backlogAge {
			b.old = rec.Offset + 1
		}
	}
	return batch.next, nil
}

// note takes over the keys of a record of the backlog, unless an earlier owner finished it.
func (sp *splitter) note(b *backlogReading, rec record) error {
	if rec.Value == nil || sp.part.records.isDone(rec.Offset) {
		return nil
	}
	in := sp.part.intake
	d := &delivery{record: rec}
	in.transformSafely(d)
	switch {
	case d.unread != nil:
		return errBacklogUnreadable
	case d.skipped():
		return nil
	}
	b.entries = appendEntries(b.entries, in.backlogLines(d), uint32(rec.Offset-b.first))
	return nil
}

// splitAt sets aside as a backlog what was read, and begins to deliver what lies above. It returns false when there is no
// backlog any more, or no room.
func (p *partition) splitAt(b *backlogReading) bool {
	newer, ok := p.setAside(b.end, newBacklogKeys(b.entries, b.first))
	if !ok {
		return false
	}
	p.gen.seen.open(newer.partID(), nil)
	p.tellNewer() // it may have moved on meanwhile
	p.deps.cfg.Log.Info().Int("partition", p.id).Int64("backlog", b.end-p.records.nextOffset()).Int64("end", b.end).
		Dur("read_ms", time.Since(b.began)).Msg("a backlog is set aside: newer events are delivered first")
	p.gen.loops.Go(newer.run)
	p.gen.loops.Go(newer.reader.run)
	p.gen.loops.Go(newSplitter(newer, 0).run)
	return true
}

// setAside splits the partition at end, and returns the newer part; false when that cannot be.
func (p *partition) setAside(end int64, keys backlogKeys) (*partition, bool) {
	p.gen.splitting.Lock()
	defer p.gen.splitting.Unlock()
	state, ok := p.records.split(end, time.Now())
	if !ok {
		return nil, false
	}
	o := p.opening
	o.start, o.split = end, true
	newer := newPart(p.gen, p.id, p.number+1, o, state)
	newer.older = p
	newer.intake.backlog = newBacklog(p.records, newer.records.wakeReader, keys)
	p.setBuffers(p.share() / 2)
	newer.setBuffers(p.share() / 2)
	p.forgetOldIDs()
	p.newer.Store(newer)
	return newer, true
}

// forgetOldIDs ends the memory of parts that lie further back than DEDUPE_WINDOW.
func (p *partition) forgetOldIDs() {
	for older := p.older; older != nil; older = older.older {
		if older.records.endsAt()+int64(p.deps.cfg.DedupeWindow) <= p.records.nextOffset() {
			p.gen.seen.close(older.partID())
		}
	}
}

// widen gives the part what the backlog had, which is delivered.
func (p *partition) widen() {
	p.records.update(func(s *partitionState) {
		s.window, s.spanRoom = p.deps.cfg.Window, ledgerBytes-ledgerHead
		s.commits.ahead = aheadOf(p.deps.cfg, len(p.gen.assigned))
	})
	signal(p.records.wakeReader)
	p.setBuffers(p.share())
	p.deps.cfg.Log.Info().Int("partition", p.id).Msg("the backlog is delivered")
}

// isBehind reports whether the part has a backlog that can be set aside.
func (rs *partitionRecords) isBehind(now time.Time) bool {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	return rs.state.isBehind(now)
}

func (s *partitionState) isBehind(now time.Time) bool {
	at := s.waits.newest
	if s.waits.next.offset >= s.progress.next {
		at = s.waits.next.at
	}
	return s.maySplit() && !at.IsZero() && now.Sub(at) >= backlogAge
}

// readings returns how often in a row the keys of the backlog were begun to be read, by owners that ended meanwhile.
func (rs *partitionRecords) readings() int {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	if rs.state.trial.offset != readingKeys {
		return 0
	}
	return rs.state.trial.begun
}

// endReadings forgets how often they were begun, when there is no backlog any more.
func (rs *partitionRecords) endReadings() {
	if rs.readings() > 0 && !rs.hasBacklog() {
		rs.setTrial(trial{offset: -1})
	}
}

// undispatched returns how many offsets are still to be dispatched.
func (rs *partitionRecords) undispatched() int64 {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	return rs.state.undispatched()
}

// backlogEnd returns the end of the backlog that an earlier owner set aside: of the longest run of untouched records,
// if it has at least so many, and others lie above it. 0 when there is none.
func (o opening) backlogEnd(least int64) int64 {
	longest := span{}
	for _, s := range o.inherited.spans {
		if s.from = max(s.from, o.start); !s.sent && s.to-s.from >= max(least, longest.to-longest.from+1) {
			longest = s
		}
	}
	if longest.to >= o.inherited.granted {
		return 0
	}
	return longest.to
}
