{{/* Settings that leadbridge dlt takes. */}}
{{- define "leadbridge.replayEnv" -}}
{{- include "leadbridge.kafkaEnv" (list . "replay" .Values.replay.kafka) }}
{{- include "leadbridge.env" (dict
  "KAFKA_DLT_TOPIC" .Values.kafka.dltTopic
  "PHONE_REGION" .Values.leads.phoneRegion
  "SOURCE_ID" .Values.leads.sourceId
  "LEAD_TITLE" .Values.leads.leadTitle
  "DEAL_TITLE" .Values.leads.dealTitle
  "MAPPING_FILE" (include "leadbridge.mappingFile" .)
) }}
{{- include "leadbridge.schemasEnv" . }}
{{- include "leadbridge.tracingEnv" . }}
{{- with .Values.replay.extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "leadbridge.replayMounts" -}}
{{- include "leadbridge.kafkaMounts" (list . "replay" .Values.replay.kafka) }}
{{- include "leadbridge.mappingMount" . }}
{{- include "leadbridge.schemasMounts" . }}
{{- include "leadbridge.tracingMount" . }}
{{- with .Values.replay.extraVolumeMounts }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "leadbridge.replayVolumes" -}}
{{- include "leadbridge.kafkaVolumes" (list . "replay" .Values.replay.kafka) }}
{{- include "leadbridge.mappingVolume" . }}
{{- include "leadbridge.schemasVolumes" . }}
{{- include "leadbridge.tracingVolume" . }}
{{- with .Values.replay.extraVolumes }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "leadbridge.replayPod" -}}
metadata:
  labels:
    {{- include "leadbridge.podLabels" (list . "replay" dict) | nindent 4 }}
  annotations:
    leadbridge/run: {{ .Values.replay.run | quote }}
    {{- include "leadbridge.mappingChecksum" . | nindent 4 }}
spec:
  {{- include "leadbridge.podCommon" . | nindent 2 }}
  restartPolicy: Never
  containers:
    - {{ include "leadbridge.container" (list . "replay" (concat (list "dlt" "replay") .Values.replay.args)) | nindent 6 | trim }}
      env:
        {{- include "leadbridge.replayEnv" . | trim | nindent 8 }}
      {{- with .Values.replay.extraEnvFrom }}
      envFrom:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with .Values.replay.resources }}
      resources:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with include "leadbridge.replayMounts" . | trim }}
      volumeMounts:
        {{- . | nindent 8 }}
      {{- end }}
  {{- with include "leadbridge.replayVolumes" . | trim }}
  volumes:
    {{- . | nindent 4 }}
  {{- end }}
{{- end }}
