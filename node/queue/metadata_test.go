package queue

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func readMetadata(t testing.TB, o *Options) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(o.DataPath, "nsqd.dat"))
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

func persist(t testing.TB, b *Broker) {
	t.Helper()
	if err := b.Persist(); err != nil {
		t.Fatal(err)
	}
}

func TestMetadataIsThatOfAStockNSQD(t *testing.T) {
	o := testOptions(t)
	o.Version = "1.3.0"
	b := loadBroker(t, o)
	expect := func(want string) {
		t.Helper()
		persist(t, b)
		if got := readMetadata(t, o); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
	expect(`{"topics":null,"version":"1.3.0"}`)
	topicOf(t, b, "t")
	topicOf(t, b, "u#ephemeral")
	expect(`{"topics":[{"name":"t","paused":false,"channels":null}],"version":"1.3.0"}`)
	channelOf(t, topicOf(t, b, "t"), "c").Pause(true)
	channelOf(t, topicOf(t, b, "t"), "d#ephemeral")
	channelOf(t, topicOf(t, b, "u#ephemeral"), "e")
	topicOf(t, b, "a").Pause(true)
	expect(`{"topics":[{"name":"a","paused":true,"channels":null},` +
		`{"name":"t","paused":false,"channels":[{"name":"c","paused":true}]}],"version":"1.3.0"}`)
	if err := b.DeleteTopic("a"); err != nil {
		t.Fatal(err)
	}
	if err := b.FindTopic("t").DeleteChannel("c"); err != nil {
		t.Fatal(err)
	}
	expect(`{"topics":[{"name":"t","paused":false,"channels":null}],"version":"1.3.0"}`)
	if tmp := filesLike(t, o, "*.tmp"); tmp != nil {
		t.Errorf("left over: %v", tmp)
	}
}

func TestLoadSkipsInvalidNames(t *testing.T) {
	o := testOptions(t)
	nsqdDat(`{"extra":1,"version":7.5,"topics":[{"name":"bad name","channels":[]},{"name":"t","unknown":null,` +
		`"channels":[{"name":"c"},{"name":"bad/name","paused":true}]},{"name":"u","paused":true}]}`)(o)
	b := loadBroker(t, o)
	if s := b.Stats("", ""); len(s) != 2 || s[0].Name != "t" || len(s[0].Channels) != 1 || !s[1].Paused {
		t.Errorf("%+v", s)
	}
}

func TestRunWritesAfterChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := testOptions(t)
		b := loadBroker(t, o)
		go b.Run(t.Context())
		channelOf(t, topicOf(t, b, "t"), "c")
		time.Sleep(time.Second)
		if got, want := readMetadata(t, o), `{"topics":[{"name":"t","paused":false,"channels":[{"name":"c","paused":false}]}],"version":""}`; got != want {
			t.Errorf("got %s", got)
		}
	})
}

func TestRunTriesAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		failures := 0
		m := newMetadata(filepath.Join(dir, "later"), "", func() []metaTopic { return nil })
		go m.run(t.Context(), func(error) { failures++ })
		m.changed()
		time.Sleep(5*retryMetadata + retryMetadata/2)
		synctest.Wait()
		if failures < 4 || failures > 7 {
			t.Errorf("%d failures", failures)
		}
		if err := os.Mkdir(filepath.Join(dir, "later"), 0o700); err != nil {
			t.Fatal(err)
		}
		before := failures
		time.Sleep(2 * retryMetadata)
		synctest.Wait()
		if _, err := os.Stat(m.path); err != nil || failures > before {
			t.Errorf("not written: %v, %d more failures", err, failures-before)
		}
	})
}

// TestPersistSharesWrites: any number of callers during a write are satisfied by the next one, and none by a write that began
// before its change.
func TestPersistSharesWrites(t *testing.T) {
	began, goOn := make(chan int), make(chan bool)
	writes := 0
	m := newMetadata(t.TempDir(), "", func() []metaTopic {
		writes++
		began <- writes
		<-goOn
		return nil
	})
	var callers sync.WaitGroup
	call := func() {
		m.changed()
		callers.Go(func() {
			if err := m.persist(); err != nil {
				t.Error(err)
			}
		})
	}
	call()
	<-began
	for range 50 {
		call()
	}
	goOn <- true
	<-began
	goOn <- true
	callers.Wait()
	if writes != 2 {
		t.Errorf("%d writes, want 2", writes)
	}
}

// TestNothingIsWrittenAfterClose: a broker that is closing has no topics left, and nsqd.dat must not say so.
func TestNothingIsWrittenAfterClose(t *testing.T) {
	o := testOptions(t)
	b := New(*o)
	if err := b.Load(); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	var run sync.WaitGroup
	run.Go(func() { b.Run(ctx) })
	topicOf(t, b, "t")
	channelOf(t, topicOf(t, b, "e#ephemeral"), "c")
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	b.metadata.changed()
	persist(t, b)
	stop()
	run.Wait()
	if got := readMetadata(t, o); got != `{"topics":[{"name":"t","paused":false,"channels":null}],"version":""}` {
		t.Errorf("got %s", got)
	}
}

// TestPublishingDoesNotWaitForMetadata: while nsqd.dat is being written, topics are made and published to.
func TestPublishingDoesNotWaitForMetadata(t *testing.T) {
	b := loadBroker(t, testOptions(t))
	b.metadata.mu.Lock() // as a writer in its fsync
	topic := topicOf(t, b, "t")
	c := channelOf(t, topic, "c")
	publish(t, topic, "x")
	topic.Pause(true)
	if c.stats().Depth != 1 {
		t.Error("not published")
	}
	b.metadata.mu.Unlock()
}

func FuzzMetadata(f *testing.F) {
	f.Add([]byte(`{"topics":[{"name":"t","paused":true,"channels":[{"name":"c","paused":false}]}],"version":"1.3.0"}`))
	f.Add([]byte(`{"topics":null}`))
	f.Add([]byte(`null`))
	f.Fuzz(func(t *testing.T, content []byte) {
		topics, err := parseMetadata(content)
		if err != nil {
			return
		}
		again, err := json.Marshal(metaFile{Topics: topics})
		if err != nil {
			t.Fatal(err)
		}
		if same, err := parseMetadata(again); err != nil || len(same) != len(topics) {
			t.Errorf("%s became %s: %v", content, again, err)
		}
	})
}
