package registry

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestDeadNodeIsHiddenAndItsChannelsStay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		peers := &crowd{}
		r, other := New(Options{ID: id(1)}, peers), newTest(2)
		running(t, r)
		other.SetTopic("t", with("c", "e#ephemeral"))
		other.SetTopic("u#ephemeral", with("c"))
		other.CreateTopic("made")
		other.PauseTopic("made", true)
		pull(t, r, other)
		expect(t, r, "t", "c,e#ephemeral | 10.0.0.2")

		peers.kill(id(2), true)
		r.MembersChanged()
		synctest.Wait()
		expect(t, r, "t", "c | ")
		expect(t, r, "u#ephemeral", "unknown")
		if got := string(r.View().NodesJSON()); got != `{"producers":[]}` {
			t.Errorf("nodes are %s", got)
		}

		time.Sleep(71 * time.Hour)
		expect(t, r, "t", "c | ")
		peers.kill(id(2), false)
		r.MembersChanged()
		synctest.Wait()
		expect(t, r, "t", "c,e#ephemeral | 10.0.0.2")

		peers.kill(id(2), true)
		r.MembersChanged()
		time.Sleep(72*time.Hour + time.Second)
		expect(t, r, "t", "unknown")
		expect(t, r, "made", " | ") // what nodes agreed on outlives them
		if i := r.IntentsOf("made"); len(i) != 2 || !i[1].Paused {
			t.Errorf("intents are %+v", i)
		}
		if want := r.Missing(other.Digest()); want != nil {
			t.Error("a node with a slower clock brings it back")
		}
		other.refute(other.own.generation, other.own.version+1) // it starts again
		pull(t, r, other)
		if d := r.docs[id(2)]; d == nil || len(d.entries) == 0 {
			t.Error("it does not come back")
		}
	})
}

func TestForgetNode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		peers := &crowd{}
		a, b, gone := New(Options{ID: id(1)}, peers), New(Options{ID: id(2)}, peers), newTest(3)
		running(t, a)
		running(t, b)
		gone.SetTopic("t", with("c"))
		pull(t, a, gone)
		pull(t, b, gone)
		if a.ForgetNode(id(3)) {
			t.Error("a node that is alive was forgotten")
		}
		peers.kill(id(3), true)
		a.MembersChanged()
		b.MembersChanged()
		synctest.Wait()
		if !a.ForgetNode(id(3)) || a.ForgetNode(id(9)) {
			t.Error("not the dead one only")
		}
		pull(t, b, a)
		expect(t, a, "t", "unknown")
		expect(t, b, "t", "unknown")
		pull(t, gone, a) // it was not dead after all
		if gone.own.generation != 2 {
			t.Errorf("generation is %d", gone.own.generation)
		}
		peers.kill(id(3), false)
		pull(t, a, gone)
		expect(t, a, "t", "c | 10.0.0.3")
	})
}

func TestBroadcasts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		peers, r := &crowd{}, newTest(9)
		r.Connect(peers)
		running(t, r)
		other := newTest(2)
		told := func() int {
			chunks := peers.heard()
			for _, chunk := range chunks {
				if want, err := other.Merge(chunk); err != nil || want != nil {
					t.Errorf("hint leaves %v, %v", want, err)
				}
			}
			return len(chunks)
		}
		time.Sleep(time.Second)
		told()
		r.SetTopic("t", with())
		if told() != 1 {
			t.Error("the first change after a quiet time waits")
		}
		for _, name := range []string{"a", "b", "c"} {
			r.SetTopic(name, with())
		}
		if told() != 0 {
			t.Error("changes in a burst do not wait for each other")
		}
		time.Sleep(hintPause)
		synctest.Wait()
		if told() != 1 || !slices.Equal(other.View().Topics(), []string{"a", "b", "c", "t"}) {
			t.Errorf("a burst led to %v", other.View().Topics())
		}
		time.Sleep(2 * time.Second)
		if told() != 0 {
			t.Error("it speaks with nothing to say")
		}
		many := map[string]Topic{}
		for _, x := range "abcdefghijkl" {
			many[strings.Repeat(string(x), 60)] = with()
		}
		r.SetTopics(many)
		chunks := peers.heard()
		if len(chunks) != 1 || len(chunks[0]) > 40 {
			t.Fatalf("much is told by %d chunks", len(chunks))
		}
		want, err := other.Merge(chunks[0])
		if want == nil || err != nil {
			t.Error("an announcement does not make others ask")
		}
	})
}

