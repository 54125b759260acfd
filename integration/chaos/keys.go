package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
)

// keyPrefix of each process's CRM key. Behind it stand the process's name, by which the CRM tells
// who asks, and the generation of the key.
const keyPrefix = "vibe_api_"

// keyring gives each process a key of its own, in a file, and replaces all of them at once.
type keyring struct {
	dir string

	mu         sync.Mutex
	generation int             // the only one that is good
	holders    map[string]bool // names of processes
}

func newKeyring(dir string) (*keyring, error) {
	k := &keyring{dir: filepath.Join(dir, "keys"), holders: map[string]bool{}}
	if err := os.MkdirAll(k.dir, 0o700); err != nil {
		return nil, fmt.Errorf("directory of the keys: %w", err)
	}
	return k, nil
}

// issue writes a good key for a new process and returns the file.
func (k *keyring) issue(name string) (file string, err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.holders[name] = true
	return k.file(name), k.write(name)
}

// withdraw forgets a process that is gone.
func (k *keyring) withdraw(name string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.holders, name)
	_ = os.Remove(k.file(name)) // a file that stays harms nobody
}

// revoke makes all keys bad. Who starts from now on gets a good one.
func (k *keyring) revoke() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.generation++
}

// renew writes good keys for all processes.
func (k *keyring) renew() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	for name := range k.holders {
		if err := k.write(name); err != nil {
			return err
		}
	}
	return nil
}

// good reports whether a key is of the newest generation.
func (k *keyring) good(key string) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	_, generation, _ := strings.Cut(key, "_k")
	return generation == strconv.Itoa(k.generation)
}

func (k *keyring) file(name string) string { return filepath.Join(k.dir, name) }

// write replaces a file in one step: no process reads half of a key.
func (k *keyring) write(name string) error {
	text := fmt.Sprintf("%s%s_k%d", keyPrefix, name, k.generation)
	part := k.file(name) + ".new"
	err := os.WriteFile(part, []byte(text), 0o600)
	if err == nil {
		err = os.Rename(part, k.file(name))
	}
	if err != nil {
		return fmt.Errorf("write the key of %s: %w", name, err)
	}
	return nil
}

// holderOf is the process that has a key.
func holderOf(key string) string {
	name, _, _ := strings.Cut(strings.TrimPrefix(key, keyPrefix), "_k")
	return name
}
