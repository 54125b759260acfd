//go:build registry

package schemas

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/leadbridge/leadbridge/transform"
)

// APICURIO_DIR is where Apicurio Registry is unpacked, which make test-registry does. It runs on Java.
const envApicurio = "APICURIO_DIR"

// apicurio is a running registry.
type apicurio struct {
	t    *testing.T
	port int
	cmd  *exec.Cmd
}

func startApicurio(t *testing.T, port int) *apicurio {
	t.Helper()
	jars, err := filepath.Glob(filepath.Join(os.Getenv(envApicurio), "*-runner.jar"))
	if err != nil || len(jars) != 1 {
		t.Fatalf("%s is not where Apicurio Registry is unpacked: run make test-registry", envApicurio)
	}
	if port == 0 {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		port = l.Addr().(*net.TCPAddr).Port
		_ = l.Close()
	}
	a := &apicurio{t: t, port: port}
	a.cmd = exec.Command("java", "-Xmx512m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", fmt.Sprintf("-Dquarkus.http.port=%d", port), "-Dquarkus.http.host=127.0.0.1", "-jar", jars[0])
	a.cmd.Dir = t.TempDir()
	if err := a.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(a.kill)
	deadline := time.Now().Add(3 * time.Minute)
	for {
		resp, err := http.Get(a.url() + "/subjects")
		if err == nil {
			_ = resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return a
			}
		}
		if time.Now().After(deadline) {
			t.Fatal("the registry does not answer")
		}
		time.Sleep(500 * time.Millisecond)
	}
}

func (a *apicurio) url() string { return fmt.Sprintf("http://127.0.0.1:%d/apis/ccompat/v7", a.port) }

func (a *apicurio) kill() {
	if a.cmd.ProcessState == nil {
		_ = a.cmd.Process.Kill()
		_ = a.cmd.Wait()
	}
}

// register registers a schema, and returns its id.
func (a *apicurio) register(subject string, schema json.RawMessage) uint32 {
	a.t.Helper()
	resp, err := http.Post(a.url()+"/subjects/"+subject+"/versions", "application/json", bytes.NewReader(schema))
	if err != nil {
		a.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	var made struct {
		ID uint32 `json:"id"`
	}
	if err = errors.Join(err, json.Unmarshal(text, &made)); err != nil || made.ID == 0 {
		a.t.Fatalf("%s: %d %s, %v", subject, resp.StatusCode, text, err)
	}
	return made.ID
}

// TestRegistryOfApicurio reads what Confluent's serializers wrote by the schemas of a real registry, which dies and
// comes back.
func TestRegistryOfApicurio(t *testing.T) {
	g := readGolden(t)
	a := startApicurio(t, 0)
	byText := map[string]uint32{}
	// Schemas that others refer to come first.
	subjects := slices.SortedFunc(maps.Keys(g.Registry.Subjects), func(x, y string) int {
		return strings.Count(string(g.Registry.Subjects[x]), `"subject"`) - strings.Count(string(g.Registry.Subjects[y]), `"subject"`)
	})
	for _, subject := range subjects {
		name, _, _ := strings.Cut(subject, "/")
		text := g.Registry.Subjects[subject]
		byText[string(text)] = a.register(name, text)
	}
	ids := map[uint32]uint32{} // by those in the golden values
	for id, text := range g.Registry.IDs {
		ids[number(t, id)] = byText[string(text)]
	}
	r := newReader(t, nil, a.url())
	read := func(t *testing.T) {
		for _, c := range g.Cases {
			if len(c.Headers) > 0 {
				continue // GUIDs are Confluent's alone
			}
			t.Run(c.Name, func(t *testing.T) {
				value, err := base64.StdEncoding.DecodeString(c.Value)
				if err != nil {
					t.Fatal(err)
				}
				binary.BigEndian.PutUint32(value[1:], ids[binary.BigEndian.Uint32(value[1:])])
				text, err := r.JSON(&transform.Record{Value: value})
				if err != nil || string(text) != c.Want {
					t.Errorf("got  %s, %v\nwant %s", text, err, c.Want)
				}
			})
		}
	}
	read(t)
	if _, err := r.JSON(framed(9_999, "x")); err == nil || !strings.Contains(err.Error(), "no schema of id 9999") {
		t.Errorf("an unknown id: %v", err)
	}
	found := r.Preflight(context.Background(), "leads-avro")
	if len(found) != 2 || found[0].Level != "ok" || found[1].Level != "ok" {
		t.Errorf("check says %+v", found)
	}

	a.kill()
	t.Run("known schemas without the registry", read)
	_, err := r.JSON(framed(77, "x"))
	u, ok := errors.AsType[*Unread](err)
	if !ok {
		t.Fatalf("an id that is asked for without the registry: %v", err)
	}
	startApicurio(t, a.port)
	<-u.Ready()
	if _, err := r.JSON(framed(77, "x")); err == nil || !strings.Contains(err.Error(), "no schema of id 77") {
		t.Errorf("when it is back: %v", err)
	}
}

func number(t *testing.T, text string) uint32 {
	t.Helper()
	var n uint32
	if _, err := fmt.Sscan(text, &n); err != nil {
		t.Fatal(err)
	}
	return n
}
