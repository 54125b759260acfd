{{/* Variables of the schema registry, which the consumer and leadbridge dlt take. */}}
{{- define "leadbridge.schemasEnv" -}}
{{- with .Values.schemaRegistry }}
{{- if .url }}
{{- $dir := "/etc/leadbridge/schema-registry" }}
{{- $secret := ternary (printf "%s/%s" $dir .secretKey) "" (ne .existingSecret "") }}
{{- include "leadbridge.env" (dict
  "SCHEMA_REGISTRY_URL" .url
  "SCHEMA_REGISTRY_USERNAME" .username
  "SCHEMA_REGISTRY_PASSWORD_FILE" (ternary $secret "" (ne .username ""))
  "SCHEMA_REGISTRY_TOKEN_FILE" (ternary $secret "" (eq .username ""))
  "SCHEMA_REGISTRY_CA_FILE" (ternary (printf "%s-ca/%s" $dir .ca.key) "" (ne .ca.existingSecret ""))
  "SCHEMA_REGISTRY_CERT_FILE" (ternary (printf "%s-client/%s" $dir .client.certKey) "" (ne .client.existingSecret ""))
  "SCHEMA_REGISTRY_KEY_FILE" (ternary (printf "%s-client/%s" $dir .client.keyKey) "" (ne .client.existingSecret ""))
) }}
{{- end }}
{{- end }}
{{- end }}

{{- define "leadbridge.schemasVolumes" -}}
{{- with .Values.schemaRegistry }}
{{- if .url }}
{{- with .existingSecret }}
{{ include "leadbridge.secretVolume" (list "schema-registry" . (list $.Values.schemaRegistry.secretKey)) }}
{{- end }}
{{- with .ca.existingSecret }}
{{ include "leadbridge.secretVolume" (list "schema-registry-ca" . (list $.Values.schemaRegistry.ca.key)) }}
{{- end }}
{{- with .client.existingSecret }}
{{ include "leadbridge.secretVolume" (list "schema-registry-client" . (list $.Values.schemaRegistry.client.certKey $.Values.schemaRegistry.client.keyKey)) }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}

{{- define "leadbridge.schemasMounts" -}}
{{- with .Values.schemaRegistry }}
{{- if .url }}
{{- if .existingSecret }}
{{ include "leadbridge.mount" "schema-registry" }}
{{- end }}
{{- if .ca.existingSecret }}
{{ include "leadbridge.mount" "schema-registry-ca" }}
{{- end }}
{{- if .client.existingSecret }}
{{ include "leadbridge.mount" "schema-registry-client" }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}

{{/* Egress to the schema registry; nothing when there is none. */}}
{{- define "leadbridge.schemasEgress" -}}
{{- if .Values.schemaRegistry.url }}
{{- $ports := list }}
{{- range .Values.schemaRegistry.url | splitList "," }}
{{- $url := urlParse (trim .) }}
{{- $ports = append $ports (regexFind ":[0-9]+$" $url.host | trimPrefix ":" | default (ternary "80" "443" (eq $url.scheme "http"))) }}
{{- end }}
- ports:
    {{- range $ports | uniq }}
    - {protocol: TCP, port: {{ . }}}
    {{- end }}
{{- end }}
{{- end }}
