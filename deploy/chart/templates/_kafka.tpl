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
{{- end }}
{{- if $access.sasl.secret }}
{{- $_ := set $env "KAFKA_SASL_USERNAME" $access.sasl.username }}
{{- $_ := set $env "KAFKA_SASL_PASSWORD_FILE" (printf "/etc/leadbridge/kafka-sasl/%s" $access.sasl.key) }}
{{- end }}
{{- if eq $access.sasl.mechanism "OAUTHBEARER" }}
{{- $_ := merge $env (include "leadbridge.oauthEnv" $.Values.kafka.oauth | fromYaml) }}
{{- else if eq $access.sasl.mechanism "AWS_MSK_IAM" }}
{{- $_ := set $env "KAFKA_AWS_REGION" $.Values.kafka.awsRegion }}
{{- end }}
{{- include "leadbridge.env" $env }}
{{- end }}

{{/* Variables of logins by OAUTHBEARER, as YAML. */}}
{{- define "leadbridge.oauthEnv" -}}
KAFKA_OAUTH_TOKEN_URL: {{ quote .tokenUrl }}
KAFKA_OAUTH_CLIENT_ID: {{ quote .clientId }}
KAFKA_OAUTH_CLIENT_SECRET_FILE: {{ if .existingSecret }}/etc/leadbridge/kafka-oauth/{{ .secretKey }}{{ else }}""{{ end }}
KAFKA_OAUTH_CLIENT_ASSERTION_FILE: {{ quote .assertionFile }}
KAFKA_OAUTH_SCOPE: {{ quote .scope }}
KAFKA_OAUTH_AUDIENCE: {{ quote .audience }}
KAFKA_OAUTH_EXTENSIONS: {{ quote .extensions }}
KAFKA_OAUTH_TOKEN_FILE: {{ if .serviceAccountToken.audience }}/etc/leadbridge/kafka-token/token{{ else }}{{ quote .tokenFile }}{{ end }}
KAFKA_OAUTH_CA_FILE: {{ if .ca.existingSecret }}/etc/leadbridge/kafka-oauth-ca/{{ .ca.key }}{{ else }}""{{ end }}
{{- end }}

{{/* Volumes of logins by OAUTHBEARER. */}}
{{- define "leadbridge.oauthVolumes" -}}
{{- with .existingSecret }}
{{ include "leadbridge.secretVolume" (list "kafka-oauth" . (list $.secretKey)) }}
{{- end }}
{{- with .ca.existingSecret }}
{{ include "leadbridge.secretVolume" (list "kafka-oauth-ca" . (list $.ca.key)) }}
{{- end }}
{{- if .serviceAccountToken.audience }}
- name: kafka-token
  projected:
    defaultMode: 0440
    sources:
      - serviceAccountToken:
          path: token
          audience: {{ quote .serviceAccountToken.audience }}
          expirationSeconds: {{ int64 .serviceAccountToken.expirationSeconds }}
{{- end }}
{{- end }}

{{- define "leadbridge.oauthMounts" -}}
{{- if .existingSecret }}
{{ include "leadbridge.mount" "kafka-oauth" }}
{{- end }}
{{- if .ca.existingSecret }}
{{ include "leadbridge.mount" "kafka-oauth-ca" }}
{{- end }}
{{- if .serviceAccountToken.audience }}
{{ include "leadbridge.mount" "kafka-token" }}
{{- end }}
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
{{- if $access.sasl.secret }}
{{ include "leadbridge.secretVolume" (list "kafka-sasl" $access.sasl.secret (list $access.sasl.key)) }}
{{- end }}
{{- if eq $access.sasl.mechanism "OAUTHBEARER" }}
{{- include "leadbridge.oauthVolumes" (index . 0).Values.kafka.oauth }}
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
{{- if $access.sasl.secret }}
{{ include "leadbridge.mount" "kafka-sasl" }}
{{- end }}
{{- if eq $access.sasl.mechanism "OAUTHBEARER" }}
{{- include "leadbridge.oauthMounts" (index . 0).Values.kafka.oauth }}
{{- end }}
{{- end }}
