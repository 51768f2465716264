package queue

import (
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func testDisk(t testing.TB, o *Options, deliver func([]Message)) *disk {
	d := newDisk("q", o, &health{}, deliver)
	t.Cleanup(func() {
		if err := d.remove(); err != nil {
			t.Error(err)
		}
	})
	return d
}

func takeFrom(t testing.TB, d *disk, n int) []Message {
	t.Helper()
	got, err := d.take(nil, n)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func wantDepth(t testing.TB, d *disk, want int64) {
	t.Helper()
	if got := d.depth(); got != want {
		t.Fatalf("depth is %d, want %d", got, want)
	}
}

func filesLike(t testing.TB, o *Options, pattern string) []string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(o.DataPath, pattern))
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// inbox collects what is delivered.
type inbox struct {
	mu  sync.Mutex
	all []Message
}

func (in *inbox) deliver(batch []Message) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.all = append(in.all, batch...)
}

func (in *inbox) messages() []Message {
	in.mu.Lock()
	defer in.mu.Unlock()
	return slices.Clone(in.all)
}

func TestDiskKeepsWhatAMessageIs(t *testing.T) {
	d := testDisk(t, testOptions(t), nil)
	sent := []Message{
		{ID: 0x18a433d50f669000, Timestamp: 1700000000123456789, Attempts: 7, Body: "m5"},
		{ID: 1, Timestamp: -1, Body: ""},
		{ID: 1<<64 - 1, Attempts: 65535, Body: "\x00\xff\n" + strings.Repeat("x", 100000)},
	}
	putOrFail(t, d, sent)
	if got := takeFrom(t, d, 10); !slices.Equal(got, sent) {
		t.Errorf("got %v", got)
	}
	wantDepth(t, d, 0)
}

// TestDiskRollsWithoutDamage holds the reader at the writer's heels, where go-diskqueue by itself sets whole files aside.
func TestDiskRollsWithoutDamage(t *testing.T) {
	for name, ahead := range map[string]int{"reader at the end": 0, "reader one behind": 1, "reader two behind": 2, "anywhere": 5} {
		t.Run(name, func(t *testing.T) {
			o := testOptions(t)
			o.MaxBytesPerFile = 130
			d := testDisk(t, o, nil)
			var got []Message
			for i := range ID(60) {
				putOrFail(t, d, numbered(i+1, 1))
				for d.depth() > int64(ahead) {
					got = append(got, takeFrom(t, d, 1)...)
				}
			}
			got = append(got, takeFrom(t, d, 100)...)
			wantIDs(t, got, idsOf(numbered(1, 60))...)
			if bad := filesLike(t, o, "*.bad"); bad != nil {
				t.Errorf("files set aside: %v", bad)
			}
		})
	}
}

func TestDiskRollsWithoutDamageWhileRead(t *testing.T) {
	o := testOptions(t)
	o.MaxBytesPerFile = 500
	var in inbox
	d := testDisk(t, o, in.deliver)
	d.want(1 << 30)
	r := rand.New(rand.NewPCG(1, 2))
	const total = 400
	for next := ID(1); next <= total; {
		n := min(1+r.IntN(6), int(total-next)+1)
		putOrFail(t, d, numbered(next, n))
		next += ID(n)
		if r.IntN(3) == 0 {
			waitDrained(t, d)
		}
	}
	waitDrained(t, d)
	wantIDs(t, in.messages(), idsOf(numbered(1, total))...)
	if bad := filesLike(t, o, "*.bad"); bad != nil {
		t.Errorf("files set aside: %v", bad)
	}
}

func waitDrained(t testing.TB, d *disk) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); d.depth() > 0; runtime.Gosched() {
		if time.Now().After(deadline) {
			t.Fatalf("%d messages were not delivered", d.depth())
		}
	}
}

