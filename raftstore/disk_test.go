package raftstore

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/hashicorp/raft"
)

func TestServerIDLivesAndDiesWithTheFolder(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "raft")
	open := func() string {
		t.Helper()
		d, server, err := openDisk(dir)
		if err != nil {
			t.Fatal(err)
		}
		if err := d.logs.StoreLog(&raft.Log{Index: 1}); err != nil {
			t.Fatal(err)
		}
		if err := d.close(); err != nil {
			t.Fatal(err)
		}
		return server
	}
	first := open()
	if again := open(); again != first {
		t.Errorf("the same folder is server %s and then %s", first, again)
	}
	if err := os.Remove(filepath.Join(dir, fileServer)); err != nil {
		t.Fatal(err)
	}
	if _, _, err := openDisk(dir); err == nil {
		t.Error("a log whose server id is lost was taken for another server's")
	}
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	if again := open(); again == first {
		t.Error("a wiped folder is the same server")
	}
}

func TestPromiseIsGivenOnceAndKept(t *testing.T) {
	dir := t.TempDir()
	s := &Store{o: Options{Dir: dir}}
	if err := s.promise([]string{"a", "b"}); err != nil {
		t.Fatal(err)
	}
	if err := s.promise([]string{"a", "b"}); err != nil {
		t.Errorf("the same promise again: %v", err)
	}
	if err := s.promise([]string{"a", "c"}); err == nil {
		t.Error("two promises")
	}
	if p, err := loadPromise(dir); err != nil || len(p.Servers) != 2 || p.Servers[1] != "b" {
		t.Errorf("on disk: %v, %v", p, err)
	}
}

func TestCacheIsReadBackOrRefused(t *testing.T) {
	file := filepath.Join(t.TempDir(), "cache")
	r, err := newReplica(newLedger(newTruth(t)))
	if err != nil {
		t.Fatal(err)
	}
	r.apply(3, encodeIdentity(identity{Cluster: "c", Generation: 1}))
	r.apply(4, encodeCommand(newRequest(), []byte(`{"ID":1,"Op":"create","Name":"t"}`)))
	if err := r.saveCache(file); err != nil {
		t.Fatal(err)
	}
	l := newLedger(newTruth(t))
	again, err := newReplica(l)
	if err != nil {
		t.Fatal(err)
	}
	if err := again.loadCache(file); err != nil || !l.has("t") || again.position() != r.position() {
		t.Errorf("read back: %v, %v", again.position(), err)
	}
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for i := range b {
		b[i] ^= 1
		if err := os.WriteFile(file, b, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := again.loadCache(file); !errors.Is(err, errSnapshotFormat) {
			t.Fatalf("byte %d altered: %v", i, err)
		}
		b[i] ^= 1
	}
}

func FuzzRestore(f *testing.F) {
	r, err := newReplica(newLedger(newTruth(&testing.T{})))
	if err != nil {
		f.Fatal(err)
	}
	r.apply(3, encodeIdentity(identity{Cluster: "c", Generation: 1}))
	r.apply(4, encodeCommand(newRequest(), []byte(`{"ID":1,"Op":"create","Name":"t"}`)))
	_, b, err := r.bytes()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := newReplica(newLedger(newTruth(t)))
		if err != nil {
			t.Fatal(err)
		}
		_ = r.restore(bytes.NewReader(b), fromGroup) // must not panic, nor take much memory
		r.apply(9, b)
	})
}
