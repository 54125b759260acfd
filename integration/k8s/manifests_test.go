//go:build k8s

package k8s

const namespaces = `
apiVersion: v1
kind: Namespace
metadata:
  name: ` + ours + `
  labels: {pod-security.kubernetes.io/enforce: restricted, pod-security.kubernetes.io/enforce-version: latest}
---
apiVersion: v1
kind: Namespace
metadata: {name: ` + others + `}
`

const services = `
apiVersion: v1
kind: Service
metadata: {name: kafka, namespace: ` + others + `}
spec:
  type: NodePort
  publishNotReadyAddresses: true
  selector: {app: kafka}
  ports: [{name: inside, port: 9092}, {name: outside, port: 9094}]
---
apiVersion: v1
kind: Service
metadata: {name: crm, namespace: ` + others + `}
spec:
  type: NodePort
  selector: {app: crm}
  ports: [{name: http, port: 8080}]
`

// kafkaPod takes the image, and the address for this machine. Service links would be
// environment variables that begin as the image's settings do.
const kafkaPod = `
apiVersion: v1
kind: Pod
metadata: {name: kafka, namespace: ` + others + `, labels: {app: kafka, part: other}}
spec:
  enableServiceLinks: false
  automountServiceAccountToken: false
  terminationGracePeriodSeconds: 1
  containers:
    - name: kafka
      image: %s
      imagePullPolicy: IfNotPresent
      env:
        - {name: KAFKA_NODE_ID, value: "1"}
        - {name: KAFKA_PROCESS_ROLES, value: "broker,controller"}
        - {name: KAFKA_LISTENERS, value: "PLAINTEXT://:9092,OUTSIDE://:9094,CONTROLLER://:9093"}
        - {name: KAFKA_ADVERTISED_LISTENERS, value: "PLAINTEXT://kafka.` + others + `:9092,OUTSIDE://%s"}
        - {name: KAFKA_LISTENER_SECURITY_PROTOCOL_MAP, value: "PLAINTEXT:PLAINTEXT,OUTSIDE:PLAINTEXT,CONTROLLER:PLAINTEXT"}
        - {name: KAFKA_CONTROLLER_LISTENER_NAMES, value: CONTROLLER}
        - {name: KAFKA_CONTROLLER_QUORUM_VOTERS, value: "1@localhost:9093"}
        - {name: KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR, value: "1"}
        - {name: KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR, value: "1"}
        - {name: KAFKA_TRANSACTION_STATE_LOG_MIN_ISR, value: "1"}
        - {name: KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS, value: "0"}
        - {name: KAFKA_AUTO_CREATE_TOPICS_ENABLE, value: "false"}
        - {name: KAFKA_HEAP_OPTS, value: "-Xmx384m"}
      readinessProbe: {tcpSocket: {port: 9092}, periodSeconds: 1, failureThreshold: 120}
`

// simPod takes leadbridge's image.
const simPod = `
apiVersion: v1
kind: Pod
metadata: {name: crm, namespace: ` + others + `, labels: {app: crm, part: other}}
spec:
  automountServiceAccountToken: false
  terminationGracePeriodSeconds: 1
  containers:
    - name: sim
      image: %s
      imagePullPolicy: IfNotPresent
      args: [sim, --per-minute=0, --per-second=0, --slots=4, --queue-limit=1s, --service-time=20ms, --item-time=1ms, --error-loop=0, --origin-id=true]
      readinessProbe: {httpGet: {path: /_sim/stats, port: 8080}, periodSeconds: 1}
`
