package main

import (
	"bytes"
	"cmp"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"slices"
)

// colours is how many a PNG with a palette has at most.
const colours = 256

// reduce gives a PNG with a palette of its commonest colours: of a page, which has few,
// about a third of the bytes, and nothing that an eye would see.
func reduce(data []byte) ([]byte, error) {
	full, err := png.Decode(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("read a screenshot: %w", err)
	}
	few := image.NewPaletted(full.Bounds(), palette(full))
	draw.Draw(few, few.Bounds(), full, full.Bounds().Min, draw.Src)
	var out bytes.Buffer
	encoder := png.Encoder{CompressionLevel: png.BestCompression}
	if err := encoder.Encode(&out, few); err != nil {
		return nil, fmt.Errorf("write a screenshot: %w", err)
	}
	return out.Bytes(), nil
}

// palette are the commonest colours, those that differ by next to nothing counted as one.
func palette(full image.Image) color.Palette {
	counts := map[color.RGBA]int{}
	exact := map[color.RGBA]map[color.RGBA]int{}
	for y := full.Bounds().Min.Y; y < full.Bounds().Max.Y; y++ {
		for x := full.Bounds().Min.X; x < full.Bounds().Max.X; x++ {
			c, _ := color.RGBAModel.Convert(full.At(x, y)).(color.RGBA)
			near := color.RGBA{c.R &^ 7, c.G &^ 7, c.B &^ 7, 255}
			counts[near]++
			if exact[near] == nil {
				exact[near] = map[color.RGBA]int{}
			}
			exact[near][c]++
		}
	}
	all := make([]color.RGBA, 0, len(counts))
	for c := range counts {
		all = append(all, c)
	}
	slices.SortFunc(all, func(a, b color.RGBA) int {
		return cmp.Or(cmp.Compare(counts[b], counts[a]), cmp.Compare(a.R, b.R), cmp.Compare(a.G, b.G), cmp.Compare(a.B, b.B))
	})
	chosen := make(color.Palette, 0, colours)
	for _, near := range all[:min(len(all), colours)] {
		chosen = append(chosen, commonest(exact[near]))
	}
	return chosen
}

func commonest(counts map[color.RGBA]int) color.RGBA {
	var best color.RGBA
	for c, n := range counts {
		if n > counts[best] || n == counts[best] && (c.R < best.R || c.R == best.R && c.G < best.G) {
			best = c
		}
	}
	return best
}
