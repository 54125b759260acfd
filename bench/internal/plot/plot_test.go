package plot

import (
	"encoding/xml"
	"errors"
	"io"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestWrite(t *testing.T) {
	t.Parallel()
	panels := []Panel{
		{Title: `limits & <more> "quoted"`, Note: "5/s", From: 1, To: 3,
			Points: []Point{{0, 0}, {1, 5}, {2, 4}}, Levels: []Level{{5, "ceiling"}}},
		{Title: "empty"},
		{Title: "flat", Points: []Point{{0, 0}, {1, 0}}},
	}
	var b strings.Builder
	if err := Write(&b, "a > b", panels); err != nil {
		t.Fatal(err)
	}
	texts := wellFormed(t, b.String())
	for _, want := range []string{"a > b", panels[0].Title, "ceiling 5", "empty", "flat"} {
		if !texts[want] {
			t.Errorf("the text %q is not drawn", want)
		}
	}
	for _, bad := range []string{"NaN", "Inf", "http://www.w3.org/1999/xlink", "<script"} {
		if strings.Contains(b.String(), bad) {
			t.Errorf("it holds %q", bad)
		}
	}
	for _, colours := range []string{".back{fill:#ffffff}", "prefers-color-scheme:dark", ".back{fill:#0d1117}"} {
		if !strings.Contains(b.String(), colours) {
			t.Errorf("it lacks %q", colours)
		}
	}
}

// wellFormed parses a drawing and gives its texts.
func wellFormed(t *testing.T, svg string) map[string]bool {
	t.Helper()
	texts := map[string]bool{}
	d := xml.NewDecoder(strings.NewReader(svg))
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return texts
		}
		if err != nil {
			t.Fatalf("not well-formed: %v\n%s", err, svg)
		}
		if text, ok := token.(xml.CharData); ok {
			texts[string(text)] = true
		}
	}
}

// TestInsideTheArea keeps lines from leaving their panel.
func TestInsideTheArea(t *testing.T) {
	t.Parallel()
	p := Panel{From: 2, To: 12, Points: []Point{{0, 0}, {10, 90}}, Levels: []Level{{100, ""}}}
	s := p.scale()
	for _, at := range append(p.Points, Point{p.To, p.Levels[0].Y}) {
		if x, y := s.x(at.X), s.y(at.Y); x < padLeft || x > padLeft+areaX || y < padTop || y > padTop+areaY {
			t.Errorf("%v is drawn at %v, %v", at, x, y)
		}
	}
}

func TestTicks(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		limit float64
		n     int
		want  []float64
	}{
		{267, 4, []float64{0, 100, 200}},
		{5.2, 4, []float64{0, 2, 4}},
		{20, 4, []float64{0, 5, 10, 15, 20}},
		{0.1, 4, []float64{0, 0.05, 0.1}},
		{180, 6, []float64{0, 50, 100, 150}},
		{0, 4, []float64{0}},
		{math.NaN(), 4, []float64{0}},
		{math.Inf(1), 4, []float64{0}},
	} {
		if diff := cmp.Diff(c.want, Ticks(c.limit, c.n)); diff != "" {
			t.Errorf("%v in %d steps: %s", c.limit, c.n, diff)
		}
	}
}

func TestNumber(t *testing.T) {
	t.Parallel()
	for v, want := range map[float64]string{0: "0", 2.5: "2.5", 250: "250", 3200: "3200", 12000: "12k", 21_952: "22k", 15_250: "15.3k"} {
		if got := number(v); got != want {
			t.Errorf("%v is spelled %q, want %q", v, got, want)
		}
	}
}
