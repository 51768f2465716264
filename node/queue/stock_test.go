package queue

import (
	"encoding/binary"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// stockDirectory is what a stock nsqd leaves behind after a clean stop, byte for byte.
func stockDirectory() folder {
	return folder{
		"nsqd.dat": []byte(`{"topics":[` +
			`{"name":"orders","paused":false,"channels":[{"name":"billing","paused":true},{"name":"mail","paused":false}]},` +
			`{"name":"audit.log","paused":true,"channels":null}],"version":"1.3.0"}`),
		"orders.diskqueue.meta.dat":           []byte("0\n0,0\n0,0\n"),
		"orders:billing.diskqueue.meta.dat":   []byte("3\n1,28\n2,60\n"),
		"orders:billing.diskqueue.000001.dat": join(rawRecordOf(7, 0, "1")[:28], rawRecord(8, 1, "0000000000000008", "second")),
		"orders:billing.diskqueue.000002.dat": join(rawRecord(9, 65535, "ffffffffffffffff", ""), rawRecord(10, 0, "18a433d50f669000", "")),
		"orders:mail.diskqueue.meta.dat":      []byte("1\n0,0\n0,32\n"),
		"orders:mail.diskqueue.000000.dat":    rawRecord(1700000000000000001, 3, "18a433d50f669000", "m5"),
		"audit.log.diskqueue.meta.dat":        []byte("2\n0,32\n0,96\n"),
		"audit.log.diskqueue.000000.dat": join(rawRecordOf(1, 0, "xx"),
			rawRecordOf(2, 0, "yy"), rawRecordOf(3, 0, "\x00\n")),
		"orders:mail.diskqueue.000000.dat.bad": []byte("not to be touched"),
		"unknown.diskqueue.000000.dat":         rawRecordOf(5, 0, "a topic that nsqd.dat does not name"),
		"nsqd.dat.5577006791947779410.tmp":     []byte("{"),
	}
}

func rawRecordOf(n int, attempts uint16, body string) []byte {
	return rawRecord(int64(n), attempts, fmt.Sprintf("%016x", n), body)
}

func TestStockDirectoryOpens(t *testing.T) {
	o := testOptions(t)
	o.MaxBytesPerFile = 100
	stockDirectory().write(t, o.DataPath)
	b := loadBroker(t, o)

	stats := b.Stats("", "")
	if len(stats) != 2 || stats[0].Name != "audit.log" || !stats[0].Paused || stats[0].Depth != 2 || stats[0].BackendDepth != 2 ||
		stats[1].Depth != 0 || !stats[1].Channels[0].Paused || stats[1].Channels[0].Depth != 3 || stats[1].Channels[1].Depth != 1 {
		t.Errorf("%+v", stats)
	}
	billing := b.FindTopic("orders").FindChannel("billing")
	mail := b.FindTopic("orders").FindChannel("mail")
	for d, want := range map[*disk][]Message{
		billing.disk: {
			{Timestamp: 8, Attempts: 1, ID: 8, Body: "second"},
			{Timestamp: 9, Attempts: 65535, ID: 1<<64 - 1},
			{Timestamp: 10, ID: 0x18a433d50f669000},
		},
		mail.disk:                             {{Timestamp: 1700000000000000001, Attempts: 3, ID: 0x18a433d50f669000, Body: "m5"}},
		b.FindTopic("audit.log").backlog.disk: {{Timestamp: 2, ID: 2, Body: "yy"}, {Timestamp: 3, ID: 3, Body: "\x00\n"}},
	} {
		if got := takeFrom(t, d, 10); !slices.Equal(got, want) {
			t.Errorf("%s: got %+v, want %+v", d.files.name, got, want)
		}
	}
	if d := topicDepth(topicOf(t, b, "unknown")); d != 1 {
		t.Errorf("a topic made again has %d messages, want the one that was there", d)
	}
	if got, _ := os.ReadFile(filepath.Join(o.DataPath, "orders:mail.diskqueue.000000.dat.bad")); string(got) != "not to be touched" {
		t.Errorf("the file set aside holds %q", got)
	}
}

// stockQueue reads the queue of that name as documented, without the code under test: the records from the read position to the
// write position.
func stockQueue(t testing.TB, dir, name string) (records []string) {
	t.Helper()
	meta, err := os.ReadFile(filepath.Join(dir, name+".diskqueue.meta.dat"))
	if err != nil {
		t.Fatal(err)
	}
	var depth, readFile, readAt, writeFile, writeAt int
	if _, err := fmt.Sscanf(string(meta), "%d\n%d,%d\n%d,%d\n", &depth, &readFile, &readAt, &writeFile, &writeAt); err != nil {
		t.Fatalf("%q: %v", meta, err)
	}
	for ; readFile <= writeFile; readFile, readAt = readFile+1, 0 {
		content, err := os.ReadFile(filepath.Join(dir, fmt.Sprintf("%s.diskqueue.%06d.dat", name, readFile)))
		if err != nil {
			t.Fatal(err)
		}
		if readFile == writeFile && len(content) != writeAt {
			t.Errorf("%s: the file ends at %d, the queue at %d", name, len(content), writeAt)
		}
		for content = content[readAt:]; len(content) > 0; {
			size := binary.BigEndian.Uint32(content)
			records = append(records, string(content[4:4+size]))
			content = content[4+size:]
		}
	}
	if depth != len(records) {
		t.Errorf("%s: the depth is %d, the records are %d", name, depth, len(records))
	}
	return records
}

// TestAStockNSQDCanGoOn holds what is written at a stop to the documented format, deferred messages among it.
func TestAStockNSQDCanGoOn(t *testing.T) {
	o := testOptions(t)
	o.MemQueueSize, o.MaxBytesPerFile = 5, 150
	b := loadBroker(t, o)
	topic := topicOf(t, b, "t")
	c := channelOf(t, topic, "c")
	due := time.Now().Add(time.Hour).UnixNano()
	sent := map[string]string{} // body by id
	for i := range 30 {
		batch := bodies(0, strings.Repeat("b", i))
		if i%4 == 0 {
			batch[0].Due = due
		}
		if err := topic.Put(batch); err != nil {
			t.Fatal(err)
		}
		sent[batch[0].ID.String()] = batch[0].Body
	}
	s, _ := subscribe(t, c, 2, Terms{})
	inFlight := take(s)
	if len(inFlight) == 0 {
		t.Fatal("nothing in flight")
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	stored := map[string]string{}
	for _, r := range stockQueue(t, o.DataPath, "t:c") {
		id := r[10:26]
		attempts := binary.BigEndian.Uint16([]byte(r[8:10]))
		if want := slices.ContainsFunc(inFlight, func(m Message) bool { return m.ID.String() == id }); want != (attempts == 1) {
			t.Errorf("message %s has %d attempts", id, attempts)
		}
		stored[id] = r[26:]
	}
	if !maps.Equal(stored, sent) {
		t.Errorf("stored %d messages: %v", len(stored), stored)
	}
	entries, err := os.ReadFile(filepath.Join(o.DataPath, "t:c.due.dat"))
	if err != nil || len(entries) < 8*dueSize {
		t.Errorf("due times: %d bytes, %v", len(entries), err)
	}
}

// TestQueueThatAStockNSQDWorkedOn: due times of messages that another nsqd has delivered since do no harm.
func TestQueueThatAStockNSQDWorkedOn(t *testing.T) {
	o := testOptions(t)
	b := loadBroker(t, o)
	batch := bodies(0, "x", "y")
	batch[0].Due = time.Now().Add(time.Hour).UnixNano()
	topic := topicOf(t, b, "t")
	channelOf(t, topic, "c")
	if err := topic.Put(batch); err != nil {
		t.Fatal(err)
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	folder{
		"t:c.diskqueue.meta.dat":   []byte("1\n3,0\n3,30\n"),
		"t:c.diskqueue.000003.dat": rawRecord(4, 0, "00000000000000aa", ""),
	}.write(t, o.DataPath)
	b = loadBroker(t, o)
	c := b.FindTopic("t").FindChannel("c")
	if got := takeFrom(t, c.disk, 10); len(got) != 1 || got[0].ID != 0xaa || got[0].Due != 0 {
		t.Errorf("got %+v", got)
	}
}
