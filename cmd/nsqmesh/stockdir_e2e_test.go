package main

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"
)

// The data directory of a stock nsqd, written and read here byte by byte as a stock nsqd does, by nothing of ours.

// stockQueue is a disk queue: the records of each of its files, and what its meta file says.
type stockQueue struct {
	files [][]wireMessage
	meta  string
}

// record is a message as it stands in a file: its length, and the data of a message frame.
func record(m wireMessage) []byte {
	b := binary.BigEndian.AppendUint32(nil, uint32(26+len(m.body)))
	b = binary.BigEndian.AppendUint64(b, uint64(m.timestamp))
	b = binary.BigEndian.AppendUint16(b, m.attempts)
	return append(append(b, m.id...), m.body...)
}

func (q stockQueue) write(t *testing.T, dir, name string) {
	t.Helper()
	for n, messages := range q.files {
		var content []byte
		for _, m := range messages {
			content = append(content, record(m)...)
		}
		writeFixture(t, dir, fmt.Sprintf("%s.diskqueue.%06d.dat", name, n), content)
	}
	if q.meta != "" {
		writeFixture(t, dir, name+".diskqueue.meta.dat", []byte(q.meta))
	}
}

func writeFixture(t *testing.T, dir, name string, content []byte) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
		t.Fatal(err)
	}
}

// stockMessages are what a stock nsqd published, numbered, each delivered some times before. A record is 32 bytes long.
func stockMessages(from, to int, attempts uint16) (all []wireMessage) {
	for n := from; n < to; n++ {
		all = append(all, wireMessage{
			timestamp: 1_600_000_000_000_000_000 + int64(n), attempts: attempts,
			id: fmt.Sprintf("0e5e37adbf40%04x", n), body: fmt.Sprintf("m%d", n%10),
		})
	}
	return all
}

const stockMetadata = `{"topics":[` +
	`{"name":"orders","paused":false,"channels":[{"name":"billing","paused":true},{"name":"audit","paused":false}]},` +
	`{"name":"held","paused":true,"channels":[{"name":"c","paused":false}]},` +
	`{"name":"alone","paused":false,"channels":null}` +
	`],"version":"1.2.1"}`

// stockDirectory is one that was left by a stock nsqd: a queue over three files of which two messages have been read, one
// that was not synced when the nsqd was killed, and what waited in topics. Leavings are nobody's concern.
func stockDirectory(t *testing.T) string {
	dir := t.TempDir()
	writeFixture(t, dir, "nsqd.dat", []byte(stockMetadata))
	stockQueue{[][]wireMessage{stockMessages(0, 5, 2), stockMessages(5, 9, 0), stockMessages(9, 10, 65535)}, "8\n0,64\n2,32\n"}.write(t, dir, "orders:billing")
	stockQueue{[][]wireMessage{stockMessages(20, 26, 1)}, "1\n0,32\n0,64\n"}.write(t, dir, "orders:audit")
	stockQueue{[][]wireMessage{stockMessages(30, 34, 0)}, "4\n0,0\n0,128\n"}.write(t, dir, "held")
	stockQueue{[][]wireMessage{stockMessages(40, 43, 0)}, "3\n0,0\n0,96\n"}.write(t, dir, "alone")
	stockQueue{[][]wireMessage{stockMessages(50, 52, 0)}, "2\n0,0\n0,64\n"}.write(t, dir, "unnamed")
	for name, content := range leavings {
		writeFixture(t, dir, name, []byte(content))
	}
	writeFixture(t, dir, "nsqd.dat.4711.tmp", []byte(`{"topics":[{"na`)) // a write that was cut off
	return dir
}

var leavings = map[string]string{
	"orders:billing.diskqueue.000000.dat.bad": "rubbish",
	"nsqd.617.dat": "of a nsqd long ago",
}

func TestADirectoryOfAStockNsqd(t *testing.T) {
	dir := stockDirectory(t)
	node := startNode(t, dir, "--gossip-address=")
	if got, want := contents(node.stats()), `topic alone: 3 messages, paused false
topic held: 4 messages, paused true
  channel c: 0 messages, paused false
topic orders: 0 messages, paused false
  channel audit: 5 messages, paused false
  channel billing: 8 messages, paused true
`; got != want {
		t.Errorf("opened:\n%swant:\n%s", got, want)
	}
	audit := dialWire(t, node.addr.TCP)
	audit.send("SUB orders audit\nRDY 10\n")
	wantDelivered(t, audit.messages(5), stockMessages(21, 26, 2)) // in flight from now on

	post(t, node.nsqd("/channel/unpause?topic=orders&channel=billing"), "")
	billing := dialWire(t, node.addr.TCP)
	billing.send("SUB orders billing\nRDY 1\n")
	for _, want := range stockMessages(2, 5, 3) {
		m := billing.message()
		wantDelivered(t, []wireMessage{m}, []wireMessage{want})
		billing.send("FIN %s\n", m.id)
	}
	wantDelivered(t, billing.messages(1), stockMessages(5, 6, 1)) // in flight, too
	post(t, node.nsqd("/channel/pause?topic=orders&channel=billing"), "")
	unnamed := dialWire(t, node.addr.TCP) // names the topic, which is found with its messages
	unnamed.send("SUB unnamed c\nRDY 10\n")
	wantDelivered(t, unnamed.messages(2), stockMessages(50, 52, 1))
	post(t, node.nsqd("/pub?topic=alone"), "new")
	node.stop()

	wantStock(t, dir, "orders:audit", stockMessages(21, 26, 2)...)
	wantStock(t, dir, "orders:billing", append(append(stockMessages(6, 9, 0), stockMessages(9, 10, 65535)...), stockMessages(5, 6, 1)...)...)
	wantStock(t, dir, "held", stockMessages(30, 34, 0)...)
	wantStock(t, dir, "held:c")
	wantStock(t, dir, "unnamed:c", stockMessages(50, 52, 1)...)
	if all := readStock(t, dir, "alone"); len(all) != 4 || !slices.Equal(all[:3], stockMessages(40, 43, 0)) || all[3].body != "new" || !idPattern.MatchString(all[3].id) {
		t.Errorf("topic alone holds %+v", all)
	}
	wantMetadata(t, dir)
	for name, content := range leavings {
		if b, err := os.ReadFile(filepath.Join(dir, name)); err != nil || string(b) != content {
			t.Errorf("%s: %q, %v", name, b, err)
		}
	}
}

