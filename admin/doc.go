// Package admin is what the admin page stands on: it asks all nodes of the mesh over their HTTP APIs, joins what they
// answer, carries out what people ask for, and says who may. It serves that as JSON under /api/v1; the HTML pages are a
// package of their own, which gets the same answers from an Admin by calling its methods, and draws them.
//
// An Admin owns a short memory of what each node answered (fleet.mu guards it, and snapshots.mu what was made of it), so that
// ten viewers cost one question. Nodes are asked at the same time, each for no longer than Options.Patience, and one that was
// mute is hardly waited for until it answers again. Every answer has a Coverage, which names the nodes that it lacks and why;
// an error is returned only if nothing can be answered at all. Answers are shared between callers: nobody may change one,
// lists least of all; whoever wants another order sorts a copy. What is not known is a NaN.
//
// It never touches the queues of its own node but over the same API as all others', in process, and nothing in it ticks:
// it asks when somebody looks.
//
// For pages: Handler guards whatever handler it is given. A page finds who asks by UserOf(ctx) and what they may do by
// User.May, and puts FormToken(ctx) into each form as the field TokenField. Paths are handed over as they came, with the
// base path.
package admin
