package deploytest

import (
	"strings"
	"testing"
)

// TestRefusedValues gives values that cannot work, and looks for what is said of them.
func TestRefusedValues(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ values, want string }{
		"unknown value":             {`kafka: {broker: x}`, `at '/kafka': additional properties 'broker' not allowed`},
		"unknown top value":         {`replicas: 3`, `additional properties 'replicas' not allowed`},
		"brokers as a list":         {`kafka: {brokers: [a, b]}`, `at '/kafka/brokers': got array, want string`},
		"a text for a number":       {`crm: {slots: many}`, `at '/crm/slots': 'many' does not match pattern`},
		"a number for a duration":   {`crm: {timeout: 35}`, `at '/crm/timeout': got number, want string`},
		"too large a batch":         {`crm: {batchSize: 51}`, `at '/crm/batchSize': maximum: got 51, want 50`},
		"fewer than no replicas":    {`replicaCount: -1`, `at '/replicaCount': minimum: got -1, want 0`},
		"a key in the address":      {`crm: {baseUrl: "https://user:key@crm.example.com"}`, `at '/crm/baseUrl'`},
		"no drain":                  {`delivery: {drainTimeout: ""}`, `at '/delivery/drainTimeout'`},
		"an unknown mechanism":      {`kafka: {sasl: {mechanism: GSSAPI}}`, `at '/kafka/sasl/mechanism': value must be one of`},
		"an unknown preset":         {`mapping: {preset: other}`, `at '/mapping/preset': value must be one of`},
		"a budget of none":          {`podDisruptionBudget: {maxUnavailable: 0}`, `at '/podDisruptionBudget/maxUnavailable': minimum: got 0, want 1`},
		"a label of the selector":   {`podLabels: {app.kubernetes.io/name: other}`, `podLabels: the label app.kubernetes.io/name is the chart's own`},
		"a source without verify":   {`gate: {enabled: true, sources: [{name: x}]}`, `at '/gate/sources/0': missing property 'verify'`},
		"a secret in a source":      {`gate: {sources: [{name: x, verify: {type: token, secret: abc}}]}`, `additional properties 'secret' not allowed`},
		"a digest that is none":     {`image: {digest: abc}`, `at '/image/digest'`},
		"a variable without a name": {`extraEnv: [{value: x}]`, `missing property 'name'`},

		"a collector's user":        {`tracing: {endpoint: "http://u:p@collector:4318"}`, `at '/tracing/endpoint'`},
		"an unknown sampler":        {`tracing: {sampler: jaeger_remote}`, `at '/tracing/sampler': value must be one of`},
		"more than all traces":      {`tracing: {samplerArg: 12}`, `at '/tracing/samplerArg': maximum`},
		"a replay's variable alone": {`replay: {extraEnv: [{value: x}]}`, `missing property 'name'`},

		"two mappings":                 {`mapping: {program: ., preset: typeform}`, `mapping: program, preset and existingConfigMap exclude each other: keep one`},
		"a mechanism alone":            {`kafka: {sasl: {mechanism: PLAIN}}`, `kafka.sasl.mechanism needs kafka.sasl.username and kafka.sasl.existingSecret`},
		"a token's mechanism alone":    {`kafka: {sasl: {mechanism: OAUTHBEARER}}`, `OAUTHBEARER needs kafka.oauth.tokenUrl`},
		"a token and a server":         {`kafka: {sasl: {mechanism: OAUTHBEARER}, oauth: {tokenUrl: "https://a.example.com", serviceAccountToken: {audience: x}}}`, `exclude each other`},
		"a secret and an assertion":    {`kafka: {sasl: {mechanism: OAUTHBEARER}, oauth: {tokenUrl: "https://a.example.com", clientId: c, existingSecret: s, assertionFile: /x}}`, `existingSecret and assertionFile exclude`},
		"a token's user":               {`kafka: {sasl: {mechanism: AWS_MSK_IAM, username: u}}`, `takes no user name and no password`},
		"a client, no mechanism":       {`kafka: {oauth: {clientId: c}}`, `is not OAUTHBEARER`},
		"a region, no mechanism":       {`kafka: {awsRegion: eu-west-1}`, `is not AWS_MSK_IAM`},
		"tokens and keda":              {`{kafka: {sasl: {mechanism: AWS_MSK_IAM}}, keda: {enabled: true, partitions: 6}}`, `write one of your own`},
		"a user in the token's URL":    {`kafka: {oauth: {tokenUrl: "https://u:p@a.example.com"}}`, `/kafka/oauth/tokenUrl`},
		"a login without mechanism":    {`kafka: {sasl: {existingSecret: x}}`, `but no kafka.sasl.mechanism`},
		"authorities without TLS":      {`kafka: {tls: {ca: {existingSecret: x}}}`, `kafka.tls.enabled is off`},
		"results among events":         {`kafka: {resultTopic: leads}`, `kafka.resultTopic is the topic of events or of dead letters`},
		"counts among events":          {`kafka: {stateTopic: leads}`, `kafka.stateTopic is the topic of events`},
		"counts among results":         {`kafka: {resultTopic: x, stateTopic: x}`, `kafka.stateTopic is the topic of events`},
		"letters among events":         {`kafka: {topic: x, dltTopic: x}`, `kafka.dltTopic is the topic of events`},
		"a gate without sources":       {`gate: {enabled: true}`, `set gate.sources or gate.existingConfigMap`},
		"two lists of sources":         {`gate: {enabled: true, existingConfigMap: x, sources: [{name: x, verify: {type: none}}]}`, `gate: sources and existingConfigMap exclude each other`},
		"an ingress without names":     {`gate: {enabled: true, existingConfigMap: x, ingress: {enabled: true}}`, `gate.ingress.enabled needs gate.ingress.hosts`},
		"a route without a gateway":    {`gate: {enabled: true, existingConfigMap: x, httpRoute: {enabled: true}}`, `gate.httpRoute.enabled needs gate.httpRoute.parentRefs`},
		"an ingress without a gate":    {`gate: {ingress: {enabled: true, hosts: [x]}}`, `need gate.enabled`},
		"a gate's login, no mechanism": {`gate: {enabled: true, existingConfigMap: x, kafka: {sasl: {username: u, existingSecret: x}}}`, `gate.kafka.sasl.existingSecret is given, but no kafka.sasl.mechanism`},
		"partitions not known":         {`keda: {enabled: true}`, `keda.enabled needs keda.partitions`},
		"more than the partitions":     {`keda: {enabled: true, partitions: 3, maxReplicas: 4}`, `keda.maxReplicas=4 is more than the 3 partitions of the topic`},
		"more than Strimzi's":          {`{keda: {enabled: true, maxReplicas: 7}, strimzi: {cluster: x, topics: {create: true}}}`, `keda.maxReplicas=7 is more than the 6 partitions`},
		"fewest above most":            {`keda: {enabled: true, partitions: 9, minReplicas: 5}`, `keda.minReplicas=5 is more than keda.maxReplicas=3`},
		"topics of no cluster":         {`strimzi: {topics: {create: true}}`, `need strimzi.cluster`},
		"certificates without TLS":     {`strimzi: {cluster: x, users: {create: true, authentication: tls}}`, `strimzi.users.authentication=tls needs kafka.tls.enabled`},
		"users and a login":            {`{strimzi: {cluster: x, users: {create: true}}, kafka: {sasl: {mechanism: PLAIN, username: u, existingSecret: s}}}`, `leave kafka.sasl and kafka.tls.client empty`},
		"an open page":                 {`admin: {enabled: true}`, `admin.enabled needs admin.existingSecret or admin.oidc.issuer`},
		"an issuer alone":              {`admin: {enabled: true, oidc: {issuer: "https://a.example.com", clientId: c}}`, `admin.oidc.issuer needs admin.oidc.clientId, redirectUrl and roles`},
		"a client of no issuer":        {`admin: {oidc: {clientId: c}}`, `admin.oidc is given, but no admin.oidc.issuer`},
		"back to another path":         {`admin: {oidc: {redirectUrl: "https://a.example.com/"}}`, `/admin/oidc/redirectUrl`},
		"one port twice":               {`admin: {enabled: true, existingSecret: x, port: 8080}`, `admin.port and service.port are the same`},
		"killed in the drain":          {`{terminationGracePeriodSeconds: 94, delivery: {drainTimeout: 1m30s}}`, `terminationGracePeriodSeconds=94: a pod would be killed before its drain is over: set at least 95`},
		"killed in the gate's drain":   {`gate: {enabled: true, existingConfigMap: x, terminationGracePeriodSeconds: 24}`, `gate.terminationGracePeriodSeconds=24: a pod would be killed before its drain is over: set at least 25`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := tryRender(load(t), c.values)
			if err == nil {
				t.Fatal("these values are taken")
			}
			if !strings.Contains(err.Error(), c.want) {
				t.Errorf("the error does not say %q:\n%v", c.want, err)
			}
		})
	}
}

// TestAllFaultsAtOnce: nobody has to install once per mistake.
func TestAllFaultsAtOnce(t *testing.T) {
	t.Parallel()
	_, err := tryRender(load(t), `{gate: {enabled: true}, admin: {enabled: true}, keda: {enabled: true}}`)
	if err == nil || !strings.Contains(err.Error(), "3 of the values cannot be used") {
		t.Errorf("got %v", err)
	}
}

// TestSubchart: a parent chart gives its charts a value named global.
func TestSubchart(t *testing.T) {
	t.Parallel()
	if _, err := tryRender(load(t), `global: {imageRegistry: x}`); err != nil {
		t.Error(err)
	}
}
