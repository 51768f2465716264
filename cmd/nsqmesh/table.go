package main

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// table is rows under a head, in columns as wide as they must be. A column whose head starts with a space is numbers,
// which stand to the right.
type table struct {
	head []string
	rows [][]cellText
}

// cellText is what a cell says and how it is painted.
type cellText struct {
	text  string
	paint func(string) string
}

func plain(s string) cellText { return cellText{text: s} }

func number[T int | int64 | uint64](n T) cellText { return cellText{text: grouped(int64(n))} }

func (t *table) add(cells ...cellText) { t.rows = append(t.rows, cells) }

// print writes the table and returns how many lines it has.
func (t *table) print(w io.Writer, p paint) int {
	width := make([]int, len(t.head))
	for i, h := range t.head {
		width[i] = utf8.RuneCountInString(strings.TrimSpace(h))
		for _, row := range t.rows {
			width[i] = max(width[i], utf8.RuneCountInString(row[i].text))
		}
	}
	head := make([]cellText, len(t.head))
	for i, h := range t.head {
		head[i] = cellText{strings.TrimSpace(h), p.title}
	}
	t.line(w, head, width)
	for _, row := range t.rows {
		t.line(w, row, width)
	}
	return len(t.rows) + 1
}

func (t *table) line(w io.Writer, cells []cellText, width []int) {
	var b strings.Builder
	for i, c := range cells {
		pad := strings.Repeat(" ", width[i]-utf8.RuneCountInString(c.text))
		text := c.text
		if c.paint != nil {
			text = c.paint(text)
		}
		switch {
		case strings.HasPrefix(t.head[i], " "):
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

// grouped is 1234567 as 1,234,567.
func grouped(n int64) string {
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

// plural is "1 message" and "2 messages".
func plural(n int64, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return grouped(n) + " " + noun + "s"
}

// byteSize is 1536 as 1.5 KiB.
func byteSize(n int64) string {
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

// perSecond is how many of n came in each second of elapsed.
func perSecond(n int64, elapsed time.Duration) float64 {
	if elapsed <= 0 {
		return 0
	}
	return float64(n) / elapsed.Seconds()
}

// brief rounds a duration to what people read.
func brief(d time.Duration) string {
	switch {
	case d >= time.Minute:
		return d.Round(time.Second).String()
	case d >= time.Second:
		return d.Round(100 * time.Millisecond).String()
	}
	return d.Round(100 * time.Microsecond).String()
}
