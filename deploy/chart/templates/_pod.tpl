{{/*
A Secret as files: (list "volume" "secret" (list "key")). Whole directories are mounted, never a
subPath: the kubelet brings a changed Secret into those only, and the program reads the files again.
*/}}
{{- define "leadbridge.secretVolume" -}}
- name: {{ index . 0 }}
  secret:
    secretName: {{ index . 1 }}
    defaultMode: 0440
    {{- with index . 2 }}
    items:
      {{- range . }}
      - key: {{ . }}
        path: {{ . }}
      {{- end }}
    {{- end }}
{{- end }}

{{/* The mount of a volume, under its name. */}}
{{- define "leadbridge.mount" -}}
- name: {{ . }}
  mountPath: /etc/leadbridge/{{ . }}
  readOnly: true
{{- end }}

{{/*
What pods of all workloads have in common. Service links are off because they are environment
variables too: a Service named "kafka-tls" would make some that begin like settings.
*/}}
{{- define "leadbridge.podCommon" -}}
serviceAccountName: {{ include "leadbridge.serviceAccountName" . }}
automountServiceAccountToken: false
enableServiceLinks: false
{{- with .Values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.podSecurityContext }}
securityContext:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{/* Where pods may run: (list $ "gate" $.Values.gate). */}}
{{- define "leadbridge.scheduling" -}}
{{- $ := index . 0 }}
{{- $component := index . 1 }}
{{- with index . 2 }}
{{- with .priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with .nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .topologySpreadConstraints }}
topologySpreadConstraints:
  {{- range . }}
  - {{ toYaml . | nindent 4 | trim }}
    {{- if not .labelSelector }}
    labelSelector:
      matchLabels:
        {{- include "leadbridge.selectorLabels" (list $ $component) | nindent 8 }}
    {{- end }}
    {{- if not .matchLabelKeys }}
    {{- /* Pods of the version that is being replaced do not count. */}}
    matchLabelKeys: [pod-template-hash]
    {{- end }}
  {{- end }}
{{- end }}
{{- end }}
{{- end }}

{{/* The head of each container: (list $ "consumer" (list "run")). */}}
{{- define "leadbridge.container" -}}
{{- $ := index . 0 -}}
name: {{ index . 1 }}
image: {{ include "leadbridge.image" $ }}
imagePullPolicy: {{ $.Values.image.pullPolicy }}
args: {{ index . 2 | toJson }}
{{- with $.Values.securityContext }}
securityContext:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{/* Where spans go. */}}
{{- define "leadbridge.tracingEnv" -}}
{{- with .Values.tracing }}
{{- if .endpoint }}
{{- include "leadbridge.env" (dict
  "OTEL_EXPORTER_OTLP_ENDPOINT" .endpoint
  "OTEL_TRACES_SAMPLER" .sampler
  "OTEL_TRACES_SAMPLER_ARG" (toString .samplerArg)
  "OTEL_RESOURCE_ATTRIBUTES" .resourceAttributes
  "OTEL_EXPORTER_OTLP_HEADERS_FILE" (ternary (printf "/etc/leadbridge/tracing/%s" .headersKey) "" (ne .existingSecret ""))
) }}
{{- end }}
{{- end }}
{{- end }}

{{- define "leadbridge.tracingMount" -}}
{{- if and .Values.tracing.endpoint .Values.tracing.existingSecret }}
{{ include "leadbridge.mount" "tracing" }}
{{- end }}
{{- end }}

{{- define "leadbridge.tracingVolume" -}}
{{- with .Values.tracing }}
{{- if and .endpoint .existingSecret }}
{{ include "leadbridge.secretVolume" (list "tracing" .existingSecret (list .headersKey)) }}
{{- end }}
{{- end }}
{{- end }}

{{/* Probes: (list $.Values.probes "port"). */}}
{{- define "leadbridge.probes" -}}
{{- $port := index . 1 }}
{{- with index . 0 }}
startupProbe:
  httpGet: {path: /healthz, port: {{ $port }}}
  {{- toYaml .startup | nindent 2 }}
livenessProbe:
  httpGet: {path: /healthz, port: {{ $port }}}
  {{- toYaml .liveness | nindent 2 }}
readinessProbe:
  httpGet: {path: /readyz, port: {{ $port }}}
  {{- toYaml .readiness | nindent 2 }}
{{- end }}
{{- end }}

{{/* Seconds beyond the drain in which the process ends by itself. */}}
{{- define "leadbridge.exitMargin" -}}5{{- end }}

{{/*
The grace period: (list "gate." $.Values.gate "20s"), the last being the drain. The process is gone
the exit margin after its drain; 5 s more are the node's.
*/}}
{{- define "leadbridge.grace" -}}
{{- $least := add (include "leadbridge.seconds" (index . 2)) (include "leadbridge.exitMargin" .) }}
{{- with (index . 1).terminationGracePeriodSeconds }}
{{- if lt (int64 .) $least }}
{{- fail (printf "%sterminationGracePeriodSeconds=%v: a pod would be killed before its drain is over: set at least %d, or leave it empty, or shorten the drain" (index $ 0) . $least) }}
{{- end }}
{{- int64 . }}
{{- else }}
{{- add $least 5 }}
{{- end }}
{{- end }}

{{/* The jq program: environment variable, volume and mount. */}}
{{- define "leadbridge.mappingFile" -}}
{{- with .Values.mapping }}
{{- if .preset }}preset:{{ .preset }}
{{- else if or .program .existingConfigMap }}/etc/leadbridge/mapping/{{ .key }}
{{- end }}
{{- end }}
{{- end }}

{{- define "leadbridge.mappingVolume" -}}
{{- if hasPrefix "/" (include "leadbridge.mappingFile" .) }}
- name: mapping
  configMap:
    name: {{ default (printf "%s-mapping" (include "leadbridge.fullname" .)) .Values.mapping.existingConfigMap }}
    items:
      - key: {{ .Values.mapping.key }}
        path: {{ .Values.mapping.key }}
{{- end }}
{{- end }}

{{- define "leadbridge.mappingMount" -}}
{{- if hasPrefix "/" (include "leadbridge.mappingFile" .) }}
{{ include "leadbridge.mount" "mapping" }}
{{- end }}
{{- end }}

{{- define "leadbridge.mappingConfigMap" -}}
apiVersion: v1
kind: ConfigMap
metadata:
  {{- include "leadbridge.metadata" (list . "consumer" (printf "%s-mapping" (include "leadbridge.fullname" .))) | nindent 2 }}
data:
  {{ .Values.mapping.key }}: {{ .Values.mapping.program | toJson }}
{{- end }}

{{/* Programs are read at the start: pods are replaced when theirs changes. */}}
{{- define "leadbridge.mappingChecksum" -}}
{{- with .Values.mapping.program }}
checksum/mapping: {{ sha256sum . }}
{{- end }}
{{- end }}
