package queue

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// A failed write waits so long for its next try.
	retryMetadata = time.Second
	// After a write there is a rest of so many times what it took: while many topics are made, each write holds more changes
	// than the one before instead of taking a CPU for itself.
	restMetadata = 4
)

// The content of nsqd.dat, in the order of a stock nsqd. Lists are null when empty.
type (
	metaFile struct {
		Topics  []metaTopic `json:"topics"`
		Version string      `json:"version"`
	}
	metaTopic struct {
		Name     string        `json:"name"`
		Paused   bool          `json:"paused"`
		Channels []metaChannel `json:"channels"`
	}
	metaChannel struct {
		Name   string `json:"name"`
		Paused bool   `json:"paused"`
	}
)

// metadata keeps nsqd.dat. Who changes something only counts it up; one writer at a time takes a snapshot and writes, so a
// change never waits for the disk, any number of changes during a write share the next one, and a snapshot that is too old
// never overwrites a newer one.
type metadata struct {
	path     string
	version  string
	snapshot func() []metaTopic
	kick     chan struct{}
	changes  atomic.Uint64

	mu      sync.Mutex // held while writing
	written uint64     // changes that the file is known to hold
	sealed  bool       // no more writes: what a closing broker looks like must not be kept
}

func newMetadata(dataPath, version string, snapshot func() []metaTopic) *metadata {
	return &metadata{
		path:     filepath.Join(dataPath, "nsqd.dat"),
		version:  version,
		snapshot: snapshot,
		kick:     make(chan struct{}, 1),
	}
}

// changed is called after a change that the file should hold.
func (m *metadata) changed() {
	m.changes.Add(1)
	select {
	case m.kick <- struct{}{}:
	default:
	}
}

// run writes after changes until ctx ends. failed hears of each write that failed; it is tried again.
func (m *metadata) run(ctx context.Context, failed func(error)) {
	var retry <-chan time.Time
	for {
		select {
		case <-ctx.Done():
			return
		case <-m.kick:
		case <-retry:
		}
		retry = nil
		begin := time.Now()
		if err := m.persist(); err != nil {
			failed(err)
			retry = time.After(retryMetadata)
		}
		rest(ctx, restMetadata*time.Since(begin))
	}
}

func rest(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// persist returns when the file holds all changes made before the call.
func (m *metadata) persist() error {
	mine := m.changes.Load()
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.written >= mine || m.sealed {
		return nil
	}
	return m.write()
}

// seal writes a last time.
func (m *metadata) seal() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.sealed {
		return nil
	}
	m.sealed = true
	return m.write()
}

func (m *metadata) write() error {
	covered := m.changes.Load()
	content, err := json.Marshal(metaFile{Topics: m.snapshot(), Version: m.version})
	if err != nil {
		return fmt.Errorf("encode metadata: %w", err)
	}
	if err := writeFile(m.path, content); err != nil {
		return fmt.Errorf("write metadata: %w", err)
	}
	if err := syncDir(filepath.Dir(m.path)); err != nil {
		return fmt.Errorf("sync data path: %w", err)
	}
	m.written = covered
	return nil
}

// load reads the file. A missing one is that of a fresh node; any other that is not whole is an error, because going on
// would overwrite it.
func (m *metadata) load() ([]metaTopic, error) {
	content, err := os.ReadFile(m.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	topics, err := parseMetadata(content)
	if err != nil {
		return nil, fmt.Errorf("parse %s: %w", m.path, err)
	}
	return topics, nil
}

// parseMetadata ignores all but the topics, whatever it looks like.
func parseMetadata(content []byte) ([]metaTopic, error) {
	var file struct {
		Topics []metaTopic `json:"topics"`
	}
	if err := json.Unmarshal(content, &file); err != nil {
		return nil, err
	}
	return file.Topics, nil
}
