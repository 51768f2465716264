package cli

import (
	"bytes"
	"testing"
)

func TestTable(t *testing.T) {
	tab := &Table{Head: []string{"NAME", " COUNT", "STATE"}}
	tab.Add(Plain("a"), Number(1234567), Plain(""))
	tab.Add(Plain("längste"), Number(-12), CellText{"ok", Paint(true).Good})
	var b bytes.Buffer
	if n := tab.Print(&b, false); n != 3 {
		t.Errorf("%d lines", n)
	}
	want := "NAME         COUNT  STATE\na        1,234,567\nlängste        -12  \x1b[32mok\x1b[0m\n"
	if b.String() != want {
		t.Errorf("got %q", b.String())
	}
}

func TestNumbersForPeople(t *testing.T) {
	for n, want := range map[int64]string{0: "0", 999: "999", 1000: "1,000", 1234567: "1,234,567", -1000: "-1,000"} {
		if got := Grouped(n); got != want {
			t.Errorf("%d: %s", n, got)
		}
	}
	for n, want := range map[int64]string{0: "0 B", 1023: "1023 B", 1536: "1.5 KiB", 5 << 20: "5.0 MiB", 3 << 30: "3.0 GiB", 2 << 40: "2.0 TiB"} {
		if got := ByteSize(n); got != want {
			t.Errorf("%d: %s", n, got)
		}
	}
	if Plural(1, "row") != "1 row" || Plural(0, "row") != "0 rows" || PerSecond(5, 0) != 0 {
		t.Error("small numbers")
	}
}
