package crmtest

import (
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// timerFD is a timer that is read as a file. The runtime waits for it as it waits for
// connections, and so is woken at the moment itself (timerfd_create(2)).
type timerFD struct{ file *os.File }

func newWakeUp() (wakeUp, error) {
	fd, err := unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_NONBLOCK|unix.TFD_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("timerfd_create: %w", err)
	}
	return &timerFD{os.NewFile(uintptr(fd), "timerfd")}, nil
}

func (t *timerFD) set(in time.Duration) error {
	spec := unix.ItimerSpec{Value: unix.NsecToTimespec(in.Nanoseconds())}
	raw, err := t.file.SyscallConn()
	if err != nil {
		return err
	}
	// Control keeps the descriptor open meanwhile, so that its number is not another's.
	if controlErr := raw.Control(func(fd uintptr) { err = unix.TimerfdSettime(int(fd), 0, &spec, nil) }); controlErr != nil {
		return controlErr
	}
	return err
}

func (t *timerFD) wait() error {
	var rings [8]byte
	_, err := t.file.Read(rings[:])
	return err
}

func (t *timerFD) close() error { return t.file.Close() }
