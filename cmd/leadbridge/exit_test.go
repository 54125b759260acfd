package main

import (
	"net"
	"strings"
	"syscall"
	"testing"
)

func TestUsageFaultsExitWith2(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		env  map[string]string
		args []string
		want []string // on stderr
	}{
		"unknown flag":    {nil, []string{"run", "--nonsense"}, []string{"--nonsense"}},
		"unknown command": {nil, []string{"walk"}, []string{"walk"}},
		"no key":          {nil, []string{"run"}, []string{"CRM_API_KEY"}},
		"all at once": {
			map[string]string{"CRM_API_KEY": "vibe_api_x", "CRM_TIMEOUT": "30", "KAFKA_BROKERS": "kafka:", "LOG_FORMAT": "xml"},
			[]string{"check", "--window=0"},
			[]string{"4 settings cannot be used", "CRM_TIMEOUT", "KAFKA_BROKERS", "LOG_FORMAT", "WINDOW"},
		},
		"sim":  {map[string]string{"SIM_FAULTS": "nonsense=1"}, []string{"sim"}, []string{"SIM_FAULTS"}},
		"map":  {map[string]string{"MAPPING_FILE": "preset:nonsense"}, []string{"map"}, []string{"MAPPING_FILE"}},
		"demo": {nil, []string{"demo", "--events=0", "--port=70000"}, []string{"--events", "--port"}},
		"port": {nil, []string{"demo", "--port=8000"}, []string{"--port", "--keep"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			code, stdout, stderr := inProcess(c.env, "", c.args...)
			if code != exitUsage || stdout != "" {
				t.Errorf("exit %d, stdout %q; want 2 and nothing", code, stdout)
			}
			for _, text := range c.want {
				if !strings.Contains(stderr, text) {
					t.Errorf("stderr lacks %q:\n%s", text, stderr)
				}
			}
		})
	}
}

// TestUsageFaultOfTheBinary shows by a real process what the others show by calls.
func TestUsageFaultOfTheBinary(t *testing.T) {
	t.Parallel()
	p := start(t, "main", map[string]string{"CRM_SLOTS": "none"}, "run")
	if code := p.exit(t); code != exitUsage {
		t.Errorf("exit %d, want 2:\n%s", code, p.stderr())
	}
}

func TestEmptyVariableIsNotSet(t *testing.T) {
	t.Parallel()
	_, _, stderr := inProcess(map[string]string{"CRM_TIMEOUT": "", "KAFKA_BROKERS": " "}, "", "run")
	if !strings.Contains(stderr, "1 setting ") || !strings.Contains(stderr, "CRM_API_KEY") {
		t.Errorf("an empty variable is a fault:\n%s", stderr)
	}
}

func TestFlagWinsOverVariable(t *testing.T) {
	t.Parallel()
	env := map[string]string{"CRM_API_KEY": "vibe_api_x", "CRM_TIMEOUT": "wrong", "HTTP_ADDR": "wrong"}
	_, _, stderr := inProcess(env, "", "run", "--crm-timeout=10s")
	if strings.Contains(stderr, "CRM_TIMEOUT") || !strings.Contains(stderr, "HTTP_ADDR") {
		t.Errorf("the flag does not win:\n%s", stderr)
	}
}

func TestVersion(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"version"}, {"--version"}, {"run", "--version"}} {
		code, stdout, _ := inProcess(nil, "", args...)
		if code != 0 || stdout != "leadbridge "+versionText()+"\n" {
			t.Errorf("%v: exit %d, %q", args, code, stdout)
		}
	}
}

func TestTakenPortExitsWith1(t *testing.T) {
	t.Parallel()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	code, _, stderr := inProcess(map[string]string{"CRM_API_KEY": "vibe_api_x", "HTTP_ADDR": l.Addr().String()}, "", "run")
	if code != exitFailed || !strings.Contains(stderr, "is taken by another process") {
		t.Errorf("exit %d: %s", code, stderr)
	}
}

// TestSecondSignal sends two signals to a process that does not end by itself.
func TestSecondSignal(t *testing.T) {
	t.Parallel()
	p := start(t, "slow", nil)
	p.await(t, "ready")
	p.signal(t, syscall.SIGTERM)
	p.await(t, "stopping")
	p.signal(t, syscall.SIGTERM)
	if code := p.exit(t); code != exitInterrupted {
		t.Errorf("exit %d, want 130", code)
	}
}

func TestDeadlineEndsWhatHangs(t *testing.T) {
	t.Parallel()
	p := start(t, "hang", nil)
	p.await(t, "ready")
	p.signal(t, syscall.SIGINT)
	p.await(t, "deadline")
	if code := p.exit(t); code != exitOK {
		t.Errorf("exit %d, want 0: what is left is still in Kafka", code)
	}
}
