{{/* Settings that only leadbridge run and check take, but for the CRM's key. */}}
{{- define "leadbridge.consumerEnv" -}}
{{- $kafka := .Values.kafka }}
{{- $crm := .Values.crm }}
{{- $leads := .Values.leads }}
{{- $delivery := .Values.delivery }}
{{- include "leadbridge.env" (dict
  "KAFKA_DLT_TOPIC" $kafka.dltTopic
  "KAFKA_RESULT_TOPIC" $kafka.resultTopic
  "KAFKA_STATE_TOPIC" $kafka.stateTopic
  "KAFKA_GROUP_ID" $kafka.groupId
  "KAFKA_SESSION_TIMEOUT" $kafka.sessionTimeout
  "CRM_BASE_URL" $crm.baseUrl
  "CRM_TIMEOUT" $crm.timeout
  "CRM_QUEUE_LIMIT" $crm.queueLimit
  "CRM_SETTLE" $crm.settle
  "CRM_SLOTS" $crm.slots
  "CRM_BATCH_SIZE" $crm.batchSize
  "CRM_REQUESTS_PER_MINUTE" $crm.requestsPerMinute
  "CRM_REQUESTS_PER_SECOND" $crm.requestsPerSecond
  "CRM_ORIGIN_FIELD" $crm.originField
  "CRM_ORIGINATOR" $crm.originator
  "TRACKING_FIELDS" $crm.trackingFields
  "CRM_LOOKUP" $crm.lookup
  "CRM_MATCH" $crm.match
  "CRM_MATCH_MANY" $crm.matchMany
  "CRM_ON_MATCH" $crm.onMatch
  "CRM_MAX_ATTEMPTS" $crm.maxAttempts
  "CRM_BACKOFF_INITIAL" $crm.backoffInitial
  "CRM_BACKOFF_MAX" $crm.backoffMax
  "CRM_FLOOD_LIMIT" $crm.floodLimit
  "CRM_TARGET" $crm.target
  "CRM_COMMENT" $crm.comment
  "LEAD_STATUS_ID" $crm.leadStatusId
  "DEAL_CATEGORY_ID" $crm.dealCategoryId
  "DEAL_STAGE_ID" $crm.dealStageId
  "PHONE_REGION" $leads.phoneRegion
  "SOURCE_ID" $leads.sourceId
  "LEAD_TITLE" $leads.leadTitle
  "DEAL_TITLE" $leads.dealTitle
  "MAPPING_FILE" (include "leadbridge.mappingFile" .)
  "ORDER_BY" $delivery.orderBy
  "FRESH_FIRST" $delivery.freshFirst
  "WINDOW" $delivery.window
  "MAX_BUFFER" $delivery.maxBuffer
  "DEDUPE_WINDOW" $delivery.dedupeWindow
  "DRAIN_TIMEOUT" $delivery.drainTimeout
  "PAUSED" (ternary "true" "" $delivery.paused)
  "PAUSED_FILE" (ternary (printf "/etc/leadbridge/pause/%s" $delivery.pausedKey) "" (ne $delivery.pausedConfigMap ""))
) }}
{{- end }}

{{/* The Secret of the CRM's key. A name is made up when none is given, a secret never. */}}
{{- define "leadbridge.crmSecret" -}}
{{- default (printf "%s-crm" (include "leadbridge.fullname" .)) .Values.crm.existingSecret }}
{{- end }}

{{- define "leadbridge.crmVolume" -}}
{{- $keys := list .Values.crm.apiKeyKey }}
{{- with .Values.crm.sessionTokenKey }}{{ $keys = append $keys . }}{{ end }}
{{- include "leadbridge.secretVolume" (list "crm" (include "leadbridge.crmSecret" .) $keys) }}
{{- end }}

{{- define "leadbridge.crmEnv" -}}
- name: CRM_API_KEY_FILE
  value: /etc/leadbridge/crm/{{ .Values.crm.apiKeyKey }}
{{- with .Values.crm.sessionTokenKey }}
- name: CRM_SESSION_TOKEN_FILE
  value: /etc/leadbridge/crm/{{ . }}
{{- end }}
{{- end }}

{{/* All environment variables of the consumer; leadbridge check takes the same. */}}
{{- define "leadbridge.consumerEnvAll" -}}
{{- $access := list . "consumer" dict }}
{{- include "leadbridge.kafkaEnv" $access }}
{{- include "leadbridge.consumerEnv" . }}
{{- include "leadbridge.schemasEnv" . }}
{{ include "leadbridge.crmEnv" . }}
{{- include "leadbridge.env" (dict "HTTP_ADDR" (printf ":%v" .Values.service.port) "LOG_LEVEL" .Values.log.level "LOG_FORMAT" .Values.log.format) }}
{{- include "leadbridge.tracingEnv" . }}
{{- with .Values.extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* What pauses all replicas. A pod starts without it too: then nothing is paused. */}}
{{- define "leadbridge.pauseVolume" -}}
{{- with .Values.delivery.pausedConfigMap }}
- name: pause
  configMap:
    name: {{ . }}
    optional: true
    items:
      - key: {{ $.Values.delivery.pausedKey }}
        path: {{ $.Values.delivery.pausedKey }}
{{- end }}
{{- end }}

