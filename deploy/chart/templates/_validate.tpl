{{/* What the schema cannot tell: all faults at once, each with its remedy. */}}
{{- define "leadbridge.validate" -}}
{{- $faults := list }}
{{- range list "leadbridge.faults.labels" "leadbridge.faults.mapping" "leadbridge.faults.kafka" "leadbridge.faults.gate" "leadbridge.faults.keda" "leadbridge.faults.strimzi" "leadbridge.faults.admin" }}
{{- range include . $ | splitList "\n" }}
{{- with trim . }}{{ $faults = append $faults . }}{{ end }}
{{- end }}
{{- end }}
{{- with $faults }}
{{- fail (printf "%d of the values cannot be used:\n  %s" (len .) (join "\n  " .)) }}
{{- end }}
{{- end }}

{{/* Labels of ours would change what Deployments select. */}}
{{- define "leadbridge.faults.labels" -}}
{{- range $name, $labels := dict "commonLabels" .Values.commonLabels "podLabels" .Values.podLabels "gate.podLabels" .Values.gate.podLabels }}
{{- range $label, $_ := $labels }}
{{- if regexMatch "^(app\\.kubernetes\\.io|helm\\.sh)/" $label }}
{{ $name }}: the label {{ $label }} is the chart's own: use another one
{{- end }}
{{- end }}
{{- end }}
{{- end }}

{{- define "leadbridge.faults.mapping" -}}
{{- with .Values.mapping }}
{{- if gt (len (compact (list .program .preset .existingConfigMap))) 1 }}
mapping: program, preset and existingConfigMap exclude each other: keep one
{{- end }}
{{- end }}
{{- end }}

{{- define "leadbridge.faults.kafka" -}}
{{- $makesUsers := .Values.strimzi.users.create }}
{{- with .Values.kafka }}
{{- $byToken := has .sasl.mechanism (list "OAUTHBEARER" "AWS_MSK_IAM") }}
{{- if and .sasl.mechanism (not $byToken) (not $makesUsers) (not (and .sasl.username .sasl.existingSecret)) }}
kafka.sasl.mechanism needs kafka.sasl.username and kafka.sasl.existingSecret
{{- end }}
{{- if and $byToken (or .sasl.username .sasl.existingSecret) }}
kafka.sasl.mechanism={{ .sasl.mechanism }} takes no user name and no password: leave kafka.sasl.username and kafka.sasl.existingSecret empty
{{- end }}
{{- if and .sasl.existingSecret (not .sasl.mechanism) }}
kafka.sasl.existingSecret is given, but no kafka.sasl.mechanism: set PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512
{{- end }}
{{- if and $byToken $.Values.keda.enabled }}
keda.enabled: the chart's ScaledObject logs in by passwords and certificates only; leave it off with kafka.sasl.mechanism={{ .sasl.mechanism }}, and write one of your own
{{- end }}
{{- with .oauth }}
{{- $file := or .tokenFile .serviceAccountToken.audience }}
{{- if and (ne $.Values.kafka.sasl.mechanism "OAUTHBEARER") (or .tokenUrl .clientId .existingSecret $file) }}
kafka.oauth is given, but kafka.sasl.mechanism is not OAUTHBEARER
{{- else if and (eq $.Values.kafka.sasl.mechanism "OAUTHBEARER") (not $file) (not (and .tokenUrl .clientId (or .existingSecret .assertionFile))) }}
kafka.sasl.mechanism=OAUTHBEARER needs kafka.oauth.tokenUrl, clientId and existingSecret (or assertionFile), or a token by kafka.oauth.serviceAccountToken.audience or tokenFile
{{- else if and $file .tokenUrl }}
kafka.oauth: a token's file and tokenUrl exclude each other: keep one
{{- else if and .tokenFile .serviceAccountToken.audience }}
kafka.oauth: tokenFile and serviceAccountToken.audience exclude each other: keep one
{{- else if and .existingSecret .assertionFile }}
kafka.oauth: existingSecret and assertionFile exclude each other: keep one
{{- end }}
{{- end }}
{{- if and .awsRegion (ne .sasl.mechanism "AWS_MSK_IAM") }}
kafka.awsRegion is given, but kafka.sasl.mechanism is not AWS_MSK_IAM
{{- end }}
{{- if and (not .tls.enabled) (or .tls.ca.existingSecret .tls.client.existingSecret) }}
kafka.tls names a Secret, but kafka.tls.enabled is off: the connection would not be protected
{{- end }}
{{- if and .resultTopic (or (eq .resultTopic (include "leadbridge.topic" $)) (eq .resultTopic (include "leadbridge.dltTopic" $))) }}
kafka.resultTopic is the topic of events or of dead letters: name another one
{{- end }}
{{- if and .stateTopic (has .stateTopic (list (include "leadbridge.topic" $) (include "leadbridge.dltTopic" $) .resultTopic)) }}
kafka.stateTopic is the topic of events, of dead letters or of results: name another one
{{- end }}
{{- if eq (include "leadbridge.topic" $) (include "leadbridge.dltTopic" $) }}
kafka.dltTopic is the topic of events: name another one
{{- end }}
{{- range $name, $own := dict "gate" $.Values.gate.kafka "replay" $.Values.replay.kafka }}
{{- if and $own.sasl.existingSecret (not $.Values.kafka.sasl.mechanism) }}
{{ $name }}.kafka.sasl.existingSecret is given, but no kafka.sasl.mechanism
{{- end }}
{{- if and $own.sasl.username (not $own.sasl.existingSecret) }}
{{ $name }}.kafka.sasl.username needs {{ $name }}.kafka.sasl.existingSecret
{{- end }}
{{- if and $own.tls.client.existingSecret (not $.Values.kafka.tls.enabled) }}
{{ $name }}.kafka.tls names a Secret, but kafka.tls.enabled is off
{{- end }}
{{- end }}
{{- end }}
{{- end }}

