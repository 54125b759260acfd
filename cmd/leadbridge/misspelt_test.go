package main

import (
	"strings"
	"testing"
)

func TestMisspeltVariables(t *testing.T) {
	t.Parallel()
	parser, err := newParser(process{lookupEnv: func(string) (string, bool) { return "", false }})
	if err != nil {
		t.Fatal(err)
	}
	for entry, meant := range map[string]string{
		"KAFKA_BROKER=kafka:9092":            "KAFKA_BROKERS",
		"KAFAK_BROKERS=kafka:9092":           "KAFKA_BROKERS",
		"kafka_brokers=kafka:9092":           "KAFKA_BROKERS",
		"KAFKA-TOPIC=leads":                  "KAFKA_TOPIC",
		"KAFKA_BOOTSTRAP_SERVERS=kafka:9092": "KAFKA_BROKERS",
		"KAFKA_GROUPID=g":                    "KAFKA_GROUP_ID",
		"KAFKA_USERNAME=u":                   "KAFKA_SASL_USERNAME",
		"KAFKA_DLT=d":                        "KAFKA_DLT_TOPIC",
		"CRM_KEY=k":                          "CRM_API_KEY",
		"CRM_APIKEY=k":                       "CRM_API_KEY",
		"CRM_REQUEST_PER_MINUTE=5":           "CRM_REQUESTS_PER_MINUTE",
		"ADMIN_ADR=:1":                       "ADMIN_ADDR",
		"SOURCE_FILE=f":                      "SOURCES_FILE",
		"LOG_LEVL=debug":                     "LOG_LEVEL",
		"DRAIN_TIME_OUT=3s":                  "DRAIN_TIMEOUT",
		"WINDOWS=3":                          "WINDOW",
		"KAFK_BROKERS=kafka:9092":            "KAFKA_BROKERS",
		"DLT_TOPIC=d":                        "KAFKA_DLT_TOPIC",
		"STATE_TOPIC=s":                      "KAFKA_STATE_TOPIC",
		"OIDC_ISSUER=https://i":              "ADMIN_OIDC_ISSUER",
		"API_KEY=k":                          "CRM_API_KEY",
		"SCHEMA_REGISTRY=http://r":           "SCHEMA_REGISTRY_URL",
		"INGEST_ADDR=:1":                     "HTTP_ADDR",
		"KAFKA_USER=u":                       "KAFKA_SASL_USERNAME",
		"OTEL_EXPORTER_OTLP_ENDPONT=http://": "OTEL_EXPORTER_OTLP_ENDPOINT",

		"KAFKA_BROKERS=kafka:9092":                 "",
		"KAFKA_BROKER=":                            "", // as a compose file passes on what is not set
		"KAFKA_HEAP_OPTS=-Xmx1G":                   "",
		"KAFKA_SERVICE_HOST=10.0.0.1":              "",
		"KAFKA_SERVICE_PORT=9092":                  "",
		"KAFKA_PORT=tcp://10.0.0.1:9092":           "",
		"KAFKA_PORT_9092_TCP=tcp://10.0.0.1:9092":  "",
		"KAFKA_PORT_9092_TCP_ADDR=10.0.0.1":        "",
		"HTTP_PROXY=http://proxy":                  "",
		"HTTPS_PROXY=http://proxy":                 "",
		"LOGNAME=root":                             "",
		"PATH=/bin":                                "",
		"CA_FILE=/ca":                              "", // of several settings
		"ADDR=:1":                                  "",
		"TOPIC=t":                                  "",
		"HOSTNAME=h":                               "",
		"OTEL_EXPORTER_OTLP_ENDPOINT=http://a:431": "",
	} {
		got := strings.Join(misspelt(parser, []string{entry}), "\n")
		if want := strings.Contains(got, "did you mean "+meant+"?"); meant != "" && !want || meant == "" && got != "" {
			t.Errorf("%s: %q, want %q", entry, got, meant)
		}
	}
}

// A misspelt setting is named beside the fault that it causes, or before what a command prints.
func TestMisspeltSettingIsTold(t *testing.T) {
	t.Parallel()
	for _, command := range []string{"run", "check", "dlt list"} {
		_, _, stderr := inProcess(map[string]string{"KAFKA_BROKER": "localhost:1"}, "", strings.Fields(command)...)
		if !strings.Contains(stderr, "KAFKA_BROKER is not a setting and has no effect: did you mean KAFKA_BROKERS?") {
			t.Errorf("%s: %s", command, stderr)
		}
	}
}
