// Package settings holds what a person can set: every setting is a flag and an
// environment variable. The structs carry texts as they were given; Parse turns
// them into the configurations of the packages and collects all faults at once, so
// that nobody has to start the program once per mistake.
package settings