{{- define "leadbridge.consumerMounts" -}}
{{ include "leadbridge.mount" "crm" }}
{{- if .Values.delivery.pausedConfigMap }}
{{ include "leadbridge.mount" "pause" }}
{{- end }}
{{- include "leadbridge.kafkaMounts" (list . "consumer" dict) }}
{{- include "leadbridge.mappingMount" . }}
{{- include "leadbridge.schemasMounts" . }}
{{- include "leadbridge.tracingMount" . }}
{{- with .Values.extraVolumeMounts }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "leadbridge.consumerVolumes" -}}
{{ include "leadbridge.crmVolume" . }}
{{- include "leadbridge.pauseVolume" . }}
{{- include "leadbridge.kafkaVolumes" (list . "consumer" dict) }}
{{- include "leadbridge.mappingVolume" . }}
{{- include "leadbridge.schemasVolumes" . }}
{{- include "leadbridge.tracingVolume" . }}
{{- with .Values.extraVolumes }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* The page's, which leadbridge check has no use for: it gets no token. */}}
{{- define "leadbridge.adminEnv" -}}
{{- if .Values.admin.enabled }}
{{- include "leadbridge.env" (dict "ADMIN_ADDR" (printf ":%v" .Values.admin.port)) }}
{{- if and .Values.admin.existingSecret .Values.admin.tokensKey }}
{{- include "leadbridge.env" (dict "ADMIN_TOKENS_FILE" (printf "/etc/leadbridge/admin/%s" .Values.admin.tokensKey)) }}
{{- else if .Values.admin.existingSecret }}
{{- include "leadbridge.env" (dict "ADMIN_TOKEN_FILE" (printf "/etc/leadbridge/admin/%s" .Values.admin.tokenKey)) }}
{{- end }}
{{- with .Values.admin.oidc }}
{{- if .issuer }}
{{- include "leadbridge.env" (dict
  "ADMIN_OIDC_ISSUER" .issuer
  "ADMIN_OIDC_CLIENT_ID" .clientId
  "ADMIN_OIDC_CLIENT_SECRET_FILE" (ternary (printf "/etc/leadbridge/admin-oidc/%s" .secretKey) "" (ne .existingSecret ""))
  "ADMIN_OIDC_REDIRECT_URL" .redirectUrl
  "ADMIN_OIDC_SCOPES" .scopes
  "ADMIN_OIDC_NAME_CLAIM" .nameClaim
  "ADMIN_OIDC_ROLES_CLAIM" .rolesClaim
  "ADMIN_OIDC_ROLES" .roles
  "ADMIN_OIDC_TITLE" .title
  "ADMIN_OIDC_SESSION" .session
  "ADMIN_OIDC_CA_FILE" (ternary (printf "/etc/leadbridge/admin-oidc-ca/%s" .ca.key) "" (ne .ca.existingSecret ""))
) }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}

{{- define "leadbridge.adminMount" -}}
{{- if .Values.admin.enabled }}
{{- if .Values.admin.existingSecret }}
{{ include "leadbridge.mount" "admin" }}
{{- end }}
{{- if .Values.admin.oidc.existingSecret }}
{{ include "leadbridge.mount" "admin-oidc" }}
{{- end }}
{{- if .Values.admin.oidc.ca.existingSecret }}
{{ include "leadbridge.mount" "admin-oidc-ca" }}
{{- end }}
{{- end }}
{{- end }}

{{- define "leadbridge.adminVolume" -}}
{{- if .Values.admin.enabled }}
{{- with .Values.admin.existingSecret }}
{{ include "leadbridge.secretVolume" (list "admin" . (list (default $.Values.admin.tokenKey $.Values.admin.tokensKey))) }}
{{- end }}
{{- with .Values.admin.oidc.existingSecret }}
{{ include "leadbridge.secretVolume" (list "admin-oidc" . (list $.Values.admin.oidc.secretKey)) }}
{{- end }}
{{- with .Values.admin.oidc.ca.existingSecret }}
{{ include "leadbridge.secretVolume" (list "admin-oidc-ca" . (list $.Values.admin.oidc.ca.key)) }}
{{- end }}
{{- end }}
{{- end }}
