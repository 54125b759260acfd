package deploytest

import "testing"

// matrix are the values that every rule is tried with: nothing, each option on, everything on.
var matrix = map[string]string{
	"defaults":         ``,
	"three replicas":   `replicaCount: 3`,
	"names":            `{nameOverride: bridge, fullnameOverride: a-name-that-fills-the-forty-characters-x, commonLabels: {team: sales}}`,
	"image":            `image: {repository: registry.example.com/leadbridge, digest: "sha256:0123456789012345678901234567890123456789012345678901234567890123"}`,
	"pull secrets":     `imagePullSecrets: [{name: registry}]`,
	"service account":  `serviceAccount: {create: false, name: existing}`,
	"crm":              `crm: {existingSecret: portal, apiKeyKey: key, sessionTokenKey: session, baseUrl: "http://portal.example.com:8443/x"}`,
	"tls":              `kafka: {brokers: "a.example.com:9093, b.example.com", tls: {enabled: true, ca: {existingSecret: ca}, client: {existingSecret: client}}}`,
	"sasl":             sasl,
	"oauth":            oauth,
	"schemas, token":   schemasByToken,
	"oauth, projected": `kafka: {tls: {enabled: true}, sasl: {mechanism: OAUTHBEARER}, oauth: {serviceAccountToken: {audience: kafka, expirationSeconds: 900}}}`,
	"msk":              msk,
	"own credentials":  sasl + ownCredentials,
	"mapping":          `mapping: {program: "{name: .first}"}`,
	"mapping's map":    `mapping: {existingConfigMap: mine, key: my.jq}`,
	"preset":           `mapping: {preset: typeform}`,
	"long drain":       `{delivery: {drainTimeout: 1m30s}, gate: {enabled: true, existingConfigMap: sources, drainTimeout: 45s}}`,
	"budgets off":      `{podDisruptionBudget: {enabled: false}, networkPolicy: {enabled: false}}`,
	"paused":           `delivery: {paused: true, pausedConfigMap: pause, pausedKey: word}`,
	"gate":             gate,
	"gate alone":       `{consumer: {enabled: false}, gate: {enabled: true, existingConfigMap: sources}}`,
	"replay":           `{replay: {enabled: true, args: ["--reason=CRM_REFUSED", "--rate=5"], activeDeadlineSeconds: 3600}, mapping: {program: .}}`,
	"extras":           extras,
	"replay's extras":  replayExtras,
	"tracing":          `{tracing: {endpoint: "https://collector.example.com", existingSecret: collector, samplerArg: "0.5"}, gate: {enabled: true, existingConfigMap: sources}, replay: {enabled: true}, networkPolicy: {tracingTo: [{ipBlock: {cidr: 192.0.2.0/24}}]}}`,
	"network":          network,
	"metrics":          `{metrics: {serviceMonitor: {enabled: true, labels: {release: prometheus}, interval: 30s, scrapeTimeout: 10s}, prometheusRule: {enabled: true}, dashboard: {enabled: true, annotations: {grafana_folder: Sales}}}, gate: {enabled: true, existingConfigMap: sources}}`,
	"keda":             `keda: {enabled: true, partitions: 6, maxReplicas: 6}`,
	"keda, logging in": sasl + "\nkeda: {enabled: true, partitions: 6}",
	"strimzi":          strimzi,
	"strimzi, tls":     `{kafka: {tls: {enabled: true}}, strimzi: {cluster: main, namespace: kafka, apiVersion: kafka.strimzi.io/v1beta2, topics: {create: true}, users: {create: true, authentication: tls}}, gate: {enabled: true, existingConfigMap: sources}, replay: {enabled: true}, keda: {enabled: true}}`,
	"admin":            `{admin: {enabled: true, existingSecret: page}, networkPolicy: {adminFrom: [{podSelector: {}}]}}`,
	"admin, roles":     adminRoles,
	"admin, oidc":      adminOIDC,
	"admin, public":    `admin: {enabled: true, oidc: {issuer: "https://login.example.com", clientId: page, redirectUrl: "https://leads.example.com/oidc/callback", roles: "act=oncall"}}`,
	"every setting":    everySetting,
	"everything":       everything,
}

