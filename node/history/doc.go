// Package history remembers how the queues of a node were: the last hour in steps of 10 s, the last day in steps of 5 min,
// for each topic, each channel and the whole node.
//
// A Keeper owns the past. It looks at the queues on its own clock, and only while Run runs, so a node whose admin pages are
// off keeps and costs nothing. Keeper.mu guards all of it; the queues are looked at without it.
//
// What is kept is packed: a series that stands still costs no byte more, however long. All together stays below Options.MaxBytes:
// beyond that the past gets shorter, for all series alike, and in the end new series get none. Nothing is written to disk: a
// restarted node begins anew.
package history
