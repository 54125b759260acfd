package main

import (
	"strings"
	"testing"
)

// variables are all settings of the service with their defaults, as they are
// promised; an empty default is none.
var variables = map[string]string{
	"KAFKA_BROKERS": "localhost:9092", "KAFKA_TOPIC": "leads", "KAFKA_DLT_TOPIC": "leads.dlt", "KAFKA_GROUP_ID": "leadbridge", "KAFKA_RESULT_TOPIC": "", "KAFKA_STATE_TOPIC": "",
	"KAFKA_TLS": "false", "KAFKA_TLS_CA_FILE": "", "KAFKA_TLS_CERT_FILE": "", "KAFKA_TLS_KEY_FILE": "",
	"KAFKA_SASL_MECHANISM": "", "KAFKA_SASL_USERNAME": "", "KAFKA_SASL_PASSWORD": "", "KAFKA_SASL_PASSWORD_FILE": "",
	"KAFKA_SESSION_TIMEOUT": "30s",
	"CRM_BASE_URL":          "https://vibecode.bitrix24.tech",
	"CRM_API_KEY":           "", "CRM_API_KEY_FILE": "", "CRM_SESSION_TOKEN": "", "CRM_SESSION_TOKEN_FILE": "",
	"CRM_TIMEOUT": "35s", "CRM_QUEUE_LIMIT": "30s", "CRM_SETTLE": "5s", "CRM_SLOTS": "2", "CRM_BATCH_SIZE": "50",
	"CRM_REQUESTS_PER_MINUTE": "300", "CRM_REQUESTS_PER_SECOND": "auto",
	"CRM_ORIGIN_FIELD": "auto", "CRM_ORIGINATOR": "leadbridge", "CRM_LOOKUP": "suspects",
	"CRM_MATCH": "off", "CRM_MATCH_MANY": "new", "CRM_ON_MATCH": "link",
	"CRM_MAX_ATTEMPTS": "6", "CRM_BACKOFF_INITIAL": "500ms", "CRM_BACKOFF_MAX": "1m", "CRM_FLOOD_LIMIT": "100",
	"PHONE_REGION": "RU", "SOURCE_ID": "WEB", "MAPPING_FILE": "", "TRACKING_FIELDS": "",
	"SCHEMA_REGISTRY_URL": "", "SCHEMA_REGISTRY_USERNAME": "", "SCHEMA_REGISTRY_PASSWORD": "", "SCHEMA_REGISTRY_PASSWORD_FILE": "",
	"SCHEMA_REGISTRY_TOKEN": "", "SCHEMA_REGISTRY_TOKEN_FILE": "", "SCHEMA_REGISTRY_CA_FILE": "", "SCHEMA_REGISTRY_CERT_FILE": "", "SCHEMA_REGISTRY_KEY_FILE": "",
	"WINDOW": "256", "MAX_BUFFER": "64MiB", "ORDER_BY": "person", "FRESH_FIRST": "off", "DEDUPE_WINDOW": "10000",
	"DRAIN_TIMEOUT": "20s", "HTTP_ADDR": ":8080", "ADMIN_ADDR": "", "ADMIN_TOKEN": "", "ADMIN_TOKEN_FILE": "", "ADMIN_TOKENS_FILE": "",
	"ADMIN_OIDC_ISSUER": "", "ADMIN_OIDC_CLIENT_ID": "", "ADMIN_OIDC_CLIENT_SECRET": "", "ADMIN_OIDC_CLIENT_SECRET_FILE": "", "ADMIN_OIDC_REDIRECT_URL": "",
	"ADMIN_OIDC_SCOPES": "openid profile email", "ADMIN_OIDC_NAME_CLAIM": "preferred_username", "ADMIN_OIDC_ROLES_CLAIM": "groups", "ADMIN_OIDC_ROLES": "",
	"ADMIN_OIDC_TITLE": "", "ADMIN_OIDC_SESSION": "4h", "ADMIN_OIDC_CA_FILE": "",
	"LOG_LEVEL": "info", "LOG_FORMAT": "json",
	"OTEL_EXPORTER_OTLP_ENDPOINT": "", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "", "OTEL_TRACES_SAMPLER": "parentbased_always_on", "OTEL_TRACES_SAMPLER_ARG": "",
	"OTEL_SERVICE_NAME": "", "OTEL_RESOURCE_ATTRIBUTES": "", "OTEL_TRACES_EXPORTER": "otlp", "OTEL_SDK_DISABLED": "false",
}

// TestHelpTellsEverySetting compares the help of the service with what is promised.
func TestHelpTellsEverySetting(t *testing.T) {
	t.Parallel()
	for _, command := range []string{"run", "check"} {
		code, stdout, stderr := inProcess(nil, "", command, "--help")
		if code != 0 || stderr != "" {
			t.Fatalf("%s --help: exit %d, stderr %q", command, code, stderr)
		}
		// Wrapping depends on the width of the terminal.
		text := strings.Join(strings.Fields(stdout), " ")
		for variable, value := range variables {
			before, _, found := strings.Cut(text, "("+variable+")")
			flag := "--" + strings.ReplaceAll(strings.ToLower(variable), "_", "-")
			at := strings.LastIndex(before, " "+flag)
			switch {
			case !found:
				t.Errorf("%s --help does not tell %s", command, variable)
			case at < 0 || strings.Contains(before[at+1:], " --"):
				t.Errorf("%s --help tells %s not beside %s", command, variable, flag)
			case value != "" && !strings.HasSuffix(before, "Default: "+value+". "):
				t.Errorf("%s --help does not tell the default %s of %s: …%s", command, value, variable, before[at:])
			}
		}
		if n := strings.Count(text, " --"); n < len(variables) {
			t.Errorf("%s --help tells %d flags, want at least %d", command, n, len(variables))
		}
	}
}

func TestHelpWithoutCommand(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{nil, {"--help"}} {
		code, stdout, _ := inProcess(nil, "", args...)
		for _, command := range []string{"run", "demo", "check", "map", "dlt", "ingest", "sim", "version"} {
			if code != 0 || !strings.Contains(stdout, "\n  "+command+" ") {
				t.Errorf("%v: exit %d, no command %s:\n%s", args, code, command, stdout)
			}
		}
	}
}

// The help of run shows how it is called before its settings, which stand in groups.
func TestHelpOfRunHasExamplesAndGroups(t *testing.T) {
	t.Parallel()
	_, stdout, _ := inProcess(nil, "", "run", "--help")
	at := -1
	for _, text := range []string{"CRM_API_KEY_FILE=/run/secrets/crm-key leadbridge run\n", "\nFlags:", "\nKafka:", "\nCRM:", "\nLeads:", "\nSchemas:", "\nProcess:", "\nTracing:"} {
		next := strings.Index(stdout, text)
		if next <= at {
			t.Errorf("%q is at %d, behind %d:\n%s", text, next, at, stdout)
		}
		at = max(at, next)
	}
}