var idPattern = regexp.MustCompile(`^[0-9a-f]{16}$`)

func wantDelivered(t *testing.T, got, want []wireMessage) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("delivered\n%+v, want\n%+v", got, want)
	}
}

// wantStock compares what a stock nsqd would find, in any order: a stop appends what was in flight in none.
func wantStock(t *testing.T, dir, name string, want ...wireMessage) {
	t.Helper()
	byID := func(a, b wireMessage) int { return slices.Compare([]byte(a.id), []byte(b.id)) }
	got := readStock(t, dir, name)
	slices.SortFunc(got, byID)
	slices.SortFunc(want, byID)
	if !slices.Equal(got, want) {
		t.Errorf("%s holds\n%+v, want\n%+v", name, got, want)
	}
}

// readStock reads a disk queue as a stock nsqd does: the meta file says where to begin and where the writer stands; a file
// before the writer's is read to its end, the writer's to that place, and there must be as many messages as it says.
func readStock(t *testing.T, dir, name string) (all []wireMessage) {
	t.Helper()
	meta, err := os.ReadFile(filepath.Join(dir, name+".diskqueue.meta.dat"))
	if os.IsNotExist(err) {
		return nil
	}
	var depth, readFile, readAt, writeFile, writeAt int
	if _, err := fmt.Sscanf(string(meta), "%d\n%d,%d\n%d,%d\n", &depth, &readFile, &readAt, &writeFile, &writeAt); err != nil {
		t.Fatalf("meta file of %s: %v in %q", name, err, meta)
	}
	for n := readFile; n <= writeFile; n, readAt = n+1, 0 {
		content, err := os.ReadFile(filepath.Join(dir, fmt.Sprintf("%s.diskqueue.%06d.dat", name, n)))
		if err != nil && (n < writeFile || writeAt > 0) {
			t.Fatalf("data file %d of %s: %v", n, name, err)
		}
		if n == writeFile && len(content) != writeAt {
			t.Errorf("the last file of %s has %d bytes, its meta file says %d", name, len(content), writeAt)
		}
		all = append(all, readRecords(t, name, content[min(readAt, len(content)):])...)
	}
	if len(all) != depth {
		t.Errorf("%s holds %d messages, its meta file says %d", name, len(all), depth)
	}
	return all
}

func readRecords(t *testing.T, name string, content []byte) (all []wireMessage) {
	t.Helper()
	for len(content) > 0 {
		if len(content) < 4+26 || int(binary.BigEndian.Uint32(content)) > len(content)-4 {
			t.Fatalf("%s has a record that is none: %x", name, content)
		}
		end := 4 + int(binary.BigEndian.Uint32(content))
		all = append(all, parseMessage(content[4:end]))
		content = content[end:]
	}
	return all
}

// wantMetadata reads nsqd.dat as a stock nsqd does, and wants no key that it would not write.
func wantMetadata(t *testing.T, dir string) {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(dir, "nsqd.dat"))
	if err != nil {
		t.Fatal(err)
	}
	type channel struct {
		Name   string `json:"name"`
		Paused bool   `json:"paused"`
	}
	type topic struct {
		Name     string    `json:"name"`
		Paused   bool      `json:"paused"`
		Channels []channel `json:"channels"`
	}
	var got struct {
		Topics  []topic `json:"topics"`
		Version string  `json:"version"`
	}
	if err := json.Unmarshal(content, &got); err != nil {
		t.Fatal(err)
	}
	if again, _ := json.Marshal(got); string(again) != string(content) {
		t.Errorf("nsqd.dat is not as a stock nsqd writes it: %s", content)
	}
	want := []topic{
		{"alone", false, nil},
		{"held", true, []channel{{"c", false}}},
		{"orders", false, []channel{{"audit", false}, {"billing", true}}},
		{"unnamed", false, []channel{{"c", false}}},
	}
	if fmt.Sprint(got.Topics) != fmt.Sprint(want) || got.Version != "1.3.0" {
		t.Errorf("nsqd.dat says %s", content)
	}
}
