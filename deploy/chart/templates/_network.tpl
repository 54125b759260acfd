{{/* Egress to DNS and brokers, which all pods need. */}}
{{- define "leadbridge.egress" -}}
- ports:
    - {protocol: UDP, port: 53}
    - {protocol: TCP, port: 53}
  {{- with .Values.networkPolicy.dnsTo }}
  to:
    {{- toYaml . | nindent 4 }}
  {{- end }}
- ports:
    {{- range include "leadbridge.kafkaPorts" . | splitList "," }}
    - {protocol: TCP, port: {{ . }}}
    {{- end }}
  {{- with .Values.networkPolicy.kafkaTo }}
  to:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- if .Values.tracing.endpoint }}
- ports:
    - {protocol: TCP, port: {{ include "leadbridge.portOf" .Values.tracing.endpoint }}}
  {{- with .Values.networkPolicy.tracingTo }}
  to:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end }}
{{- with .Values.networkPolicy.extraEgress }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* Ports of the brokers, joined by commas. */}}
{{- define "leadbridge.kafkaPorts" -}}
{{- $ports := list }}
{{- range include "leadbridge.brokers" . | splitList "," }}
{{- with trim . }}
{{- $ports = append $ports (regexFind ":[0-9]+$" . | trimPrefix ":" | default "9092") }}
{{- end }}
{{- end }}
{{- range .Values.networkPolicy.kafkaPorts }}{{ $ports = append $ports (toString .) }}{{ end }}
{{- $ports | uniq | join "," }}
{{- end }}

{{/* The port of the CRM. */}}
{{- define "leadbridge.crmPort" -}}
{{- include "leadbridge.portOf" (default "https://vibecode.bitrix24.tech" .Values.crm.baseUrl) }}
{{- end }}

{{/* The port of an address. */}}
{{- define "leadbridge.portOf" -}}
{{- $url := urlParse . }}
{{- regexFind ":[0-9]+$" $url.host | trimPrefix ":" | default (ternary "80" "443" (eq $url.scheme "http")) }}
{{- end }}

{{- define "leadbridge.metricsFrom" -}}
from:
  {{- toYaml (default (list (dict "namespaceSelector" dict)) .Values.networkPolicy.metricsFrom) | nindent 2 }}
{{- end }}
