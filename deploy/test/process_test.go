package deploytest

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"net/http"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/leadbridge/leadbridge/webhook"
)

func parseSources(text string) error {
	_, err := webhook.ParseSources([]byte(text), webhook.Environment{
		LookupEnv:   func(string) (string, bool) { return "c2VjcmV0", true },
		ReadFile:    func(string) ([]byte, error) { return []byte("c2VjcmV0"), nil },
		PhoneRegion: "RU",
	})
	return err
}

// certificate makes a key pair that signs itself, as PEM.
func certificate(t *testing.T) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalECPrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})), string(pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: keyDER}))
}

// secretTexts are what the Secrets that the matrix names hold.
func secretTexts(t *testing.T) map[string]string {
	cert, key := certificate(t)
	return map[string]string{
		"/etc/leadbridge/kafka-ca/ca.crt":      cert,
		"/etc/leadbridge/kafka-client/tls.crt": cert,
		"/etc/leadbridge/kafka-client/tls.key": key,
		"/etc/leadbridge/crm/api-key":          "vibe_api_test",

		"/etc/leadbridge/schema-registry/password":       "hush",
		"/etc/leadbridge/schema-registry-ca/ca.crt":      cert,
		"/etc/leadbridge/schema-registry-client/tls.crt": cert,
		"/etc/leadbridge/schema-registry-client/tls.key": key,

		"/etc/leadbridge/admin/token":          "0123456789abcdef0123456789abcdef",
		"/etc/leadbridge/admin-oidc-ca/ca.crt": cert,
		"/etc/leadbridge/pause/paused":         "false",
		"/etc/leadbridge/tracing/key":          "x-api-key=collector",
	}
}

// TestTheProgramTakesTheSettings starts what the pods run, with every setting, on ports of its own:
// it starts, answers each probe where the pod's probe looks, and stops within the grace period.
func TestTheProgramTakesTheSettings(t *testing.T) {
	t.Parallel()
	r := render(t, everySetting)
	for name, pod := range r.pods() {
		if !strings.HasPrefix(name, "Deployment ") {
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := startPod(t, r, pod)
			for _, probe := range []*corev1.Probe{pod.Spec.Containers[0].StartupProbe, pod.Spec.Containers[0].LivenessProbe, pod.Spec.Containers[0].ReadinessProbe} {
				p.probe(probe.HTTPGet)
			}
			p.probe(&corev1.HTTPGetAction{Path: "/metrics", Port: pod.Spec.Containers[0].LivenessProbe.HTTPGet.Port})
			p.stop(time.Duration(*pod.Spec.TerminationGracePeriodSeconds) * time.Second)
		})
	}
}

// TestJobsTakeTheSettings runs what ends by itself: it fails for want of brokers, and not for its settings.
func TestJobsTakeTheSettings(t *testing.T) {
	t.Parallel()
	r := render(t, everySetting)
	for name, pod := range r.pods() {
		if strings.HasPrefix(name, "Deployment ") {
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			environ := containerEnv(t, r, pod, t.TempDir(), secretTexts(t))
			if out, code := output(ctx, t, environ, pod.Spec.Containers[0].Args...); code != 1 || strings.Contains(out, "cannot be used") {
				t.Errorf("exit code %d:\n%s", code, out)
			}
		})
	}
}

// process is a pod's container that runs here.
type process struct {
	t     *testing.T
	cmd   *exec.Cmd
	addrs map[string]string // of its ports, by name
	ended chan error
}

// startPod starts a pod's container and waits until it says that it has started.
func startPod(t *testing.T, r release, pod corev1.PodTemplateSpec) *process {
	t.Helper()
	container := pod.Spec.Containers[0]
	p := &process{t: t, addrs: map[string]string{}, ended: make(chan error, 1)}
	environ := containerEnv(t, r, pod, t.TempDir(), secretTexts(t))
	for i, variable := range environ {
		for _, port := range container.Ports {
			name, value, _ := strings.Cut(variable, "=")
			if _, listens, err := net.SplitHostPort(value); err == nil && strings.HasSuffix(name, "_ADDR") && listens == portText(port) {
				p.addrs[port.Name] = freeAddress(t)
				environ[i] = name + "=" + p.addrs[port.Name]
			}
		}
	}
	if len(p.addrs) != len(container.Ports) {
		t.Fatalf("ports %v are not those that the settings name: %v", container.Ports, p.addrs)
	}
	p.start(environ, container.Args...)
	return p
}

// startProgram starts the program and waits until it says that it has started.
func startProgram(t *testing.T, environ []string, args ...string) *process {
	t.Helper()
	p := &process{t: t, ended: make(chan error, 1)}
	p.start(environ, args...)
	return p
}

func (p *process) start(environ []string, args ...string) {
	p.t.Helper()
	p.cmd = exec.Command(program(p.t), args...)
	p.cmd.Env = environ
	stderr, err := p.cmd.StderrPipe()
	if err != nil {
		p.t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() { _ = p.cmd.Process.Kill() })
	started := make(chan struct{})
	var said strings.Builder
	go func() {
		lines := bufio.NewScanner(stderr)
		for waiting := true; lines.Scan(); {
			if waiting {
				said.WriteString(lines.Text() + "\n")
				if startedLine.MatchString(lines.Text()) {
					close(started)
					waiting = false
				}
			}
		}
		p.ended <- p.cmd.Wait()
	}()
	select {
	case <-started:
	case err := <-p.ended:
		p.t.Fatalf("it ended (%v):\n%s", err, said.String())
	}
}

var startedLine = regexp.MustCompile(`(INF |")started\b`)

func portText(p corev1.ContainerPort) string { return big.NewInt(int64(p.ContainerPort)).String() }

func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// probe fails unless the path is served: 200 or 503 are both an answer of it.
func (p *process) probe(get *corev1.HTTPGetAction) {
	p.t.Helper()
	request, err := http.NewRequestWithContext(p.t.Context(), http.MethodGet, "http://"+p.addrs[get.Port.StrVal]+get.Path, nil)
	if err != nil {
		p.t.Fatal(err)
	}
	answer, err := new(http.Client).Do(request)
	if err != nil {
		p.t.Fatal(err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK && answer.StatusCode != http.StatusServiceUnavailable {
		p.t.Errorf("%s on port %s: %s", get.Path, get.Port.StrVal, answer.Status)
	}
}

// stop ends the process as the kubelet does.
func (p *process) stop(grace time.Duration) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		p.t.Fatal(err)
	}
	select {
	case err := <-p.ended:
		if err != nil {
			p.t.Errorf("it ended with %v", err)
		}
	case <-time.After(grace):
		p.t.Errorf("it is still there after its grace period of %v", grace)
	}
}

// probesFit: liveness looks at progress only, and no probe is so strict that one lost answer counts.
func probesFit(t *testing.T, r release) {
	for name, pod := range r.pods() {
		if !strings.HasPrefix(name, "Deployment ") {
			continue
		}
		c := pod.Spec.Containers[0]
		for kind, probe := range map[string]struct {
			probe *corev1.Probe
			path  string
		}{"startup": {c.StartupProbe, "/healthz"}, "liveness": {c.LivenessProbe, "/healthz"}, "readiness": {c.ReadinessProbe, "/readyz"}} {
			p := probe.probe
			if p == nil || p.HTTPGet == nil || p.HTTPGet.Path != probe.path || p.HTTPGet.Port.StrVal != "http" {
				t.Errorf("%s: %s probe: %+v", name, kind, p)
				continue
			}
			if p.FailureThreshold < 2 {
				t.Errorf("%s: one lost answer fails the %s probe", name, kind)
			}
		}
	}
}