func TestIdentity(t *testing.T) {
	dir := t.TempDir()
	first, err := OpenIdentity(dir)
	if err != nil || !validID(first.ID) {
		t.Fatal(first, err)
	}
	second, err := OpenIdentity(dir)
	if err != nil || second.ID != first.ID || second.Generation <= first.Generation {
		t.Errorf("%v, then %v, %v", first, second, err)
	}
	info, err := os.Stat(filepath.Join(dir, identityFile))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode is %v, %v", info.Mode(), err)
	}
	left, _ := filepath.Glob(filepath.Join(dir, "*.tmp"))
	if len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
	for _, bad := range []string{"", "{}", `{"id":"xyz","generation":1}`, `{"id":"` + id(1) + `","generation":1,"node_id":1024}`, "\x00"} {
		if err := os.WriteFile(filepath.Join(dir, identityFile), []byte(bad), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := OpenIdentity(dir); err == nil {
			t.Errorf("%q was taken", bad) // a new id would leave the old document behind for days
		}
	}
	if _, err := OpenIdentity(filepath.Join(dir, "missing")); err == nil {
		t.Error("a folder that is not there was taken")
	}
}

func TestStateOutlivesRestart(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		r := New(Options{ID: id(1), Generation: 1, DataPath: dir}, nil)
		running(t, r)
		r.SetTopic("t", with("c", "e#ephemeral"))
		r.CreateTopic("made")
		r.SetTopic("gone", with())
		r.DeleteTopic("gone")
		_, _ = r.Merge(at(id(1), 7, 1))
		time.Sleep(2 * saveDelay)
		if _, err := os.Stat(filepath.Join(dir, stateFile)); err != nil {
			t.Error("nothing is written while it runs")
		}
		r.PauseTopic("made", true)
	})
	again := New(Options{ID: id(1), Generation: 9, DataPath: dir}, nil)
	if err := again.Load(); err != nil {
		t.Fatal(err)
	}
	expect(t, again, "made", " | ")
	if len(again.IntentsOf("gone")) != 1 || len(again.IntentsOf("made")) != 2 || len(again.created) != 3 {
		t.Errorf("loaded %+v, %v", again.Intents(), again.created)
	}
	if next := again.CreateTopic("next"); next.Counter <= again.IntentsOf("made")[1].Stamp.Counter {
		t.Error("the counter went back")
	}
	if kept, err := readIdentity(filepath.Join(dir, identityFile)); err != nil || kept.Generation != 8 || kept.ID != id(1) {
		t.Errorf("the raised generation is lost: %+v, %v", kept, err)
	}
	if err := os.WriteFile(filepath.Join(dir, stateFile), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := again.Load(); err == nil {
		t.Error("a broken file was taken")
	}
}

func TestWhatIsWrittenAndWhen(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, stateFile)
	synctest.Test(t, func(t *testing.T) {
		r := New(Options{ID: id(1), Generation: 1, DataPath: dir}, nil)
		running(t, r)
		r.SetTopic("t#ephemeral", with("c"))
		guest(r, "a").Register("t", "c")
		time.Sleep(time.Hour)
		if _, err := os.Stat(path); err == nil {
			t.Error("what does not outlive a restart is written")
		}
		r.SetTopic("t", with())
		time.Sleep(2 * saveDelay)
		r.DeleteTopic("t")
		r.RemoveTopic("t")
		time.Sleep(saveSoon + time.Millisecond)
		synctest.Wait()
		if b, err := os.ReadFile(path); err != nil || strings.Contains(string(b), `"t/t"`) {
			t.Errorf("a crash now would have the next topic of that name deleted: %s, %v", b, err)
		}
	})
}
