package cli

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// Table is rows under a head, in columns as wide as they must be. A column whose head starts with a space is numbers,
// which stand to the right.
type Table struct {
	Head []string
	rows [][]CellText
}

// CellText is what a cell says and how it is painted.
type CellText struct {
	text  string
	Paint func(string) string
}

func Painted(s string, with func(string) string) CellText { return CellText{s, with} }

func Plain(s string) CellText { return CellText{text: s} }

func Number[T int | int64 | uint64](n T) CellText { return CellText{text: Grouped(int64(n))} }

func (t *Table) Add(cells ...CellText) { t.rows = append(t.rows, cells) }

// Print writes the table and returns how many lines it has.
func (t *Table) Print(w io.Writer, p Paint) int {
	width := make([]int, len(t.Head))
	for i, h := range t.Head {
		width[i] = utf8.RuneCountInString(strings.TrimSpace(h))
		for _, row := range t.rows {
			width[i] = max(width[i], utf8.RuneCountInString(row[i].text))
		}
	}
	head := make([]CellText, len(t.Head))
	for i, h := range t.Head {
		head[i] = CellText{strings.TrimSpace(h), p.Title}
	}
	t.line(w, head, width)
	for _, row := range t.rows {
		t.line(w, row, width)
	}
	return len(t.rows) + 1
}

func (t *Table) line(w io.Writer, cells []CellText, width []int) {
	var b strings.Builder
	for i, c := range cells {
		pad := strings.Repeat(" ", width[i]-utf8.RuneCountInString(c.text))
		text := c.text
		if c.Paint != nil {
			text = c.Paint(text)
		}
		switch {
		case strings.HasPrefix(t.Head[i], " "):
			text = pad + text
		case i < len(cells)-1:
			text += pad
		}
		if i > 0 {
			b.WriteString("  ")
		}
		b.WriteString(text)
	}
	fmt.Fprintln(w, strings.TrimRight(b.String(), " "))
}

// Grouped is 1234567 as 1,234,567.
func Grouped(n int64) string {
	digits := strconv.FormatInt(n, 10)
	sign := ""
	if n < 0 {
		sign, digits = "-", digits[1:]
	}
	for at := len(digits) - 3; at > 0; at -= 3 {
		digits = digits[:at] + "," + digits[at:]
	}
	return sign + digits
}

// Plural is "1 message" and "2 messages".
func Plural(n int64, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return Grouped(n) + " " + noun + "s"
}

// ByteSize is 1536 as 1.5 KiB.
func ByteSize(n int64) string {
	if n < 1024 {
		return fmt.Sprintf("%d B", n)
	}
	size := float64(n)
	for _, unit := range []string{"KiB", "MiB", "GiB"} {
		if size /= 1024; size < 1024 {
			return fmt.Sprintf("%.1f %s", size, unit)
		}
	}
	return fmt.Sprintf("%.1f TiB", size/1024)
}

// PerSecond is how many of n came in each second of elapsed.
func PerSecond(n int64, elapsed time.Duration) float64 {
	if elapsed <= 0 {
		return 0
	}
	return float64(n) / elapsed.Seconds()
}

// Brief rounds a duration to what people read.
func Brief(d time.Duration) string {
	switch {
	case d >= time.Minute:
		return d.Round(time.Second).String()
	case d >= time.Second:
		return d.Round(100 * time.Millisecond).String()
	}
	return d.Round(100 * time.Microsecond).String()
}
