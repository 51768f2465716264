// Package keyring owns the key file of gossip: reading it for a node, and "nsqmesh keyring", which edits it.
//
// A file is replaced as a whole and keeps its owner and mode 0600. A key never appears in an error or in a log, only its
// fingerprint.
package keyring
