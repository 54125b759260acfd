package consumer

import (
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var compareLedgers = cmp.Options{
	cmp.AllowUnexported(ledger{}, span{}),
	cmp.Comparer(func(a, b time.Time) bool { return a.Equal(b) }),
}

func TestLedgerSurvivesTheCommit(t *testing.T) {
	horizon := time.UnixMilli(1_790_000_000_123)
	for name, l := range map[string]ledger{
		"nothing granted":  {granted: 100, horizon: horizon, trial: -1},
		"clean":            {granted: 356, horizon: horizon, spans: []span{{from: 100, to: 356}}, trial: -1, originField: "originId"},
		"suspects":         {granted: 400, horizon: horizon, spans: []span{{100, 101, true}, {150, 151, false}, {151, 400, true}}, trial: -1},
		"a trial":          {granted: 400, horizon: horizon, openings: 7, trial: 123, trials: 3, spans: []span{{123, 124, true}}},
		"far ahead":        {granted: 1 << 60, horizon: horizon, trial: -1, spans: []span{{100, 1 << 40, true}, {1 << 50, 1 << 60, false}}},
		"a far past":       {granted: 100, horizon: time.UnixMilli(-5), trial: -1},
		"an unusual field": {granted: 100, horizon: horizon, trial: -1, originField: "UF_CRM_ПОЛЕ"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := decodeLedger(100, l.encode(100))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(l, got, compareLedgers); diff != "" {
				t.Errorf("the ledger changed on its way (-want +got):\n%s", diff)
			}
		})
	}
}

func TestForeignMetadataIsNotALedger(t *testing.T) {
	ours := ledger{granted: 10, trial: -1, spans: []span{{from: 5, to: 10, sent: true}}}.encode(5)
	for name, text := range map[string]string{
		"none":                  "",
		"somebody else's":       `{"lag":5}`,
		"another version":       strings.Replace(ours, "/1 ", "/2 ", 1),
		"prefix only":           ledgerPrefix,
		"not base64":            ledgerPrefix + "%%%",
		"cut short":             ours[:len(ours)-1],
		"cut very short":        ours[:len(ledgerPrefix)+4],
		"behind the commit":     ledger{granted: 4, trial: -1}.encode(5),
		"a span past the limit": ledger{granted: 7, trial: -1, spans: []span{{from: 5, to: 8}}}.encode(5),
		"an empty span":         ledger{granted: 7, trial: -1, spans: []span{{from: 6, to: 6}}}.encode(5),
		"a span behind":         ledger{granted: 7, trial: -1, spans: []span{{from: 4, to: 6}}}.encode(5),
		"a field past the end":  ledgerPrefix + "AAAAAAD_fw",
	} {
		t.Run(name, func(t *testing.T) {
			if l, err := decodeLedger(5, text); !errors.Is(err, errUnreadableLedger) {
				t.Errorf("%q was taken for %+v, %v", text, l, err)
			}
		})
	}
}

func TestLedgerIsCleanWithoutSentSpans(t *testing.T) {
	for _, tt := range []struct {
		spans []span
		clean bool
	}{
		{nil, true},
		{[]span{{1, 2, false}, {4, 9, false}}, true},
		{[]span{{1, 2, false}, {4, 9, true}}, false},
	} {
		if got := (ledger{spans: tt.spans}).clean(); got != tt.clean {
			t.Errorf("clean of %v is %v", tt.spans, got)
		}
	}
}

// randomLedger makes a sound ledger of a commit at offset, of any size.
func randomLedger(r *rand.Rand, offset int64) ledger {
	l := ledger{
		horizon: time.UnixMilli(r.Int64N(1 << 42)), openings: r.IntN(9), trial: -1, trials: r.IntN(5),
		originField: []string{"", "originId", "UF_CRM_LEADBRIDGE_EVENT_ID"}[r.IntN(3)],
	}
	at := offset
	for range r.IntN(3 * maxSpans) {
		s := span{from: at + r.Int64N(int64(1)<<r.IntN(30)+1), sent: r.IntN(2) == 0}
		s.to = s.from + 1 + r.Int64N(100)
		l.spans = append(l.spans, s)
		at = s.to
	}
	l.granted = at + r.Int64N(1000)
	if len(l.spans) > 0 {
		l.trial = l.spans[0].from
	}
	return l
}

// unfinishedIn tells whether an offset lies in a span, and how.
func unfinishedIn(spans []span, offset int64) (unfinished, sent bool) {
	for _, s := range spans {
		if s.from <= offset && offset < s.to {
			return true, s.sent
		}
	}
	return false, false
}

