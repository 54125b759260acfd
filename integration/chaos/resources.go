package main

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"
)

// usage is what a process has.
type usage struct {
	RSS        float64 `json:"rssMiB"`
	Goroutines int     `json:"goroutines"`
	Files      int     `json:"openFiles"`
}

// Most that a process may have at any time: several times what is usual, so that only a leak gets there.
const (
	mostRSS        = 400 // MiB
	mostGoroutines = 3000
	mostFiles      = 1000
)

func (u usage) excessive() bool {
	return u.RSS > mostRSS || u.Goroutines > mostGoroutines || u.Files > mostFiles
}

func (u usage) String() string {
	return fmt.Sprintf("%.0f MiB, %d goroutines, %d open files", u.RSS, u.Goroutines, u.Files)
}

// most has the larger of each.
func most(a, b usage) usage {
	return usage{max(a.RSS, b.RSS), max(a.Goroutines, b.Goroutines), max(a.Files, b.Files)}
}

// usageOf asks the system and the process itself. A process that does not answer has no goroutines.
func usageOf(ctx context.Context, p *process) (usage, error) {
	var u usage
	pages, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", p.pid()))
	if err != nil {
		return u, err
	}
	files, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", p.pid()))
	if err != nil {
		return u, err
	}
	u.Files = len(files)
	if words := strings.Fields(string(pages)); len(words) > 1 {
		n, _ := strconv.ParseFloat(words[1], 64)
		u.RSS = n * float64(os.Getpagesize()) / (1 << 20)
	}
	u.Goroutines = goroutines(ctx, p.lines.address())
	return u, nil
}

// goroutines asks a process by its metrics; 0: it does not answer.
func goroutines(ctx context.Context, address string) int {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+"/metrics", nil)
	if err != nil {
		return 0
	}
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	answer, err := client.Do(r)
	if err != nil {
		return 0
	}
	defer answer.Body.Close()
	for lines := bufio.NewScanner(answer.Body); lines.Scan(); {
		if value, ok := strings.CutPrefix(lines.Text(), "go_goroutines "); ok {
			n, _ := strconv.ParseFloat(value, 64)
			return int(n)
		}
	}
	return 0
}

// watchResources looks at all processes every so often, and says when one has far too much.
func (g *game) watchResources(ctx context.Context) {
	ticker := time.NewTicker(5 * time.Second)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
		for _, p := range g.crew.alive() {
			u, err := usageOf(ctx, p)
			if err != nil {
				continue // it has ended meanwhile
			}
			g.book.weigh(u)
			if u.excessive() {
				g.book.breach("%s has %v", p.name, u)
			}
		}
	}
}

// slope is by how much values grow in a step, by the line that fits them best.
func slope(values []float64) float64 {
	var n, sumX, sumY, sumXX, sumXY float64
	for i, y := range values {
		x := float64(i)
		n, sumX, sumY, sumXX, sumXY = n+1, sumX+x, sumY+y, sumXX+x*x, sumXY+x*y
	}
	if d := n*sumXX - sumX*sumX; d != 0 {
		return (n*sumXY - sumX*sumY) / d
	}
	return 0
}