func TestDiskDeliversOnlyWhatIsWanted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var in inbox
		d := testDisk(t, testOptions(t), in.deliver)
		putOrFail(t, d, numbered(1, 10))
		delivered := func(want ...ID) {
			t.Helper()
			time.Sleep(time.Second)
			wantIDs(t, in.messages(), want...)
		}
		delivered()
		d.want(3)
		delivered(1, 2, 3)
		d.want(1)
		d.want(0)
		d.want(2)
		delivered(1, 2, 3, 4, 5)
		d.want(20)
		delivered(1, 2, 3, 4, 5, 6, 7, 8, 9, 10)
		putOrFail(t, d, numbered(11, 1)) // still wanted
		delivered(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11)
		wantDepth(t, d, 0)
	})
}

func TestDiskCountsWhatIsBeingDelivered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		entered, leave := make(chan bool), make(chan bool)
		d := testDisk(t, testOptions(t), func([]Message) { entered <- true; <-leave })
		putOrFail(t, d, numbered(1, 3))
		d.want(2)
		<-entered
		wantDepth(t, d, 3)
		putOrFail(t, d, numbered(4, 1)) // no lock of the disk is held
		wantDepth(t, d, 4)
		leave <- true
		synctest.Wait()
		wantDepth(t, d, 2)
	})
}

func TestDiskHaltWaitsForDelivery(t *testing.T) {
	entered, leave, halted := make(chan bool), make(chan bool), make(chan bool)
	calls := 0
	d := testDisk(t, testOptions(t), func([]Message) { calls++; entered <- true; <-leave })
	putOrFail(t, d, numbered(1, 600))
	d.want(600)
	<-entered
	go func() { d.halt(); close(halted) }()
	for !d.halted.Load() {
		runtime.Gosched()
	}
	select {
	case <-halted:
		t.Fatal("halted while delivering")
	default:
	}
	leave <- true
	<-halted
	d.want(600)
	for d.pulling.Load() {
		runtime.Gosched()
	}
	if calls != 1 {
		t.Errorf("%d deliveries, want 1", calls)
	}
}

// TestDiskAtRest holds a queue to cost no goroutine and no open file when it is not used, whether it is empty or not.
func TestDiskAtRest(t *testing.T) {
	for name, left := range map[string]int{"empty": 0, "holding messages": 4} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				o := testOptions(t)
				o.SyncTimeout = 2 * time.Second
				before := runtime.NumGoroutine()
				d := testDisk(t, o, nil)
				putOrFail(t, d, numbered(1, 5))
				takeFrom(t, d, 5-left)
				time.Sleep(diskRest * 2)
				synctest.Wait()
				if d.queue != nil {
					t.Fatal("open at rest")
				}
				wantGoroutines(t, before)
				wantDepth(t, d, int64(left))
				if data := filesLike(t, o, "q.diskqueue.0*"); len(data) != min(left, 1) {
					t.Errorf("data files at rest: %v", data)
				}
				putOrFail(t, d, numbered(6, 1))
				wantIDs(t, takeFrom(t, d, 9), idsOf(numbered(ID(6-left), left+1))...)
			})
		})
	}
}

func TestDiskInUseStaysOpen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := testDisk(t, testOptions(t), nil)
		putOrFail(t, d, numbered(1, 1))
		queue := d.queue
		for range 10 {
			time.Sleep(diskRest - time.Millisecond)
			putOrFail(t, d, numbered(1, 1))
		}
		if d.queue != queue {
			t.Error("closed though in use")
		}
	})
}

func TestDiskEmpty(t *testing.T) {
	o := testOptions(t)
	o.MaxBytesPerFile = 100
	d := testDisk(t, o, nil)
	for range 2 {
		putOrFail(t, d, numbered(1, 20))
		takeFrom(t, d, 3)
		if err := d.empty(); err != nil {
			t.Fatal(err)
		}
		wantDepth(t, d, 0)
		if files := filesLike(t, o, "q.diskqueue.0*"); files != nil {
			t.Errorf("files left: %v", files)
		}
	}
	putOrFail(t, d, numbered(30, 1))
	wantIDs(t, takeFrom(t, d, 5), 30)
}

