package main

import (
	"context"
	"errors"

	"github.com/leadbridge/leadbridge/browser/internal/lab"
	"github.com/leadbridge/leadbridge/browser/internal/screen"
)

// playground makes the pictures of a demo that was kept: one lead became a contact, one a dead letter, and one waits as the
// CRM's key is revoked.
func playground(ctx context.Context, b *screen.Browser, binary, out string) (err error) {
	p, err := lab.StartPlayground(ctx, binary, 0)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.Close()) }()
	tab, err := b.Open(screen.View{Width: 1280, Height: 1250})
	if err != nil {
		return err
	}
	defer tab.Close()
	send := func(name, phone, email string) func() error {
		return func() error {
			for _, field := range [][2]string{{"#name", name}, {"#phone", phone}, {"#email", email}} {
				if err := steps(click(tab, field[0]), func() error { return tab.Press("Control+a", "Backspace") }, func() error { return tab.Type(field[1]) }); err != nil {
					return err
				}
			}
			return steps(click(tab, ".lead-form button"), comes(tab, text(".fates h3", name)))
		}
	}
	err = steps(
		func() error { return tab.Go(p.URL) },
		send("Anna Brown", "8 (916) 123-45-67", "anna@example.com"),
		comes(tab, text(".fates [data-state=contact]", "Anna Brown")),
		send("Boris Green", "12", ""),
		comes(tab, text(".fates [data-state=letter]", "Boris Green")),
		click(tab, "[aria-describedby=does-key]"),
		comes(tab, text("[aria-describedby=does-key]", "(on)")),
		send("Clara White", "+44 20 7946 0958", "clara@example.com"),
		comes(tab, text("#state", "Held")),
		comes(tab, text(".fates [data-state=sent]", "held")),
		func() error { _, err := screen.Eval[bool](tab, "scrollTo(0, 0), true"); return err },
	)
	if err != nil {
		return err
	}
	for _, dark := range []bool{false, true} {
		name, view := "playground-light", screen.View{Width: 1280, Height: 1250, Dark: dark}
		if dark {
			name = "playground-dark"
		}
		if err := pictureOf(b, view, p.URL, out, name); err != nil {
			return err
		}
	}
	return nil
}

// pictureOf makes a picture of an address as it is.
func pictureOf(b *screen.Browser, v screen.View, address, out, name string) error {
	tab, err := b.Open(v)
	if err != nil {
		return err
	}
	defer tab.Close()
	if err := steps(func() error { return tab.Go(address) }, comes(tab, text("#state", "Held"))); err != nil {
		return err
	}
	png, err := tab.Shot()
	if err != nil {
		return err
	}
	return save(out, name, png)
}

// comes waits for a condition of a document that is yet to be loaded.
func comes(t *screen.Tab, condition string) func() error {
	return func() error { return t.Await(condition) }
}
