// Package deploytest holds the tests of the Helm chart and the compose file. It is a module of its own, so
// that Helm's and Kubernetes' libraries stay out of the program's.
package deploytest