{{- define "leadbridge.faults.gate" -}}
{{- with .Values.gate }}
{{- if and .enabled (not .sources) (not .existingConfigMap) }}
gate.enabled needs to know who may send: set gate.sources or gate.existingConfigMap
{{- end }}
{{- if and .sources .existingConfigMap }}
gate: sources and existingConfigMap exclude each other: keep one
{{- end }}
{{- if and .ingress.enabled (not .ingress.hosts) }}
gate.ingress.enabled needs gate.ingress.hosts
{{- end }}
{{- if and .httpRoute.enabled (not .httpRoute.parentRefs) }}
gate.httpRoute.enabled needs gate.httpRoute.parentRefs
{{- end }}
{{- if and (not .enabled) (or .ingress.enabled .httpRoute.enabled) }}
gate.ingress and gate.httpRoute need gate.enabled
{{- end }}
{{- end }}
{{- end }}

{{- define "leadbridge.faults.keda" -}}
{{- with .Values.keda }}
{{- if .enabled }}
{{- $partitions := include "leadbridge.partitions" $ | int64 }}
{{- if eq $partitions 0 }}
keda.enabled needs keda.partitions: more consumers than partitions are idle
{{- else if gt (int64 .maxReplicas) $partitions }}
keda.maxReplicas={{ int64 .maxReplicas }} is more than the {{ $partitions }} partitions of the topic: the consumers beyond them would be idle
{{- end }}
{{- if gt (int64 .minReplicas) (int64 .maxReplicas) }}
keda.minReplicas={{ int64 .minReplicas }} is more than keda.maxReplicas={{ int64 .maxReplicas }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}

{{- define "leadbridge.faults.strimzi" -}}
{{- with .Values.strimzi }}
{{- if and (not .cluster) (or .topics.create .users.create) }}
strimzi.topics.create and strimzi.users.create need strimzi.cluster
{{- end }}
{{- if and .users.create (eq .users.authentication "tls") (not $.Values.kafka.tls.enabled) }}
strimzi.users.authentication=tls needs kafka.tls.enabled
{{- end }}
{{- if and .users.create (or $.Values.kafka.sasl.existingSecret $.Values.kafka.tls.client.existingSecret) }}
strimzi.users.create makes the credentials: leave kafka.sasl and kafka.tls.client empty
{{- end }}
{{- end }}
{{- end }}

{{- define "leadbridge.faults.admin" -}}
{{- if and .Values.admin.enabled (not .Values.admin.existingSecret) (not .Values.admin.oidc.issuer) }}
admin.enabled needs admin.existingSecret or admin.oidc.issuer: the page shows people's data
{{- end }}
{{- with .Values.admin.oidc }}
{{- if and .issuer (not (and .clientId .redirectUrl .roles)) }}
admin.oidc.issuer needs admin.oidc.clientId, redirectUrl and roles
{{- end }}
{{- if and (not .issuer) (or .clientId .redirectUrl .roles .existingSecret) }}
admin.oidc is given, but no admin.oidc.issuer
{{- end }}
{{- end }}
{{- if and .Values.admin.enabled (eq (int64 .Values.admin.port) (int64 .Values.service.port)) }}
admin.port and service.port are the same: change one
{{- end }}
{{- end }}
