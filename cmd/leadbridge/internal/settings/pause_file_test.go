package settings

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestReadPause(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "paused")
	if paused, note, err := ReadPause(file); paused || note != "" || err != nil {
		t.Errorf("no file: %v %q %v", paused, note, err)
	}
	for content, want := range map[string]struct {
		paused bool
		note   string
		fails  bool
	}{
		"":                                  {false, "", false},
		"\n":                                {false, "", false},
		"true":                              {true, "", false},
		"TRUE\n":                            {true, "", false},
		"on":                                {true, "", false},
		"false\n":                           {false, "", false},
		"false since Tuesday":               {false, "since Tuesday", false},
		"true: ops, the CRM moves\nmore":    {true, "ops, the CRM moves", false},
		"yes \x1b[31mred":                   {true, "[31mred", false},
		"true " + strings.Repeat("x", 1000): {true, strings.Repeat("x", 100) + "…", false},
		"maybe":                             {false, "", true},
		"paused":                            {false, "", true},
	} {
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if paused, note, err := ReadPause(file); paused != want.paused || note != want.note || (err != nil) != want.fails {
			t.Errorf("%.20q: %v %q %v", content, paused, note, err)
		}
	}
	if _, _, err := ReadPause(t.TempDir()); err == nil {
		t.Error("a folder can be read")
	}
}

func TestPauseSettings(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "paused")
	if err := os.WriteFile(file, []byte("perhaps"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		change func(*Service)
		want   []string
		paused bool
	}{
		"nothing":      {func(*Service) {}, nil, false},
		"paused":       {func(s *Service) { s.Paused = "true" }, nil, true},
		"no file yet":  {func(s *Service) { s.PausedFile = file + ".none" }, nil, false},
		"no folder":    {func(s *Service) { s.PausedFile = file + "/none/paused" }, []string{"PAUSED_FILE"}, false},
		"neither":      {func(s *Service) { s.Paused = "maybe" }, []string{"PAUSED"}, false},
		"a wrong file": {func(s *Service) { s.PausedFile = file }, []string{"PAUSED_FILE"}, false},
	} {
		cfg, err := service(t, c.change).Parse()
		if diff := cmp.Diff(c.want, variables(t, err)); diff != "" || cfg.Pause.Paused != c.paused {
			t.Errorf("%s: paused %v, faults (-want +got):\n%s", name, cfg.Pause.Paused, diff)
		}
	}
}
