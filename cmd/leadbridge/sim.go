package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/leadbridge/leadbridge/cmd/leadbridge/internal/monitor"
	"github.com/leadbridge/leadbridge/cmd/leadbridge/internal/settings"
	"github.com/leadbridge/leadbridge/crmclient/crmtest"
)

type simCommand struct {
	settings.Sim `embed:""`
}

// Help explains how to make it fail.
func (simCommand) Help() string {
	return "Any key except vibe_live_… is valid. Its page and PUT /_sim/faults show and change what fails.\n\n" + crmtest.FaultsHelp
}

// interruptGrace is how long most commands may take to end after a signal; those that need longer have their own.
const interruptGrace = 5 * time.Second

// Run serves the simulator until a signal.
func (c simCommand) Run(p process) error {
	cfg, err := c.Parse()
	if err != nil {
		return err
	}
	ctx, stop := untilSignal(interruptGrace, onStop{})
	defer stop()
	listener, err := monitor.Listen(ctx, "HTTP_ADDR", cfg.HTTPAddr)
	if err != nil {
		return err
	}
	sim := crmtest.New(cfg.Options)
	defer sim.Close()
	if err := sim.SetFaults(cfg.Faults); err != nil {
		return err
	}
	address := "http://" + reachable(listener.Addr())
	_, _ = fmt.Fprintf(p.stderr, "The simulated CRM listens on %[1]s\n\n"+
		"  its page      %[1]s/\n"+
		"  its faults    curl -X PUT %[1]s/_sim/faults -d '{\"fail_before\":0.1}'\n"+
		"  deliver to it CRM_BASE_URL=%[1]s CRM_API_KEY=vibe_api_any leadbridge run\n", address)
	return serveUntil(ctx, sim, listener)
}

// serveUntil serves h until ctx ends; requests that hang on purpose are cut.
func serveUntil(ctx context.Context, h http.Handler, l net.Listener) error {
	server := monitor.NewServer(h, 0)
	defer context.AfterFunc(ctx, func() { _ = server.Close() })()
	if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// reachable returns a listener's address as one that can be opened on this machine.
func reachable(a net.Addr) string {
	tcp, ok := a.(*net.TCPAddr)
	if !ok || !tcp.IP.IsUnspecified() {
		return a.String()
	}
	return fmt.Sprintf("localhost:%d", tcp.Port)
}
