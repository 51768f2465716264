package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"text/tabwriter"
	"time"
)

const maxComplaints = 20

// print writes the one table, and what is wrong.
func (v *verdict) print(out io.Writer) {
	l := v.run.ledger
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "node\ttopic\tchannel\tacked\tdelivered\tunknown\trecovered\tduplicates\tlost: may be\tLOST\t")
	var all row
	for _, r := range v.rows {
		fmt.Fprintf(w, "%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t\n", r.node, r.topic, r.channel,
			r.acked, r.delivered, r.unknown, r.recovered, r.duplicates, r.excused, r.left+r.overBudget)
		all.add(r)
	}
	fmt.Fprintf(w, "all\t\t\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t\n", all.acked, all.delivered, all.unknown, all.recovered, all.duplicates, all.excused, all.left+all.overBudget)
	_ = w.Flush()
	fmt.Fprintf(out, "\nsetting %s, seed %d, %v of faults %v\n", v.run.cfg.setting, v.run.cfg.seed, v.run.cfg.load, v.run.cfg.faults)
	fmt.Fprintf(out, "unexpected %d, early %d, again after a FIN %d (%d and %d more that a kill explains)\n",
		len(l.unexpected), len(l.early)-v.excusedEarly, len(l.afterFin)-v.excusedFin, v.excusedEarly, v.excusedFin)
	fmt.Fprintf(out, "longest time without an acknowledged publish %v, the first one %v after the heal; nodes told the same: %v\n",
		v.blackout.Round(time.Millisecond), v.firstOK.Round(time.Millisecond), v.equal)
	for i, what := range v.wrong {
		if i == maxComplaints {
			fmt.Fprintf(out, "and %d more\n", len(v.wrong)-i)
			break
		}
		fmt.Fprintln(out, "WRONG:", what)
	}
	if v.good() {
		fmt.Fprintln(out, "good")
		return
	}
	fmt.Fprintln(out, "what calls said:")
	for _, text := range slices.Sorted(maps.Keys(v.run.errors)) {
		fmt.Fprintf(out, "%6d  %s\n", v.run.errors[text], text)
	}
	fmt.Fprintln(out, "data and logs are in", v.run.cfg.dir)
}

func (r *row) add(o row) {
	r.acked += o.acked
	r.delivered += o.delivered
	r.unknown += o.unknown
	r.recovered += o.recovered
	r.duplicates += o.duplicates
	r.excused += o.excused
	r.left += o.left
	r.overBudget += o.overBudget
}
