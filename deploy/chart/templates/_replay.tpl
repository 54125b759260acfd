{{/* Settings that leadbridge dlt takes. */}}
{{- define "leadbridge.replayEnv" -}}
{{- include "leadbridge.kafkaEnv" (list . "replay" .Values.replay.kafka) }}
{{- include "leadbridge.env" (dict
  "KAFKA_DLT_TOPIC" .Values.kafka.dltTopic
  "PHONE_REGION" .Values.leads.phoneRegion
  "SOURCE_ID" .Values.leads.sourceId
  "MAPPING_FILE" (include "leadbridge.mappingFile" .)
) }}
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
      {{- with .Values.replay.resources }}
      resources:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with printf "%s%s" (include "leadbridge.kafkaMounts" (list . "replay" .Values.replay.kafka)) (include "leadbridge.mappingMount" .) | trim }}
      volumeMounts:
        {{- . | nindent 8 }}
      {{- end }}
  {{- with printf "%s%s" (include "leadbridge.kafkaVolumes" (list . "replay" .Values.replay.kafka)) (include "leadbridge.mappingVolume" .) | trim }}
  volumes:
    {{- . | nindent 4 }}
  {{- end }}
{{- end }}
