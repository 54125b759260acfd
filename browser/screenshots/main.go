// Command screenshots makes the pictures of the page in docs/: it runs the built leadbridge
// with an embedded broker and the simulated CRM, lets leads flow, and looks at it in Chromium.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"time"

	"github.com/leadbridge/leadbridge/browser/internal/lab"
	"github.com/leadbridge/leadbridge/browser/internal/screen"
)

func main() {
	binary := flag.String("binary", "bin/leadbridge", "the built leadbridge")
	out := flag.String("out", "docs", "directory of the pictures")
	flow := flag.Duration("flow", 100*time.Second, "how long leads flow before the first picture")
	zipkin := flag.String("zipkin", "", "jar of a Zipkin server, or the address of one: make the picture of a trace by it, and no other")
	only := flag.String("only", "", "a regular expression of the names of pictures to make, such as edit|held; by default all")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	chosen, err := regexp.Compile(*only)
	switch {
	case err != nil:
	case *zipkin != "":
		err = trace(ctx, *binary, *zipkin, *out)
	default:
		err = run(ctx, *binary, *out, *flow, chosen)
	}
	stop()
	if err != nil {
		_, _ = fmt.Fprintln(os.Stderr, err)
		os.Exit(1) //nolint:forbidigo // this is main
	}
}

func run(ctx context.Context, binary, out string, flow time.Duration, only *regexp.Regexp) (err error) {
	l, err := lab.Start(binary)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, l.Close()) }()
	if err := l.Produce(ctx, lab.Letters, past()...); err != nil {
		return err
	}
	if err := l.Serve(ctx); err != nil {
		return err
	}
	b, err := screen.Start(ctx)
	if err != nil {
		return err
	}
	defer b.Close()
	if err := leads(ctx, l, flow); err != nil {
		return err
	}
	flowing, end := context.WithCancel(ctx)
	defer end()
	ended := make(chan error, 1)
	go func() { ended <- leads(flowing, l, time.Hour) }()
	for _, s := range scenes() {
		if !only.MatchString(s.name) {
			continue
		}
		if err := s.take(b, l, out); err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
	}
	end()
	if err := <-ended; err != nil || !only.MatchString("playground") {
		return err
	}
	return playground(ctx, b, binary, out)
}

// leads flow for a while, more and fewer of them a second, and a few that are no good.
func leads(ctx context.Context, l *lab.Lab, long time.Duration) error {
	const tick = 250 * time.Millisecond
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	began, from := time.Now(), int(time.Now().UnixMilli())
	for n := 0; time.Since(began) < long; n++ {
		rate := 40 + 25*math.Sin(time.Since(began).Seconds()/9) + 8*math.Sin(time.Since(began).Seconds()/2)
		records := lab.Many(from, int(rate*tick.Seconds()))
		from += len(records)
		if n%37 == 0 {
			records = append(records, lab.Event(fmt.Sprintf("ce:/shop bad-%d", from), `{"fullName":"Анна Смирнова","phone":"12"}`))
		}
		if err := l.Produce(ctx, lab.Leads, records...); err != nil && ctx.Err() == nil {
			return err
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return nil
		}
	}
	return nil
}

// past are the letters of the last day.
func past() []lab.Record {
	records := lab.Refused(0, 34)
	for i := range 60 {
		at := time.Now().Add(-time.Duration(i*i) * 23 * time.Hour / 3600)
		letter := lab.Letter{At: at, Reason: "NO_CONTACT_POINT", EventID: fmt.Sprintf("ce:/shop nobody-%d", i), Value: `{"fullName":"Анна Смирнова","phone":"12"}`}
		switch {
		case i%5 == 1:
			letter.Reason, letter.Value = "MALFORMED_EVENT", `name=Анна&phone=12`
		case i%11 == 2:
			letter = lab.Letter{At: at, Reason: "RETRIES_EXHAUSTED", Status: 403, Code: "BITRIX_ACCESS_DENIED", Message: "No access to the company.", Attempts: 6, EventID: letter.EventID, Value: fmt.Sprintf(`{"name":"Иван Козлов","email":"ivan.%d@example.com","companyId":77}`, i)}
		}
		records = append(records, letter.Record(i%lab.Partitions))
	}
	return records
}

// save writes a picture, small.
func save(out, name string, png []byte) error {
	small, err := reduce(png)
	if err != nil {
		return err
	}
	path := filepath.Join(out, name+".png")
	fmt.Printf("%s  %d KiB\n", path, len(small)/1024) //nolint:forbidigo // it says what it made
	return os.WriteFile(path, small, 0o600)
}
