package schemas

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/leadbridge/leadbridge/transform"
)

// golden is what testdata/golden.py wrote.
type golden struct {
	Registry struct {
		IDs      map[string]json.RawMessage `json:"ids"`
		GUIDs    map[string]json.RawMessage `json:"guids"`
		Subjects map[string]json.RawMessage `json:"subjects"`
	} `json:"registry"`
	Cases []struct {
		Name    string            `json:"name"`
		Value   string            `json:"value"`
		Headers map[string]string `json:"headers"`
		Want    string            `json:"want"`
	} `json:"cases"`
}

func readGolden(t *testing.T) golden {
	t.Helper()
	text, err := os.ReadFile("testdata/golden.json")
	if err != nil {
		t.Fatal(err)
	}
	var g golden
	if err := json.Unmarshal(text, &g); err != nil {
		t.Fatal(err)
	}
	return g
}

// ServeHTTP answers as the registry in which the schemas were registered.
func (g golden) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	answers := map[string]json.RawMessage{}
	for id, s := range g.Registry.IDs {
		answers["/schemas/ids/"+id] = s
	}
	for guid, s := range g.Registry.GUIDs {
		answers["/schemas/guids/"+guid] = s
	}
	for subject, s := range g.Registry.Subjects {
		name, version, _ := strings.Cut(subject, "/")
		answers["/subjects/"+name+"/versions/"+version] = s
	}
	if s, ok := answers[r.URL.Path]; ok {
		_, _ = w.Write(s)
		return
	}
	w.WriteHeader(http.StatusNotFound)
	_, _ = w.Write([]byte(`{"error_code":40403,"message":"Schema not found"}`))
}

// record is one with a value in Base64 and headers in Base64.
func record(t *testing.T, value string, headers map[string]string) *transform.Record {
	t.Helper()
	decoded := func(s string) []byte {
		b, err := base64.StdEncoding.DecodeString(s)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	r := &transform.Record{Value: decoded(value)}
	for key, v := range headers {
		r.Headers = append(r.Headers, transform.Header{Key: key, Value: decoded(v)})
	}
	return r
}

// newReader is a reader of the registry at the addresses, that waits for its answers.
func newReader(t *testing.T, adjust func(*Config), urls ...string) *Reader {
	t.Helper()
	c := Config{URLs: urls, Patience: 30 * time.Second}
	if adjust != nil {
		adjust(&c)
	}
	r, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Close)
	return r
}

func TestValuesOfTheVendorsSerializersAreRead(t *testing.T) {
	g := readGolden(t)
	server := httptest.NewServer(g)
	defer server.Close()
	r := newReader(t, nil, server.URL)
	for _, c := range g.Cases {
		t.Run(c.Name, func(t *testing.T) {
			rec := record(t, c.Value, c.Headers)
			got, err := r.JSON(rec)
			if err != nil {
				t.Fatal(err)
			}
			if got == nil {
				got = rec.Value // not framed
			}
			if string(got) != c.Want {
				t.Errorf("got  %s\nwant %s", got, c.Want)
			}
		})
	}
}
