{{/* The head of an object of Strimzi's: (list $ "component" "name"). */}}
{{- define "leadbridge.strimziMetadata" -}}
{{- $ := index . 0 -}}
name: {{ index . 2 }}
namespace: {{ default $.Release.Namespace $.Values.strimzi.namespace }}
labels:
  {{- include "leadbridge.labels" (list $ (index . 1)) | nindent 2 }}
  strimzi.io/cluster: {{ $.Values.strimzi.cluster }}
{{- end }}

{{/* A KafkaTopic: (list $ "topic" config partitions). */}}
{{- define "leadbridge.kafkaTopic" -}}
{{- $ := index . 0 }}
{{- $topic := index . 1 -}}
apiVersion: {{ $.Values.strimzi.apiVersion }}
kind: KafkaTopic
metadata:
  {{- include "leadbridge.strimziMetadata" (list $ "kafka" (lower $topic | replace "_" "-" | trimAll "-." | trunc 63)) | nindent 2 }}
  annotations:
    # Events outlive the release.
    helm.sh/resource-policy: keep
spec:
  topicName: {{ quote $topic }}
  partitions: {{ index . 3 }}
  replicas: {{ $.Values.strimzi.topics.replicas }}
  config:
    {{- range $name, $value := index . 2 }}
    {{ $name }}: {{ if kindIs "float64" $value }}{{ int64 $value }}{{ else }}{{ toJson $value }}{{ end }}
    {{- end }}
{{- end }}

{{/* A KafkaUser of a workload: (list $ "consumer" rules), rules being a list of (list "topic" "name" (list operations)). */}}
{{- define "leadbridge.kafkaUser" -}}
{{- $ := index . 0 -}}
apiVersion: {{ $.Values.strimzi.apiVersion }}
kind: KafkaUser
metadata:
  {{- include "leadbridge.strimziMetadata" (list $ (index . 1) (printf "%s-%s" (include "leadbridge.fullname" $) (index . 1))) | nindent 2 }}
spec:
  authentication:
    type: {{ $.Values.strimzi.users.authentication }}
  authorization:
    type: simple
    acls:
      {{- range index . 2 }}
      - resource:
          type: {{ index . 0 }}
          name: {{ index . 1 | quote }}
          patternType: literal
        operations: {{ index . 2 | toJson }}
      {{- end }}
{{- end }}

{{/*
The rights of workloads, as JSON. Of the cluster none: topics are made by others, and an idempotent
producer needs no more than to write to a topic (since Kafka 2.8). The admin page reads letters and
replays them, in the consumer's process.
*/}}
{{- define "leadbridge.consumerRights" -}}
{{- $leads := list "Read" "Describe" "DescribeConfigs" }}
{{- $letters := list "Write" "Describe" "DescribeConfigs" }}
{{- /* helm test writes a ledger in a group of its own, which expires. */}}
{{- $rights := list (list "group" (include "leadbridge.groupId" .) (list "Read" "Describe")) (list "group" (printf "%s-check" (include "leadbridge.groupId" .)) (list "Read" "Describe")) }}
{{- if .Values.admin.enabled }}
{{- $leads = append $leads "Write" }}
{{- $letters = append $letters "Read" }}
{{- $rights = append $rights (include "leadbridge.transactionRight" . | fromJsonArray) }}
{{- end }}
{{- with .Values.kafka.resultTopic }}
{{- $rights = append $rights (list "topic" . (list "Write" "Describe")) }}
{{- end }}
{{- with .Values.kafka.stateTopic }}
{{- $rights = append $rights (list "topic" . (list "Read" "Write" "Describe" "DescribeConfigs")) }}
{{- end }}
{{- concat (list (list "topic" (include "leadbridge.topic" .) $leads) (list "topic" (include "leadbridge.dltTopic" .) $letters)) $rights | toJson }}
{{- end }}

{{- define "leadbridge.gateRights" -}}
{{- $topics := list (include "leadbridge.topic" .) }}
{{- range .Values.gate.sources }}{{ with .topic }}{{ $topics = append $topics . }}{{ end }}{{ end }}
{{- $rights := list }}
{{- range uniq $topics }}{{ $rights = append $rights (list "topic" . (list "Write" "Describe")) }}{{ end }}
{{- toJson $rights }}
{{- end }}

{{- define "leadbridge.replayRights" -}}
{{- toJson (list
  (list "topic" (include "leadbridge.topic" .) (list "Write" "Describe" "DescribeConfigs"))
  (list "topic" (include "leadbridge.dltTopic" .) (list "Read" "Write" "Describe" "DescribeConfigs"))
  (include "leadbridge.transactionRight" . | fromJsonArray)
) }}
{{- end }}

{{- define "leadbridge.transactionRight" -}}
{{- list "transactionalId" (printf "leadbridge-replay-%s" (include "leadbridge.dltTopic" .)) (list "Write" "Describe") | toJson }}
{{- end }}
