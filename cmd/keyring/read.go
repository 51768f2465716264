package keyring

import (
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"strings"
)

// ReadFile reads --gossip-key-file: a key a line in base64, for example from "nsqmesh keyring generate". The first one
// encrypts and all decrypt. Lines with # are comments. No file is no encryption.
func ReadFile(path string) ([][]byte, error) {
	if path == "" {
		return nil, nil
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("failed to read gossip keys - %w", err)
	}
	keys, err := parseGossipKeys(string(data))
	if err != nil {
		return nil, fmt.Errorf("failed to read gossip keys - %s: %w", path, err)
	}
	return keys, nil
}

// parseGossipKeys quotes no line in its errors, since that would put a key into the log.
func parseGossipKeys(text string) ([][]byte, error) {
	var keys [][]byte
	n := 0
	for line := range strings.Lines(text) {
		n++
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		key, err := base64.StdEncoding.DecodeString(line)
		if err != nil {
			return nil, fmt.Errorf("line %d is not base64", n)
		}
		if len(key) != 16 && len(key) != 24 && len(key) != 32 {
			return nil, fmt.Errorf("line %d has %d bytes, a key has 16, 24 or 32", n, len(key))
		}
		keys = append(keys, key)
	}
	if keys == nil {
		return nil, errors.New("no key in it")
	}
	return keys, nil
}
