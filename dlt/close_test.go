package dlt

import (
	"errors"
	"slices"
	"testing"

	"github.com/leadbridge/leadbridge/consumer/header"
)

func (r *rig) closeLetters(o CloseOptions) Closing {
	r.t.Helper()
	done, err := r.topic.CloseLetters(r.t.Context(), o)
	if err != nil {
		r.t.Fatal(err)
	}
	return done
}

// A closed letter is not open, says who closed it why, and a replay of all leaves it.
func TestCloseLetters(t *testing.T) {
	bubble(t, 2, func(t *testing.T, r *rig) {
		r.seed(letters(4, 2)...)
		o := CloseOptions{Filter: Filter{Places: []Position{{0, 0}, {1, 1}}}, Word: "a test of ours", DryRun: true}
		if done := r.closeLetters(o); done.Letters != 2 || len(r.list(Filter{States: []State{StateClosed}})) != 0 {
			t.Errorf("dry run %+v", done)
		}
		o.DryRun = false
		if done := r.closeLetters(o); done.Letters != 2 || done.Already != 0 {
			t.Errorf("%+v", done)
		}
		if done := r.closeLetters(o); done.Letters != 0 || done.Already != 2 {
			t.Errorf("again %+v", done)
		}
		closed := r.list(Filter{States: []State{StateClosed}})
		if got := ids(closed); !slices.Equal(got, []string{"ce:/site 0", "ce:/site 3"}) || closed[0].Word != o.Word || closed[0].Marked.IsZero() {
			t.Errorf("closed %v %+v", got, closed)
		}
		if line := r.topic.Unmasked(closed[0]); line.ClosedWord != o.Word || line.ClosedAt.IsZero() || !line.ReplayedAt.IsZero() {
			t.Errorf("%+v", line)
		}
		if report := r.replay(options()); report.Replayed != 2 || r.events()["ce:/site 0"] != 0 {
			t.Errorf("a replay of all: %+v, %v", report, r.events())
		}
	})
}

// A replay that names a closed letter reopens it: its event goes back, and the letter counts as replayed from then on.
func TestAReplayReopensAClosedLetter(t *testing.T) {
	bubble(t, 1, func(t *testing.T, r *rig) {
		r.seed(letters(3, 1)...)
		r.closeLetters(CloseOptions{Filter: Filter{Reasons: []string{"CRM_REFUSED"}}, Word: "later"})
		o := options()
		o.Places = []Position{{0, 1}}
		if report := r.replay(o); report.Replayed != 1 || report.Letters != 1 {
			t.Errorf("by place: %+v", report)
		}
		o = options()
		o.States = []State{StateClosed}
		if report := r.replay(o); report.Replayed != 2 || report.Already != 1 {
			t.Errorf("by state: %+v", report)
		}
		if got := r.list(Filter{States: []State{StateReplayed}}); len(got) != 3 || r.events()["ce:/site 1"] != 1 {
			t.Errorf("%v, %v", ids(got), r.events())
		}
		if done := r.closeLetters(CloseOptions{Filter: Filter{Places: []Position{{0, 1}}}, Word: "too late"}); done.Already != 1 || len(r.list(Filter{States: []State{StateClosed}})) != 0 {
			t.Errorf("a replayed letter was closed: %+v", done)
		}
	})
}

// A letter that is closed on the shelf, and after an export and an import.
func TestClosedLettersElsewhere(t *testing.T) {
	bubble(t, 1, func(t *testing.T, r *rig) {
		r.seed(letters(2, 1)...)
		shelf := r.topic.NewShelf(DefaultShelfLimits(), newTransformer(t))
		if err := shelf.Refresh(t.Context(), 0); err != nil {
			t.Fatal(err)
		}
		r.closeLetters(CloseOptions{Filter: Filter{EventIDs: []string{"ce:/site 1"}}, Word: "seen"})
		if err := shelf.Refresh(t.Context(), 0); err != nil {
			t.Fatal(err)
		}
		found := shelf.Search(Query{States: []State{StateClosed}, Words: []string{"ITS W"}, Sources: []string{"/site"}})
		if found.Total != 1 || found.Items[0].Word != "seen" || found.Items[0].Source != "/site" {
			t.Errorf("%+v", found)
		}
		if none := shelf.Search(Query{Words: []string{"other words"}}); none.Total != 0 {
			t.Errorf("%+v", none)
		}
	})
}

func TestCloseNeedsLettersAndAWord(t *testing.T) {
	bubble(t, 1, func(t *testing.T, r *rig) {
		if _, err := r.topic.CloseLetters(t.Context(), CloseOptions{Word: "all"}); !errors.Is(err, ErrCloseWhich) {
			t.Error(err)
		}
		for _, word := range []string{"", "  ", "two\nlines", "for anna@example.com", "called +7 (916) 123-45-67", string(make([]rune, 201))} {
			if _, err := Word(word); !errors.Is(err, ErrWord) {
				t.Errorf("%q: %v", word, err)
			}
		}
		if word, err := Word(" order 4711, a test "); err != nil || word != "order 4711, a test" {
			t.Error(word, err)
		}
	})
}

func TestFilterByWordsAndSourceNewestFirst(t *testing.T) {
	bubble(t, 2, func(t *testing.T, r *rig) {
		all := letters(4, 2)
		all[1].more = map[string]string{header.Message: "Field post is required"}
		all[2].id = "kafka:leads:0:2" // made of coordinates: its source is the topic
		r.seed(all...)
		if got := ids(r.list(Filter{Words: []string{"POST IS"}})); !slices.Equal(got, []string{"ce:/site 1"}) {
			t.Errorf("words: %v", got)
		}
		if got := ids(r.list(Filter{Sources: []string{"leads"}})); !slices.Equal(got, []string{"kafka:leads:0:2"}) {
			t.Errorf("source: %v", got)
		}
		if got := ids(r.list(Filter{Newest: true, Limit: 2})); !slices.Equal(got, []string{"ce:/site 3", "kafka:leads:0:2"}) {
			t.Errorf("newest: %v", got)
		}
	})
}

// A replay takes the states that are asked for, and refuses erased letters, which hold no event.
func TestReplayByState(t *testing.T) {
	for name, test := range map[string]struct {
		states   []State
		places   []Position
		replayed int
	}{
		"none asked for":   {nil, nil, 2},
		"open":             {[]State{StateOpen}, nil, 2},
		"open, of a place": {[]State{StateOpen}, []Position{{0, 0}}, 0},
		"closed":           {[]State{StateClosed}, nil, 1},
		"open and closed":  {[]State{StateOpen, StateClosed}, nil, 3},
		"replayed":         {[]State{StateReplayed}, nil, 0},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, 1, func(t *testing.T, r *rig) {
				r.seed(letters(3, 1)...)
				r.closeLetters(CloseOptions{Filter: Filter{Places: []Position{{0, 0}}}, Word: "later"})
				o := options()
				o.States, o.Places = test.states, test.places
				if report := r.replay(o); report.Replayed != test.replayed {
					t.Errorf("%+v, want %d replayed", report, test.replayed)
				}
			})
		})
	}
	bubble(t, 1, func(t *testing.T, r *rig) {
		r.seed(letters(1, 1)...)
		o := options()
		o.States = []State{StateOpen, StateErased}
		if report, err := r.topic.Replay(t.Context(), o); !errors.Is(err, ErrStates) || report.Letters != 0 || len(r.events()) != 0 {
			t.Errorf("%+v, %v", report, err)
		}
	})
}
