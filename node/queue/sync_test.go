package queue

import (
	"os"
	"testing"
)

// A sync writes the meta file last, so the meta file tells what was synced.
func TestASyncForEachMessageIsDoneBeforePutReturns(t *testing.T) {
	o := testOptions(t)
	o.SyncEvery = 1
	d := testDisk(t, o, nil)
	for n := int64(1); n <= 50; n++ {
		if err := d.put([]Message{{ID: ID(n), Body: "x"}}); err != nil {
			t.Fatal(err)
		}
		content, err := os.ReadFile(d.files.meta())
		if err != nil {
			t.Fatal(err)
		}
		if s, err := parseState(content); err != nil || s.depth != n {
			t.Fatalf("after message %d the files know of %d, %v", n, s.depth, err)
		}
	}
}
