package settings

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestOAuthSettings(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(file, []byte("s3cret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	byClient := func(k *Kafka) {
		k.SASLMechanism, k.TokenURL, k.ClientID, k.ClientSecretFile, k.TLS = "oauthbearer", "https://login.example.com/token", "bridge", file, "true"
	}
	for name, c := range map[string]struct {
		change   func(*Kafka)
		want     []string
		warnings []string
	}{
		"client credentials": {byClient, nil, nil},
		"with all": {func(k *Kafka) {
			byClient(k)
			k.Scope, k.Audience, k.Extensions = "one two", "kafka", "logicalCluster=lkc-abc123, identityPoolId=pool-xyz"
		}, nil, nil},
		"an assertion":                {func(k *Kafka) { byClient(k); k.ClientSecretFile, k.AssertionFile = "", file }, nil, nil},
		"an assertion and a secret":   {func(k *Kafka) { byClient(k); k.AssertionFile = file }, []string{"KAFKA_OAUTH_CLIENT_ASSERTION_FILE"}, nil},
		"a secret twice":              {func(k *Kafka) { byClient(k); k.ClientSecret = "x" }, []string{"KAFKA_OAUTH_CLIENT_SECRET"}, nil},
		"a token's file":              {func(k *Kafka) { k.SASLMechanism, k.TokenFile, k.TLS = "OAUTHBEARER", file, "true" }, nil, nil},
		"a token's file that is gone": {func(k *Kafka) { k.SASLMechanism, k.TokenFile, k.TLS = "OAUTHBEARER", file+".none", "true" }, []string{"KAFKA_OAUTH_TOKEN_FILE"}, nil},
		"a token's file and a server": {func(k *Kafka) { byClient(k); k.TokenFile = file }, []string{"KAFKA_OAUTH_TOKEN_FILE"}, nil},
		"nothing else":                {func(k *Kafka) { k.SASLMechanism, k.TLS = "OAUTHBEARER", "true" }, []string{"KAFKA_OAUTH_TOKEN_URL"}, nil},
		"a server alone": {
			func(k *Kafka) {
				k.SASLMechanism, k.TokenURL, k.TLS = "OAUTHBEARER", "https://login.example.com/t", "true"
			},
			[]string{"KAFKA_OAUTH_CLIENT_ID", "KAFKA_OAUTH_CLIENT_SECRET"}, nil,
		},
		"no address":              {func(k *Kafka) { byClient(k); k.TokenURL = "login.example.com" }, []string{"KAFKA_OAUTH_TOKEN_URL"}, nil},
		"a password in the URL":   {func(k *Kafka) { byClient(k); k.TokenURL = "https://a:hunter2@login.example.com" }, []string{"KAFKA_OAUTH_TOKEN_URL"}, nil},
		"no authority":            {func(k *Kafka) { byClient(k); k.CAFile = file }, []string{"KAFKA_OAUTH_CA_FILE"}, nil},
		"extension without value": {func(k *Kafka) { byClient(k); k.Extensions = "logicalCluster" }, []string{"KAFKA_OAUTH_EXTENSIONS"}, nil},
		"a value that is a list":  {func(k *Kafka) { byClient(k); k.Extensions = "identityPoolId=pool-a,pool-b,logicalCluster=lkc-1" }, nil, nil},
		"a name behind a value":   {func(k *Kafka) { byClient(k); k.Extensions = "logicalCluster=lkc-1,identityPoolId" }, []string{"KAFKA_OAUTH_EXTENSIONS"}, nil},
		"extension named auth":    {func(k *Kafka) { byClient(k); k.Extensions = "auth=x" }, []string{"KAFKA_OAUTH_EXTENSIONS"}, nil},
		"extension twice":         {func(k *Kafka) { byClient(k); k.Extensions = "a=x,a=y" }, []string{"KAFKA_OAUTH_EXTENSIONS"}, nil},
		"a password besides": {
			func(k *Kafka) { byClient(k); k.SASLUsername, k.SASLPasswordFile = "a", file },
			[]string{"KAFKA_SASL_USERNAME", "KAFKA_SASL_PASSWORD_FILE"}, nil,
		},
		"without the mechanism":    {func(k *Kafka) { byClient(k); k.SASLMechanism = "" }, []string{"KAFKA_OAUTH_TOKEN_URL", "KAFKA_OAUTH_CLIENT_ID", "KAFKA_OAUTH_CLIENT_SECRET_FILE"}, nil},
		"MSK":                      {func(k *Kafka) { k.SASLMechanism, k.AWSRegion, k.TLS = "aws_msk_iam", "eu-central-1", "true" }, nil, nil},
		"MSK, no region":           {func(k *Kafka) { k.SASLMechanism, k.AWSRegion, k.TLS = "AWS_MSK_IAM", "evil.example.com/", "true" }, []string{"KAFKA_AWS_REGION"}, nil},
		"MSK with a client":        {func(k *Kafka) { byClient(k); k.SASLMechanism = "AWS_MSK_IAM" }, []string{"KAFKA_OAUTH_TOKEN_URL", "KAFKA_OAUTH_CLIENT_ID", "KAFKA_OAUTH_CLIENT_SECRET_FILE"}, nil},
		"a region for a client":    {func(k *Kafka) { byClient(k); k.AWSRegion = "eu-west-1" }, []string{"KAFKA_AWS_REGION"}, nil},
		"everything in plain":      {func(k *Kafka) { byClient(k); k.TLS, k.TokenURL = "", "http://login.example.com/t" }, nil, []string{"KAFKA_SASL_MECHANISM", "KAFKA_OAUTH_TOKEN_URL"}},
		"a server on this machine": {func(k *Kafka) { byClient(k); k.TokenURL = "http://127.0.0.1:1/t" }, nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg, err := service(t, func(s *Service) { c.change(&s.Kafka) }).Parse()
			if diff := cmp.Diff(c.want, variables(t, err)); diff != "" {
				t.Errorf("faults (-want +got):\n%s", diff)
			}
			if err != nil && strings.Contains(err.Error(), "hunter2") {
				t.Errorf("the password is repeated: %v", err)
			}
			if err == nil && cfg.Consumer.Brokers.SASL.Name() != "OAUTHBEARER" {
				t.Errorf("the mechanism on the wire is %s", cfg.Consumer.Brokers.SASL.Name())
			}
			for _, want := range c.warnings {
				if !slices.ContainsFunc(cfg.Warnings, func(w string) bool { return strings.HasPrefix(w, want) }) {
					t.Errorf("nothing warns of %s: %q", want, cfg.Warnings)
				}
			}
			if err == nil && len(cfg.Warnings) != len(c.warnings) {
				t.Errorf("warnings: %q", cfg.Warnings)
			}
		})
	}
}

// TestOAuthExtensions may be lists, of several identity pools for example.
func TestOAuthExtensions(t *testing.T) {
	t.Parallel()
	var p parser
	got := OAuth{Extensions: "logicalCluster=lkc-1, identityPoolId=pool-a, pool-b,pool-c"}.extensions(&p)
	want := map[string]string{"logicalCluster": "lkc-1", "identityPoolId": "pool-a,pool-b,pool-c"}
	if diff := cmp.Diff(want, got); diff != "" || len(p.faults) > 0 {
		t.Errorf("faults %v, extensions (-want +got):\n%s", p.faults, diff)
	}
}
