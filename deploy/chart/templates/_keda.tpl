{{/* Partitions of the topic; 0: not known. */}}
{{- define "leadbridge.partitions" -}}
{{- if .Values.keda.partitions }}{{ int64 .Values.keda.partitions }}
{{- else if .Values.strimzi.topics.create }}{{ int64 .Values.strimzi.topics.partitions }}
{{- else }}0
{{- end }}
{{- end }}

{{/* KEDA asks the brokers from another namespace, where "kafka:9092" is somebody else's Service. */}}
{{- define "leadbridge.kedaBrokers" -}}
{{- $brokers := list }}
{{- range splitList "," (default (include "leadbridge.brokers" .) .Values.keda.bootstrapServers) }}
{{- with trim . }}
{{- $host := regexReplaceAll ":[0-9]+$" . "" }}
{{- $port := regexFind ":[0-9]+$" . | default ":9092" }}
{{- if not (regexMatch "[.:]" $host) }}{{ $host = printf "%s.%s.svc" $host $.Release.Namespace }}{{ end }}
{{- $brokers = append $brokers (print $host $port) }}
{{- end }}
{{- end }}
{{- join "," $brokers }}
{{- end }}

{{/* What KEDA logs in with, as a list of {parameter, name, key}. */}}
{{- define "leadbridge.kedaSecrets" -}}
{{- $access := include "leadbridge.kafkaAccess" (list . "consumer" dict) | fromYaml }}
{{- with $access.ca.secret }}
- {parameter: ca, name: {{ . }}, key: {{ $access.ca.key }}}
{{- end }}
{{- with $access.client.secret }}
- {parameter: cert, name: {{ . }}, key: {{ $access.client.cert }}}
- {parameter: key, name: {{ . }}, key: {{ $access.client.key }}}
{{- end }}
{{- if $access.sasl.mechanism }}
- {parameter: password, name: {{ $access.sasl.secret }}, key: {{ $access.sasl.key }}}
{{- end }}
{{- end }}
