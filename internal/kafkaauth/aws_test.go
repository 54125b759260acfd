package kafkaauth

import (
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/segmentio/kafka-go/sasl"
)

// TestAWSToken compares a token with the signature that the rules of AWS lead to by hand.
func TestAWSToken(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	credentials := aws.Credentials{AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", SessionToken: "session/token+1"}
	token, err := signed(t.Context(), "eu-central-1", credentials, now)
	if err != nil || !token.Expires.Equal(now.Add(15*time.Minute)) {
		t.Fatal(token, err)
	}
	text, err := base64.RawURLEncoding.DecodeString(token.Value)
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(string(text))
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	for name, want := range map[string]string{
		"Action": "kafka-cluster:Connect", "X-Amz-Algorithm": "AWS4-HMAC-SHA256", "X-Amz-Date": "20260304T050607Z", "X-Amz-Expires": "900",
		"X-Amz-Credential":     "AKIDEXAMPLE/20260304/eu-central-1/kafka-cluster/aws4_request",
		"X-Amz-Security-Token": "session/token+1", "X-Amz-SignedHeaders": "host", "User-Agent": "leadbridge",
		"X-Amz-Signature": "3fd3271bb4949e7c08eb8bac7e6a7d5bac748098d22c2c967c3aadf5fb421aff",
	} {
		if got := q.Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	if u.Host != "kafka.eu-central-1.amazonaws.com" || u.Path != "/" || len(q) != 9 {
		t.Errorf("address %s", u)
	}
	credentials.CanExpire, credentials.Expires = true, now.Add(time.Minute)
	if token, err := signed(t.Context(), "eu-central-1", credentials, now); err != nil || !token.Expires.Equal(now.Add(time.Minute)) {
		t.Errorf("a token outlives its credentials: %v, %v", token.Expires, err)
	}
}

func TestAWSRegionOfBrokers(t *testing.T) {
	t.Parallel()
	for host, want := range map[string]string{
		"b-1.leads.abc123.c2.kafka.eu-central-1.amazonaws.com":     "eu-central-1",
		"b-2-public.leads.abc123.c2.kafka.us-east-1.amazonaws.com": "us-east-1",
		"boot-abc123.c2.kafka-serverless.ap-south-1.amazonaws.com": "ap-south-1",
		"b-1.leads.abc123.c2.kafka.cn-north-1.amazonaws.com.cn":    "cn-north-1",
		"kafka.example.com": "",
		"b-1.kafka.eu-central-1.amazonaws.com.example.com":           "",
		"vpce-012-abc.vpce-svc-345.us-east-1.vpce.amazonaws.example": "",
	} {
		ctx := sasl.WithMetadata(t.Context(), &sasl.Metadata{Host: host, Port: 9098})
		got, err := regionOf(ctx)
		if got != want || (want == "") != (Advice(err) != "") {
			t.Errorf("%s: region %q (%v), want %q", host, got, err, want)
		}
	}
}

// TestAWSCredentials come from where AWS's own libraries look first.
func TestAWSCredentials(t *testing.T) {
	t.Parallel()
	asked := 0
	container := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked++
		if r.Header.Get("Authorization") != "pod-token" {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		_, _ = w.Write([]byte(`{"AccessKeyId":"ASIAPOD","SecretAccessKey":"s","Token":"t","Expiration":"` + time.Now().Add(time.Hour).UTC().Format(time.RFC3339) + `"}`))
	}))
	t.Cleanup(container.Close)
	file := filepath.Join(t.TempDir(), "token")
	write(t, file, "pod-token\n")
	pod := map[string]string{"AWS_CONTAINER_CREDENTIALS_FULL_URI": container.URL, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": file}
	static := map[string]string{"AWS_ACCESS_KEY_ID": "AKIASTATIC", "AWS_SECRET_ACCESS_KEY": "s", "AWS_CONTAINER_CREDENTIALS_FULL_URI": container.URL}
	for want, environ := range map[string]map[string]string{"ASIAPOD": pod, "AKIASTATIC": static} {
		source := NewAWS("eu-central-1", func(name string) string { return environ[name] })
		for range 3 {
			token, err := source.Token(t.Context())
			if err != nil {
				t.Fatal(want, err)
			}
			text, err := base64.RawURLEncoding.DecodeString(token.Value)
			if err != nil || !strings.Contains(string(text), "X-Amz-Credential="+want) {
				t.Errorf("%s: the token is %s", want, text)
			}
		}
	}
	if asked != 1 {
		t.Errorf("the container's service was asked %d times", asked)
	}
	for name, environ := range map[string]map[string]string{
		"refused":   {"AWS_CONTAINER_CREDENTIALS_FULL_URI": container.URL, "AWS_CONTAINER_AUTHORIZATION_TOKEN": "s3cret"},
		"far away":  {"AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://s3cret.example.com/"},
		"no file":   {"AWS_CONTAINER_CREDENTIALS_FULL_URI": container.URL, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": file + ".s3cret"},
		"no server": {"AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://127.0.0.1:1/s3cret"},
	} {
		_, err := NewAWS("eu-central-1", func(name string) string { return environ[name] }).Token(t.Context())
		if Advice(err) == "" || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
