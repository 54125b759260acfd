// Package k8s tests the image and the chart on a real cluster (build tag k8s, make test-k8s).
package k8s