const (
	sasl = `
kafka:
  tls: {enabled: true, ca: {existingSecret: ca, key: root.pem}}
  sasl: {mechanism: SCRAM-SHA-512, username: bridge, existingSecret: login, passwordKey: secret}
`
	oauth = `
kafka:
  tls: {enabled: true}
  sasl: {mechanism: OAUTHBEARER}
  oauth: {tokenUrl: "https://login.example.com/token", clientId: bridge, existingSecret: client, secretKey: secret, scope: "one two", audience: kafka, extensions: "logicalCluster=lkc-1,identityPoolId=pool-2", ca: {existingSecret: login-ca}}
gate: {enabled: true, existingConfigMap: sources}
replay: {enabled: true}
`
	// What a webhook of the cluster, or extraVolumes, mount: the chart does not.
	adminRoles = `
admin: {enabled: true, existingSecret: page, tokensKey: tokens.yaml}
`
	adminOIDC = `
admin: {enabled: true, existingSecret: page, tokensKey: tokens.yaml, oidc: {issuer: "https://login.example.com:8443/realms/staff", clientId: page, existingSecret: page-client, redirectUrl: "https://leads.example.com/oidc/callback", scopes: "openid groups", nameClaim: email, rolesClaim: realm_access.roles, roles: "look=leads-readers,act=leads-oncall", title: Example ID, session: 1h, ca: {existingSecret: login-ca}}}
networkPolicy: {oidcTo: [{ipBlock: {cidr: 192.0.2.0/24}}]}
`

	schemasByToken = `
replay: {enabled: true, run: r1}
schemaRegistry: {url: "https://registry.example.com/apis/ccompat/v7", existingSecret: registry, secretKey: token}
`

	oauthAssertion = `
kafka:
  tls: {enabled: true}
  sasl: {mechanism: OAUTHBEARER}
  oauth: {tokenUrl: "https://login.example.com/token", clientId: bridge, assertionFile: /var/run/secrets/azure/tokens/azure-identity-token, scope: "https://ns.example.net/.default"}
gate: {enabled: true, existingConfigMap: sources}
replay: {enabled: true}
`
	oauthToken = `
kafka:
  tls: {enabled: true}
  sasl: {mechanism: OAUTHBEARER}
  oauth: {tokenFile: /etc/leadbridge/kafka-token/token}
gate: {enabled: true, existingConfigMap: sources}
replay: {enabled: true}
`
	msk = `
kafka: {brokers: "b-1.example.com:9098", tls: {enabled: true}, sasl: {mechanism: AWS_MSK_IAM}, awsRegion: eu-central-1}
gate: {enabled: true, existingConfigMap: sources}
replay: {enabled: true}
`
	ownCredentials = `
gate:
  enabled: true
  existingConfigMap: sources
  kafka: {sasl: {username: gate, existingSecret: gate-login}, tls: {client: {existingSecret: gate-cert}}}
replay:
  enabled: true
  kafka: {sasl: {username: replay, existingSecret: replay-login}}
`
	gate = `
gate:
  enabled: true
  sources:
    - name: site
      verify: {type: standard-webhooks, secrets_files: [/etc/leadbridge/hooks/site/secret], secrets_env: [SITE_SECRET]}
      mapping: "{name: .first, email: .mail}"
    - name: contact
      verify: {type: none}
      redirect: https://example.com/thanks
      honeypot: website
      topic: leads.two
      cors: [https://example.com]
      rate: 60/m
  secrets: [{existingSecret: site}, {existingSecret: other}]
  extraEnv: [{name: SITE_SECRET, valueFrom: {secretKeyRef: {name: site, key: secret}}}]
  ingress: {enabled: true, className: nginx, hosts: [gate.example.com], tls: [{secretName: cert, hosts: [gate.example.com]}]}
  httpRoute: {enabled: true, parentRefs: [{name: public, namespace: gateways}], hostnames: [gate.example.com]}
`
	extras = `
podLabels: {sidecar: "true"}
podAnnotations: {note: text}
nodeSelector: {kubernetes.io/arch: amd64}
tolerations: [{key: dedicated, operator: Exists}]
affinity: {podAntiAffinity: {preferredDuringSchedulingIgnoredDuringExecution: [{weight: 1, podAffinityTerm: {topologyKey: kubernetes.io/hostname}}]}}
priorityClassName: high
topologySpreadConstraints: [{maxSkew: 2, topologyKey: rack, whenUnsatisfiable: DoNotSchedule, labelSelector: {matchLabels: {a: b}}, matchLabelKeys: [c]}]
extraEnv: [{name: HTTPS_PROXY, value: "http://proxy:3128"}]
extraEnvFrom: [{configMapRef: {name: more}}]
extraVolumes: [{name: extra, emptyDir: {}}]
extraVolumeMounts: [{name: extra, mountPath: /extra}]
service: {port: 9000, annotations: {a: b}}
serviceAccount: {annotations: {a: b}}
`
	replayExtras = `
tracing: {endpoint: "http://collector:4318", existingSecret: collector}
replay:
  enabled: true
  extraEnv: [{name: HTTPS_PROXY, value: "http://proxy:3128"}]
  extraEnvFrom: [{secretRef: {name: more}}]
  extraVolumes: [{name: extra, emptyDir: {}}]
  extraVolumeMounts: [{name: extra, mountPath: /extra}]
`
	network = `
gate: {enabled: true, existingConfigMap: sources}
networkPolicy:
  kafkaPorts: [9094]
  kafkaTo: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: kafka}}}]
  crmTo: [{ipBlock: {cidr: 192.0.2.0/24}}]
  dnsTo: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: kube-system}}}]
  metricsFrom: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: monitoring}}}]
  gateFrom: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: ingress}}}]
  extraEgress: [{ports: [{port: 3128}]}]
`
	strimzi = `
kafka: {resultTopic: Leads_Results, stateTopic: leads.state}
strimzi: {cluster: main, topics: {create: true, partitions: 12}, users: {create: true}}
gate: {enabled: true, existingConfigMap: sources}
replay: {enabled: true}
keda: {enabled: true, maxReplicas: 12}
`
	everySetting = `
kafka: {brokers: "127.0.0.1:1", topic: web, dltTopic: web.dlt, resultTopic: web.results, stateTopic: web.state, groupId: group, sessionTimeout: 45s, tls: {enabled: true, ca: {existingSecret: ca}, client: {existingSecret: client}}, sasl: {mechanism: PLAIN, username: me, existingSecret: login}}
crm: {existingSecret: portal, sessionTokenKey: session, baseUrl: "http://127.0.0.1:1", timeout: 40s, queueLimit: 20s, settle: 6s, slots: 1, batchSize: 40, requestsPerMinute: 200, requestsPerSecond: 5, originField: none, originator: other, trackingFields: "utm_source,gclid", lookup: always, maxAttempts: 5, backoffInitial: 1s, backoffMax: 1m30s, floodLimit: 1000000, target: deal, leadStatusId: NEW, dealCategoryId: 3, dealStageId: "C3:NEW", comment: both, match: "email,phone", matchMany: newest, onMatch: link}
leads: {phoneRegion: DE, sourceId: OTHER, leadTitle: .name, dealTitle: '"Site: " + .email'}
schemaRegistry: {url: "https://a.example.com:8443,http://b.example.com", username: me, existingSecret: registry, ca: {existingSecret: registry-ca}, client: {existingSecret: registry-client}}
mapping: {program: "{name: .first}"}
delivery: {paused: true, pausedConfigMap: pause, orderBy: key, freshFirst: 50%, window: 100, maxBuffer: 32MiB, dedupeWindow: 2000000, drainTimeout: 10s}
log: {level: debug, format: console}
tracing: {endpoint: "http://127.0.0.1:1", existingSecret: collector, headersKey: key, sampler: parentbased_traceidratio, samplerArg: 0.25, resourceAttributes: "deployment.environment.name=prod"}
gate: {enabled: true, sources: [{name: site, verify: {type: none}}], ackTimeout: 9s, bodyTimeout: 8s, headerTimeout: 7s, connections: 1000, peerConnections: 100, trustedProxies: "10.0.0.0/8,2001:db8::1", forwardedHeader: Forwarded, bodyRate: 2KiB, bodyGrace: 3s, maxBuffer: 16777216, drainDelay: 0s, drainTimeout: 5s}
replay: {enabled: true}
admin: {enabled: true, existingSecret: page, oidc: {issuer: "https://127.0.0.1:1/realms/staff", clientId: page, existingSecret: page-client, redirectUrl: "https://leads.example.com/oidc/callback", scopes: "openid groups", nameClaim: email, rolesClaim: realm_access.roles, roles: "look=leads-readers,act=leads-oncall", title: Example ID, session: 1h, ca: {existingSecret: login-ca}}}
`
	everything = `
replicaCount: 3
commonLabels: {team: sales}
kafka: {resultTopic: leads.results, tls: {enabled: true}}
mapping: {program: "{name: .first}"}
strimzi: {cluster: main, topics: {create: true}, users: {create: true}}
replay: {enabled: true, args: ["--reason=CRM_REFUSED"]}
keda: {enabled: true}
metrics: {serviceMonitor: {enabled: true}, prometheusRule: {enabled: true}, dashboard: {enabled: true}}
admin: {enabled: true, existingSecret: page}
` + gate
)

// TestMatrix tries every rule with every case.
func TestMatrix(t *testing.T) {
	t.Parallel()
	for name, values := range matrix {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := render(t, values)
			for rule, holds := range rules {
				t.Run(rule, func(t *testing.T) { holds(t, r) })
			}
		})
	}
}

// rules are what holds for every set of values.
var rules = map[string]func(*testing.T, release){
	"metadata":      metadataIsWhole,
	"references":    referencesExist,
	"security":      podsAreRestricted,
	"environment":   environmentIsKnown,
	"secrets":       secretsAreFiles,
	"probes":        probesFit,
	"grace":         graceIsAboveTheDrain,
	"disruption":    budgetsDoNotBlockDrains,
	"notes":         notesAreClean,
	"network":       networkIsClosed,
	"rolling":       rolloutsKeepWhatIsThere,
	"service links": podsKnowNothingOfTheCluster,
}
