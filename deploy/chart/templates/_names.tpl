{{/* Names that the program has by itself when the values are empty. */}}
{{- define "leadbridge.topic" -}}{{ default "leads" .Values.kafka.topic }}{{- end }}
{{- define "leadbridge.dltTopic" -}}{{ default "leads.dlt" .Values.kafka.dltTopic }}{{- end }}
{{- define "leadbridge.groupId" -}}{{ default "leadbridge" .Values.kafka.groupId }}{{- end }}
