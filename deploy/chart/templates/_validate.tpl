{{/* What the schema cannot tell: all faults at once, each with its remedy. */}}
{{- define "leadbridge.validate" -}}
{{- $faults := list }}
{{- with .Values.mapping }}
{{- if gt (len (compact (list .program .preset .existingConfigMap))) 1 }}
{{- $faults = append $faults "mapping: program, preset and existingConfigMap exclude each other: keep one" }}
{{- end }}
{{- end }}
{{- with .Values.kafka.sasl }}
{{- if and .mechanism (not (and .username .existingSecret)) (not $.Values.strimzi.users.create) }}
{{- $faults = append $faults "kafka.sasl.mechanism needs kafka.sasl.username and kafka.sasl.existingSecret" }}
{{- end }}
{{- if and .existingSecret (not .mechanism) }}
{{- $faults = append $faults "kafka.sasl.existingSecret is given, but no kafka.sasl.mechanism: set PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512" }}
{{- end }}
{{- end }}
{{- if and (or .Values.kafka.tls.ca.existingSecret .Values.kafka.tls.client.existingSecret) (not .Values.kafka.tls.enabled) }}
{{- $faults = append $faults "kafka.tls names a Secret, but kafka.tls.enabled is off: the connection would not be protected" }}
{{- end }}
{{- if and .Values.gate.enabled (not .Values.gate.sources) (not .Values.gate.existingConfigMap) }}
{{- $faults = append $faults "gate.enabled needs to know who may send: set gate.sources or gate.existingConfigMap" }}
{{- end }}
{{- if and .Values.gate.sources .Values.gate.existingConfigMap }}
{{- $faults = append $faults "gate: sources and existingConfigMap exclude each other: keep one" }}
{{- end }}
{{- with $faults }}
{{- fail (printf "%d of the values cannot be used:\n  %s" (len .) (join "\n  " .)) }}
{{- end }}
{{- end }}
