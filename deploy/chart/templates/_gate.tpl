{{/* The sources file, as YAML. */}}
{{- define "leadbridge.sources" -}}
{{- dict "sources" .Values.gate.sources | toYaml }}
{{- end }}

{{- define "leadbridge.gateEnv" -}}
{{- $gate := .Values.gate }}
{{- include "leadbridge.kafkaEnv" (list . "gate" $gate.kafka) }}
{{- include "leadbridge.env" (dict
  "SOURCES_FILE" "/etc/leadbridge/gate/sources.yaml"
  "PHONE_REGION" .Values.leads.phoneRegion
  "INGEST_ACK_TIMEOUT" $gate.ackTimeout
  "INGEST_BODY_TIMEOUT" $gate.bodyTimeout
  "INGEST_HEADER_TIMEOUT" $gate.headerTimeout
  "INGEST_CONNECTIONS" $gate.connections
  "INGEST_PEER_CONNECTIONS" $gate.peerConnections
  "INGEST_TRUSTED_PROXIES" $gate.trustedProxies
  "INGEST_FORWARDED_HEADER" $gate.forwardedHeader
  "INGEST_BODY_RATE" $gate.bodyRate
  "INGEST_BODY_GRACE" $gate.bodyGrace
  "MAX_BUFFER" $gate.maxBuffer
  "DRAIN_DELAY" $gate.drainDelay
  "DRAIN_TIMEOUT" $gate.drainTimeout
  "HTTP_ADDR" ":8090"
  "METRICS_ADDR" ":9090"
  "LOG_LEVEL" .Values.log.level
  "LOG_FORMAT" .Values.log.format
) }}
{{- include "leadbridge.tracingEnv" . }}
{{- with $gate.extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "leadbridge.gateMounts" -}}
{{ include "leadbridge.mount" "gate" }}
{{- include "leadbridge.kafkaMounts" (list . "gate" .Values.gate.kafka) }}
{{- range $i, $secret := .Values.gate.secrets }}
- name: hooks-{{ $i }}
  mountPath: /etc/leadbridge/hooks/{{ $secret.existingSecret }}
  readOnly: true
{{- end }}
{{- include "leadbridge.tracingMount" . }}
{{- with .Values.gate.extraVolumeMounts }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "leadbridge.gateVolumes" -}}
- name: gate
  configMap:
    name: {{ default (printf "%s-gate" (include "leadbridge.fullname" .)) .Values.gate.existingConfigMap }}
    items:
      - key: sources.yaml
        path: sources.yaml
{{- include "leadbridge.kafkaVolumes" (list . "gate" .Values.gate.kafka) }}
{{- range $i, $secret := .Values.gate.secrets }}
{{ include "leadbridge.secretVolume" (list (printf "hooks-%d" $i) $secret.existingSecret list) }}
{{- end }}
{{- include "leadbridge.tracingVolume" . }}
{{- with .Values.gate.extraVolumes }}
{{ toYaml . }}
{{- end }}
{{- end }}
