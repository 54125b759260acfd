{{/* The chart's name. */}}
{{- define "leadbridge.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{/* The name that the names of all objects begin with. 40 characters leave room for what follows it. */}}
{{- define "leadbridge.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" }}
{{- else }}
{{- $name := default .Chart.Name .Values.nameOverride }}
{{- if contains $name .Release.Name }}
{{- .Release.Name | trunc 40 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name $name | trunc 40 | trimSuffix "-" }}
{{- end }}
{{- end }}
{{- end }}

{{/* Labels that select the pods of a component: (list $ "consumer"). They may never change, as selectors of Deployments cannot. */}}
{{- define "leadbridge.selectorLabels" -}}
{{- $ := index . 0 -}}
app.kubernetes.io/name: {{ include "leadbridge.name" $ }}
app.kubernetes.io/instance: {{ $.Release.Name }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end }}

{{/* Labels of an object of a component: (list $ "consumer"). */}}
{{- define "leadbridge.labels" -}}
{{- $ := index . 0 -}}
helm.sh/chart: {{ printf "%s-%s" $.Chart.Name $.Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{ include "leadbridge.selectorLabels" . }}
app.kubernetes.io/version: {{ $.Chart.AppVersion | quote }}
app.kubernetes.io/part-of: leadbridge
app.kubernetes.io/managed-by: {{ $.Release.Service }}
{{- with $.Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* Labels of a component's pods: (list $ "consumer" $.Values.podLabels). Not the chart's version: a chart that changes nothing in a pod replaces none. */}}
{{- define "leadbridge.podLabels" -}}
{{- $ := index . 0 -}}
{{ include "leadbridge.selectorLabels" . }}
app.kubernetes.io/version: {{ $.Chart.AppVersion | quote }}
app.kubernetes.io/part-of: leadbridge
{{- with $.Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- with index . 2 }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* The head of each object's metadata: (list $ "consumer" "name"). */}}
{{- define "leadbridge.metadata" -}}
{{- $ := index . 0 -}}
name: {{ index . 2 }}
namespace: {{ $.Release.Namespace }}
labels:
  {{- include "leadbridge.labels" . | nindent 2 }}
{{- end }}

{{- define "leadbridge.serviceAccountName" -}}
{{- if .Values.serviceAccount.create }}
{{- default (include "leadbridge.fullname" .) .Values.serviceAccount.name }}
{{- else }}
{{- default "default" .Values.serviceAccount.name }}
{{- end }}
{{- end }}

{{- define "leadbridge.image" -}}
{{- with .Values.image -}}
{{ .repository }}{{ if .digest }}@{{ .digest }}{{ else }}:{{ default $.Chart.AppVersion .tag }}{{ end }}
{{- end }}
{{- end }}

{{/* A Go duration such as 1m30s in whole seconds, rounded up. */}}
{{- define "leadbridge.seconds" -}}
{{- $text := toString . }}
{{- $ms := 0.0 }}
{{- range $unit, $factor := dict "h" 3600000.0 "m" 60000.0 "s" 1000.0 "ms" 1.0 }}
{{- range regexFindAll (printf "[0-9.]+%s([0-9]|$)" $unit) $text -1 }}
{{- $ms = addf $ms (mulf $factor (regexFind "^[0-9.]+" . | float64)) }}
{{- end }}
{{- end }}
{{- divf $ms 1000 | ceil | int64 }}
{{- end }}

{{/*
Environment variables of a map of settings: what is empty is left to the program.
A large number is a float in values, which must not become 1e+06.
*/}}
{{- define "leadbridge.env" -}}
{{- range $name, $value := . }}
{{- $text := toString $value }}
{{- if kindIs "float64" $value }}{{ $text = toString (int64 $value) }}{{ end }}
{{- if and (ne $text "") (not (kindIs "invalid" $value)) }}
- name: {{ $name }}
  value: {{ quote $text }}
{{- end }}
{{- end }}
{{- end }}