func TestDiskRemoveLeavesNothing(t *testing.T) {
	for name, prepare := range map[string]func(*disk){
		"never used": func(*disk) {},
		"open":       func(d *disk) { putOrFail(t, d, numbered(1, 20)) },
		"at rest":    func(d *disk) { putOrFail(t, d, numbered(1, 20)); d.shut() },
		"emptied":    func(d *disk) { putOrFail(t, d, numbered(1, 20)); d.empty() },
		"with due times": func(d *disk) {
			putOrFail(t, d, []Message{{ID: 1, Due: time.Now().Add(time.Hour).UnixNano()}})
		},
	} {
		t.Run(name, func(t *testing.T) {
			o := testOptions(t)
			o.MaxBytesPerFile = 100
			d := newDisk("q", o, &health{}, nil)
			prepare(d)
			if err := d.remove(); err != nil {
				t.Fatal(err)
			}
			if files := filesLike(t, o, "*"); files != nil {
				t.Errorf("files left: %v", files)
			}
			if err := d.put(numbered(1, 1)); !errors.Is(err, ErrExiting) {
				t.Errorf("put after remove: %v", err)
			}
		})
	}
}

func TestDiskCloseKeepsAll(t *testing.T) {
	o := testOptions(t)
	d := newDisk("q", o, &health{}, nil)
	putOrFail(t, d, numbered(1, 5))
	takeFrom(t, d, 2)
	if err := d.close(numbered(6, 2)); err != nil {
		t.Fatal(err)
	}
	again := testDisk(t, o, nil)
	wantDepth(t, again, 5)
	wantIDs(t, takeFrom(t, again, 10), 3, 4, 5, 6, 7)
}

// TestDiskSurvivesDamage: whatever is in the files, reading ends, and what comes after the damage is there.
func TestDiskSurvivesDamage(t *testing.T) {
	for name, damage := range map[string]func([]byte) []byte{
		"a length that cannot be": func(b []byte) []byte { b[31] = 0xff; return b }, // of the second record
		"nothing but zeros":       func(b []byte) []byte { clear(b); return b },
		"an empty file":           func([]byte) []byte { return nil },
		"half a file":             func(b []byte) []byte { return b[:len(b)/2+3] },
	} {
		t.Run(name, func(t *testing.T) {
			o := testOptions(t)
			o.MaxBytesPerFile = 200
			d := newDisk("q", o, &health{}, nil)
			putOrFail(t, d, numbered(1, 20))
			if err := d.close(nil); err != nil {
				t.Fatal(err)
			}
			file := filepath.Join(o.DataPath, "q.diskqueue.000001.dat")
			content, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(file, damage(content), 0o600); err != nil {
				t.Fatal(err)
			}
			again := testDisk(t, o, nil)
			putOrFail(t, again, numbered(21, 1))
			got := idsOf(takeFrom(t, again, 100))
			wantDepth(t, again, 0)
			if !slices.IsSorted(got) || got[0] != 1 || got[len(got)-1] != 21 || len(got) < 15 {
				t.Errorf("read %d", got)
			}
		})
	}
}

func TestDiskSkipsWhatIsNoMessage(t *testing.T) {
	o := testOptions(t)
	d := testDisk(t, o, nil)
	putOrFail(t, d, numbered(1, 1))
	if _, err := parseRecord(make([]byte, recordHeader-1)); err == nil {
		t.Error("a short record is no message")
	}
	record := appendRecord(nil, &Message{Body: "x"})
	copy(record[10:], "NOT-HEXADECIMAL!")
	m, err := parseRecord(record)
	if err != nil || m.Body != "x" || m.ID == 0 {
		t.Errorf("a foreign id made the message %v, %v", m, err)
	}
}

// TestDiskTakesWhatThereIs, at once: asking for more than that is no reason to doubt the files.
func TestDiskTakesWhatThereIs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := testDisk(t, testOptions(t), nil)
		putOrFail(t, d, numbered(1, 3))
		start := time.Now()
		wantIDs(t, takeFrom(t, d, 100), 1, 2, 3)
		wantIDs(t, takeFrom(t, d, 100))
		if waited := time.Since(start); waited > 0 {
			t.Errorf("waited %v", waited)
		}
	})
}
