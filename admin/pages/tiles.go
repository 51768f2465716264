package pages

import (
	"fmt"

	"github.com/nsqmesh/nsqmesh/admin"
	"github.com/nsqmesh/nsqmesh/admin/chart"
)

// traffic are the tiles that pages of topics, channels and nodes begin with.
func traffic(c admin.Counts, s admin.Series) []tile {
	tiles := []tile{
		{Key: "in", Name: "In", Value: chart.Rate.Text(float64(c.Rates.In)), Spark: sparkRate(s.In)},
		{Key: "out", Name: "Out", Value: chart.Rate.Text(float64(c.Rates.Out)), Spark: sparkRate(s.Out)},
		{Key: "depth", Name: "Depth", Value: group(c.Depth), Spark: sparkCount(s.Depth)},
		{Key: "flight", Name: "In flight", Value: group(c.InFlight), Spark: sparkCount(s.InFlight)},
	}
	if c.OnDisk > 0 {
		tiles[2].Note = chart.Count.Short(float64(c.OnDisk)) + " on disk"
	}
	if c.Deferred > 0 {
		tiles[3].Note = chart.Count.Short(float64(c.Deferred)) + " deferred"
	}
	return tiles
}

// amount is a tile with a plain number.
func amount(key, name string, n int64, note string) tile {
	return tile{Key: key, Name: name, Value: group(n), Note: note}
}

func ofAll(n, all int) string { return fmt.Sprintf("of %d", all) }
