// Package plot draws small line charts, one a panel, as SVG. A drawing brings
// its own background and colours for light and dark.
package plot

import (
	"encoding/xml"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
)

// Panel is one chart: a rate over seconds.
type Panel struct {
	Title    string
	Note     string // shown beside the title
	Points   []Point
	Levels   []Level
	From, To float64 // the part that counts, in seconds: shaded
}

// Point is one of a panel's line.
type Point struct{ X, Y float64 }

// Level is a dashed line across a panel.
type Level struct {
	Y     float64
	Label string
}

// Sizes, in pixels.
const (
	columns = 2
	width   = 470 // of a panel with its margins
	height  = 210
	top     = 44 // above the first panel
	padLeft = 58
	padTop  = 34
	areaX   = width - padLeft - 22
	areaY   = height - padTop - 38
)

// style spells all colours out twice: not every viewer knows variables.
const style = `<style>
text{font:12px system-ui,-apple-system,"Segoe UI",sans-serif;fill:#59636e}
.head{font-weight:600;fill:#1f2328}.title{font-size:15px}.note{fill:#0969da}.level{fill:#bc4c00}
.end{text-anchor:end}.mid{text-anchor:middle}
.back{fill:#ffffff}.shade{fill:#0969da;opacity:.08}
.grid{stroke:#d8dee4;fill:none}.line{stroke:#0969da;fill:none;stroke-width:1.8;stroke-linejoin:round}
.dash{stroke:#bc4c00;fill:none;stroke-dasharray:5 4}
@media (prefers-color-scheme:dark){
text{fill:#9198a1}.head{fill:#e6edf3}.note{fill:#58a6ff}.level{fill:#f0883e}
.back{fill:#0d1117}.shade{fill:#58a6ff}
.grid{stroke:#30363d}.line{stroke:#58a6ff}.dash{stroke:#f0883e}
}
</style>
`

// Write draws the panels under a title.
func Write(w io.Writer, title string, panels []Panel) error {
	rows := (len(panels) + columns - 1) / columns
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%[1]d" height="%[2]d" role="img" aria-label="%[3]s">`+"\n",
		columns*width, top+rows*height, escaped(title+": contacts a second over time"))
	b.WriteString(style)
	b.WriteString(`<rect class="back" width="100%" height="100%" rx="6"/>` + "\n")
	text(&b, 16, 27, "head title", title)
	text(&b, columns*width-22, 27, "end", "contacts a second over seconds; shaded: what is measured")
	for i, p := range panels {
		fmt.Fprintf(&b, `<g transform="translate(%d %d)">`+"\n", i%columns*width, top+i/columns*height)
		p.draw(&b)
		b.WriteString("</g>\n")
	}
	b.WriteString("</svg>\n")
	_, err := io.WriteString(w, b.String())
	return err
}

// scale maps a panel's values to pixels.
type scale struct{ maxX, maxY float64 }

func (p Panel) scale() scale {
	s := scale{maxX: p.To, maxY: 0}
	for _, at := range p.Points {
		s.maxX, s.maxY = max(s.maxX, at.X), max(s.maxY, at.Y)
	}
	for _, l := range p.Levels {
		s.maxY = max(s.maxY, l.Y*1.05)
	}
	s.maxX, s.maxY = max(s.maxX, 1e-3), max(s.maxY*1.02, 1e-3)
	return s
}

func (s scale) x(v float64) float64 { return padLeft + v/s.maxX*areaX }

func (s scale) y(v float64) float64 { return padTop + areaY - v/s.maxY*areaY }

func (p Panel) draw(b *strings.Builder) {
	s := p.scale()
	text(b, padLeft, 20, "head", p.Title)
	text(b, padLeft+areaX, 20, "end note", p.Note)
	if p.To > p.From {
		fmt.Fprintf(b, `<rect class="shade" x="%.1f" y="%d" width="%.1f" height="%d"/>`+"\n", s.x(p.From), padTop, s.x(p.To)-s.x(p.From), areaY)
	}
	p.axes(b, s)
	for _, l := range p.Levels {
		fmt.Fprintf(b, `<path class="dash" d="M%d %.1fH%d"/>`+"\n", padLeft, s.y(l.Y), padLeft+areaX)
		text(b, padLeft+4, s.y(l.Y)+13, "level", l.Label+" "+number(l.Y))
	}
	p.line(b, s)
}

// axes draws the grid and its numbers.
func (p Panel) axes(b *strings.Builder, s scale) {
	for _, v := range Ticks(s.maxY, 4) {
		fmt.Fprintf(b, `<path class="grid" d="M%d %.1fH%d"/>`+"\n", padLeft, s.y(v), padLeft+areaX)
		text(b, padLeft-6, s.y(v)+4, "end", number(v))
	}
	for _, v := range Ticks(s.maxX, 6) {
		text(b, s.x(v), padTop+areaY+16, "mid", number(v))
	}
}

func (p Panel) line(b *strings.Builder, s scale) {
	if len(p.Points) == 0 {
		return
	}
	b.WriteString(`<path class="line" d="`)
	for i, at := range p.Points {
		command := "L"
		if i == 0 {
			command = "M"
		}
		fmt.Fprintf(b, "%s%.1f %.1f", command, s.x(at.X), s.y(at.Y))
	}
	b.WriteString("\"/>\n")
}

// Ticks are round values from 0 to limit, in at most n steps.
func Ticks(limit float64, n int) []float64 {
	if limit <= 0 || math.IsInf(limit, 0) || math.IsNaN(limit) {
		return []float64{0}
	}
	// The finest of 1, 2 and 5 times a power of ten that is coarse enough.
	raw := limit / float64(n)
	step := math.Pow(10, math.Floor(math.Log10(raw)))
	for _, times := range [...]float64{1, 2, 5, 10} {
		if step*times >= raw*(1-1e-9) {
			step *= times
			break
		}
	}
	var ticks []float64
	for i := 0; float64(i)*step <= limit*(1+1e-9); i++ {
		ticks = append(ticks, float64(i)*step)
	}
	return ticks
}

// number spells a value of an axis: 250, 2.5, 12k.
func number(v float64) string {
	if v >= 10_000 {
		return strconv.FormatFloat(math.Round(v/100)/10, 'f', -1, 64) + "k"
	}
	return strconv.FormatFloat(math.Round(v*100)/100, 'f', -1, 64)
}

func text(b *strings.Builder, x, y float64, class, s string) {
	fmt.Fprintf(b, `<text class="%s" x="%.1f" y="%.1f">%s</text>`+"\n", class, x, y, escaped(s))
}

func escaped(s string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(s)) // a Builder takes everything
	return b.String()
}