// covers fails the test when a shortened ledger forgets what the whole one says.
func covers(t *testing.T, whole, short []span) {
	t.Helper()
	for i, s := range short {
		if s.to <= s.from || i > 0 && s.from < short[i-1].to {
			t.Fatalf("spans overlap or go back: %v, %v", short[max(i-1, 0)], s)
		}
	}
	for _, s := range whole {
		for _, offset := range []int64{s.from, s.from + (s.to-s.from)/2, s.to - 1} {
			unfinished, sent := unfinishedIn(short, offset)
			if !unfinished {
				t.Fatalf("%d was unfinished and became done", offset)
			}
			if s.sent && !sent {
				t.Fatalf("%d was sent and became unsent", offset)
			}
		}
	}
}

func TestLedgerFitsIntoTheMetadataAndForgetsNothing(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	joined := 0
	for range 80 {
		offset := r.Int64N(1 << 40)
		l := randomLedger(r, offset)
		text := l.encode(offset)
		if len(text) > maxMetadata {
			t.Fatalf("%d bytes of metadata for %d spans", len(text), len(l.spans))
		}
		got, err := decodeLedger(offset, text)
		if err != nil {
			t.Fatal(err)
		}
		covers(t, l.spans, got.spans)
		if len(got.spans) < len(l.spans) {
			joined++
		}
		whole := l
		whole.spans, got.spans = nil, nil
		if diff := cmp.Diff(whole, got, compareLedgers); diff != "" {
			t.Fatalf("beside the spans (-want +got):\n%s", diff)
		}
	}
	if joined == 0 || joined == 80 {
		t.Errorf("%d of 80 ledgers were shortened: the test shows one case only", joined)
	}
}

func TestAsManySpansAsPromisedNeedNoJoining(t *testing.T) {
	l := ledger{horizon: time.Now(), trial: 1 << 40, trials: 9, openings: 1 << 20, originField: "UF_CRM_LEADBRIDGE_EVENT_ID"}
	at := int64(1 << 40)
	for i := range maxSpans {
		s := span{from: at + 1<<28 - 1, sent: i%2 == 0}
		s.to = s.from + 1
		l.spans, at = append(l.spans, s), s.to
	}
	l.granted = at + 1<<28
	got, err := decodeLedger(1<<40, l.encode(1<<40))
	if err != nil || len(got.spans) != maxSpans {
		t.Errorf("%d of %d spans came back: %v", len(got.spans), maxSpans, err)
	}
}

func TestJoiningTakesTheSmallestGapAndCountsAsSent(t *testing.T) {
	spans := []span{{0, 1, false}, {5, 6, false}, {8, 9, false}, {20, 21, false}}
	got := joinCheapest(spans)
	want := []span{{0, 1, false}, {5, 9, true}, {20, 21, false}}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(span{})); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if spans[1].to != 6 {
		t.Error("joining changed the spans it was given")
	}
}

// A run of untouched records is long where a backlog waits behind newer records: it must not become suspects to save a
// few done ones.
func TestJoiningSparesLongUntouchedSpans(t *testing.T) {
	spans := []span{{0, 1, true}, {1, 100_000, false}, {100_000, 100_001, true}, {100_900, 100_901, true}}
	want := []span{{0, 1, true}, {1, 100_000, false}, {100_000, 100_901, true}}
	if diff := cmp.Diff(want, joinCheapest(spans), cmp.AllowUnexported(span{})); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func FuzzDecodeLedger(f *testing.F) {
	f.Add(int64(0), "")
	f.Add(int64(100), ledger{granted: 356, horizon: time.UnixMilli(1), trial: -1, spans: []span{{100, 356, true}}}.encode(100))
	f.Add(int64(7), ledger{granted: 9, trial: 8, trials: 2, openings: 3, originField: "originId", spans: []span{{7, 8, false}, {8, 9, true}}}.encode(7))
	f.Add(int64(1), ledgerPrefix+"_____________________w")
	f.Fuzz(func(t *testing.T, offset int64, text string) {
		if offset < 0 || offset > 1<<62 {
			return // no broker has such
		}
		l, err := decodeLedger(offset, text)
		if err != nil {
			if !errors.Is(err, errUnreadableLedger) {
				t.Fatalf("an error of another kind: %v", err)
			}
			return
		}
		at := offset
		for _, s := range l.spans {
			if s.from < at || s.to <= s.from || s.to > l.granted {
				t.Fatalf("an unsound span %v of a commit at %d, granted %d", s, offset, l.granted)
			}
			at = s.to
		}
		if len(text) > maxMetadata {
			return
		}
		again, err := decodeLedger(offset, l.encode(offset))
		if err != nil {
			t.Fatalf("what was read cannot be written and read again: %v", err)
		}
		covers(t, l.spans, again.spans)
	})
}

// clean says that no create can be on its way or unanswered.
func (l ledger) clean() bool {
	return !slices.ContainsFunc(l.spans, func(s span) bool { return s.sent })
}
