package main

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/leadbridge/leadbridge/crmclient"
	"github.com/leadbridge/leadbridge/internal/audit"
)

// round is what is kept of a round.
type round struct {
	Number  int              `json:"round"`
	Run     time.Time        `json:"run"` // when its run began: a soak that was interrupted has several
	Seed    uint64           `json:"seed"`
	Target  crmclient.Target `json:"target"`
	Match   string           `json:"match,omitempty"` // "": off
	Began   time.Time        `json:"began"`
	Seconds float64          `json:"seconds"` // with its audit
	Counts  audit.Counts     `json:"counts"`  // of this round
	Kills   int              `json:"kills"`   // by SIGKILL: of consumers, gate, brokers and replays
	Peak    usage            `json:"peak"`    // most that any process had
	Rest    usage            `json:"rest"`    // what the oldest consumer had when nothing was to be done
	Good    bool             `json:"good"`
}

// history are all rounds of a soak, those of earlier runs too. A round that was interrupted is not among them:
// the next run plays it again, with a new broker and an empty CRM. It is kept in a file, a line a round.
type history struct {
	file   string
	run    time.Time
	rounds []round
	before audit.Counts // of this run, at the end of its last round
}

var errSpent = errors.New("the soak of this directory has ended")

// openHistory reads what earlier runs left in the directory.
func openHistory(o options) (*history, error) {
	h := &history{file: historyFile(o.dir), run: time.Now().UTC()}
	file, err := os.Open(h.file)
	if errors.Is(err, os.ErrNotExist) {
		return h, nil
	}
	if err != nil {
		return nil, fmt.Errorf("rounds so far: %w", err)
	}
	defer file.Close()
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		var r round
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			return nil, fmt.Errorf("rounds so far: %s: %w", h.file, err)
		}
		if r.Seed != o.seed || r.Target != o.target || cmp.Or(r.Match, matchOff) != cmp.Or(o.match, matchOff) {
			return nil, fmt.Errorf("rounds so far: %s is of seed %d, target %s and match %s", h.file, r.Seed, r.Target, cmp.Or(r.Match, matchOff))
		}
		h.rounds = append(h.rounds, r)
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("rounds so far: %w", err)
	}
	if n := len(h.rounds); n > 0 && (!h.rounds[n-1].Good || h.enough(o)) {
		return nil, fmt.Errorf("%w: remove %s to begin another one", errSpent, h.file)
	}
	return h, nil
}

// keptSeed is the seed of the soak that a directory holds; 0: it holds none.
func keptSeed(dir string) uint64 {
	text, err := os.ReadFile(historyFile(dir))
	if err != nil {
		return 0
	}
	var first round
	line, _, _ := bytes.Cut(text, []byte("\n"))
	_ = json.Unmarshal(line, &first) // openHistory says what is wrong with it
	return first.Seed
}

func historyFile(dir string) string { return filepath.Join(dir, "rounds.jsonl") }

// next is the number of the round that comes, from 0.
func (h *history) next() int { return len(h.rounds) }

// add keeps a round. Audits account for everything since the start of the run.
func (h *history) add(r round, a audit.Audit) error {
	r.Run, r.Counts = h.run, a.Counts.Minus(h.before)
	h.before = a.Counts
	h.rounds = append(h.rounds, r)
	line, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("keep the round: %w", err)
	}
	file, err := os.OpenFile(h.file, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600) //nolint:gosec // the directory is named by who runs it
	if err != nil {
		return fmt.Errorf("keep the round: %w", err)
	}
	_, err = file.Write(append(line, '\n'))
	if err = errors.Join(err, file.Close()); err != nil {
		return fmt.Errorf("keep the round: %w", err)
	}
	return nil
}

// enough reports whether there were as many events and kills as were asked for.
func (h *history) enough(o options) bool {
	sum, kills := h.total()
	return sum.Events >= o.events && kills >= o.kills
}

func (h *history) total() (sum audit.Counts, kills int) {
	for _, r := range h.rounds {
		sum, kills = sum.Plus(r.Counts), kills+r.Kills
	}
	return sum, kills
}

// String tells how much there is already, for the first line of a run.
func (h *history) String() string {
	if len(h.rounds) == 0 {
		return ""
	}
	sum, kills := h.total()
	return fmt.Sprintf("; %d rounds with %d events and %d kills were played before", len(h.rounds), sum.Events, kills)
}

// report tells all rounds, in Markdown.
func (h *history) report() string {
	var b strings.Builder
	sum, kills := h.total()
	seconds, runs := 0.0, map[time.Time]bool{}
	b.WriteString("| round | minutes | events | objects | letters | replayed | kills | peak MiB | peak goroutines | peak files | MiB at rest | goroutines at rest | files at rest |\n")
	b.WriteString("|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n")
	for _, r := range h.rounds {
		c := r.Counts
		seconds += r.Seconds
		runs[r.Run] = true
		fmt.Fprintf(&b, "| %d | %.1f | %d | %d | %d | %d | %d | %.0f | %d | %d | %.0f | %d | %d |\n",
			r.Number+1, r.Seconds/60, c.Events, c.Contacts+c.Leads+c.Deals, c.Letters, c.Replays, r.Kills,
			r.Peak.RSS, r.Peak.Goroutines, r.Peak.Files, r.Rest.RSS, r.Rest.Goroutines, r.Rest.Files)
	}
	fmt.Fprintf(&b, "\n%d events in %.0f minutes and %d runs: %d contacts, %d leads, %d deals, %d letters, %d of them of good events (docs/exceptions.md); %d repeats, %d replays, %d kills.\n",
		sum.Events, seconds/60, len(runs), sum.Contacts, sum.Leads, sum.Deals, sum.Letters, sum.Excepted, sum.Repeats, sum.Replays, kills)
	if hours, rss, goroutines := h.growth(); hours > 0 {
		fmt.Fprintf(&b, "The consumer that stays, at rest, in %.1f hours: %+.2f MiB and %+.2f goroutines an hour.\n", hours, rss, goroutines)
	}
	return b.String()
}

// growth is by how much the consumer that stays grows in an hour, in the longest run without its first
// round, in which everything is used for the first time.
func (h *history) growth() (hours, rss, goroutines float64) {
	byRun := map[time.Time][]round{}
	var longest []round
	for _, r := range h.rounds {
		byRun[r.Run] = append(byRun[r.Run], r)
		if len(byRun[r.Run]) > len(longest) {
			longest = byRun[r.Run]
		}
	}
	if len(longest) < 4 {
		return 0, 0, 0
	}
	var mib, routines []float64
	for _, r := range longest[1:] {
		mib, routines = append(mib, r.Rest.RSS), append(routines, float64(r.Rest.Goroutines))
		hours += r.Seconds / 3600
	}
	perHour := float64(len(mib)) / hours
	return hours, slope(mib) * perHour, slope(routines) * perHour
}
