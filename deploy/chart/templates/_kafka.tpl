{{/* Brokers to begin with. */}}
{{- define "leadbridge.brokers" -}}
{{- if .Values.kafka.brokers }}{{ .Values.kafka.brokers }}
{{- else if .Values.strimzi.cluster -}}
{{ .Values.strimzi.cluster }}-kafka-bootstrap.{{ default .Release.Namespace .Values.strimzi.namespace }}.svc:{{ ternary 9093 9092 .Values.kafka.tls.enabled }}
{{- else }}kafka:9092
{{- end }}
{{- end }}

{{/*
How a workload reaches the brokers, as YAML: (list $ "gate" $.Values.gate.kafka). Its own credentials
go before the shared ones; those of a KafkaUser that the chart makes go before both.
*/}}
{{- define "leadbridge.kafkaAccess" -}}
{{- $ := index . 0 }}
{{- $shared := $.Values.kafka }}
{{- $own := index . 2 }}
{{- $strimzi := $.Values.strimzi }}
{{- $sasl := $shared.sasl }}
{{- $client := $shared.tls.client }}
{{- with dig "sasl" dict $own }}{{ if .existingSecret }}{{ $sasl = merge (dict) . $shared.sasl }}{{ end }}{{ end }}
{{- with dig "tls" "client" dict $own }}{{ if .existingSecret }}{{ $client = . }}{{ end }}{{ end }}
{{- $ca := $shared.tls.ca.existingSecret }}
{{- if and $strimzi.cluster (not $ca) $shared.tls.enabled }}
{{- $ca = printf "%s-cluster-ca-cert" $strimzi.cluster }}
{{- end }}
{{- if $strimzi.users.create }}
{{- $user := printf "%s-%s" (include "leadbridge.fullname" $) (index . 1) }}
{{- if eq $strimzi.users.authentication "tls" }}
{{- $sasl = dict }}
{{- $client = dict "existingSecret" $user "certKey" "user.crt" "keyKey" "user.key" }}
{{- else }}
{{- $sasl = dict "mechanism" "SCRAM-SHA-512" "username" $user "existingSecret" $user "passwordKey" "password" }}
{{- $client = dict }}
{{- end }}
{{- end }}
tls: {{ $shared.tls.enabled }}
{{- if $shared.tls.enabled }}
ca: {{ dict "secret" $ca "key" (default "ca.crt" $shared.tls.ca.key) | toJson }}
client: {{ dict "secret" (default "" $client.existingSecret) "cert" (default "" $client.certKey) "key" (default "" $client.keyKey) | toJson }}
{{- else }}
ca: {secret: ""}
client: {secret: ""}
{{- end }}
sasl: {{ dict "mechanism" (default "" $sasl.mechanism) "username" (default "" $sasl.username) "secret" (default "" $sasl.existingSecret) "key" (default "" $sasl.passwordKey) | toJson }}
{{- end }}

{{/* Environment variables of what kafkaAccess gave. */}}
{{- define "leadbridge.kafkaEnv" -}}
{{- $ := index . 0 }}
{{- $access := include "leadbridge.kafkaAccess" . | fromYaml }}
{{- $env := dict "KAFKA_BROKERS" (include "leadbridge.brokers" $) "KAFKA_TOPIC" $.Values.kafka.topic }}
{{- if $access.tls }}
{{- $_ := set $env "KAFKA_TLS" "true" }}
{{- with $access.ca.secret }}{{ $_ := set $env "KAFKA_TLS_CA_FILE" (printf "/etc/leadbridge/kafka-ca/%s" $access.ca.key) }}{{ end }}
{{- with $access.client.secret }}
{{- $_ := set $env "KAFKA_TLS_CERT_FILE" (printf "/etc/leadbridge/kafka-client/%s" $access.client.cert) }}
{{- $_ := set $env "KAFKA_TLS_KEY_FILE" (printf "/etc/leadbridge/kafka-client/%s" $access.client.key) }}
{{- end }}
{{- end }}
{{- if $access.sasl.mechanism }}
{{- $_ := set $env "KAFKA_SASL_MECHANISM" $access.sasl.mechanism }}
{{- $_ := set $env "KAFKA_SASL_USERNAME" $access.sasl.username }}
{{- $_ := set $env "KAFKA_SASL_PASSWORD_FILE" (printf "/etc/leadbridge/kafka-sasl/%s" $access.sasl.key) }}
{{- end }}
{{- include "leadbridge.env" $env }}
{{- end }}

{{/* Volumes of what kafkaAccess gave. */}}
{{- define "leadbridge.kafkaVolumes" -}}
{{- $access := include "leadbridge.kafkaAccess" . | fromYaml }}
{{- with $access.ca.secret }}
{{ include "leadbridge.secretVolume" (list "kafka-ca" . (list $access.ca.key)) }}
{{- end }}
{{- with $access.client.secret }}
{{ include "leadbridge.secretVolume" (list "kafka-client" . (list $access.client.cert $access.client.key)) }}
{{- end }}
{{- if $access.sasl.mechanism }}
{{ include "leadbridge.secretVolume" (list "kafka-sasl" $access.sasl.secret (list $access.sasl.key)) }}
{{- end }}
{{- end }}

{{- define "leadbridge.kafkaMounts" -}}
{{- $access := include "leadbridge.kafkaAccess" . | fromYaml }}
{{- if $access.ca.secret }}
{{ include "leadbridge.mount" "kafka-ca" }}
{{- end }}
{{- if $access.client.secret }}
{{ include "leadbridge.mount" "kafka-client" }}
{{- end }}
{{- if $access.sasl.mechanism }}
{{ include "leadbridge.mount" "kafka-sasl" }}
{{- end }}
{{- end }}
