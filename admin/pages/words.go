package pages

import (
	"fmt"
	"strings"
	"time"

	"github.com/nsqmesh/nsqmesh/admin/chart"
)

// plural is "1 node", "2 nodes", "1,204 messages".
func plural(n int64, one string) string {
	if n == 1 {
		return "1 " + one
	}
	many := one + "s"
	if strings.HasSuffix(one, "y") {
		many = strings.TrimSuffix(one, "y") + "ies"
	}
	return group(n) + " " + many
}

func group(n int64) string { return chart.Count.Text(float64(n)) }

// enumerate is "a", "a and b", "a, b and c"; of many it names the first few.
func enumerate(names []string) string {
	const most = 6
	switch n := len(names); {
	case n == 0:
		return ""
	case n == 1:
		return names[0]
	case n > most:
		return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), n-most)
	default:
		return strings.Join(names[:n-1], ", ") + " and " + names[n-1]
	}
}

// lasting is how long something has gone on, as exact as it matters: 8 s, 12 min, 3 h 5 min, 9 d.
func lasting(d time.Duration) string {
	switch {
	case d < 0:
		return chart.None
	case d < time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%d min", int(d.Minutes()))
	case d < 24*time.Hour:
		if m := int(d.Minutes()) % 60; m > 0 {
			return fmt.Sprintf("%d h %d min", int(d.Hours()), m)
		}
		return fmt.Sprintf("%d h", int(d.Hours()))
	}
	return fmt.Sprintf("%d d", int(d.Hours())/24)
}

func millis(ms int64) time.Duration { return time.Duration(ms) * time.Millisecond }
